/**
 * The system's clock, with its time of day held while something happens: other threads have no
 * other one.
 */
import { type Clock, systemClock } from "../src/lib/clock.ts";

interface PinnedClock extends Clock {
  /** Runs with this time of day (ISO 8601). */
  readonly at: <T>(time: string, run: () => Promise<T>) => Promise<T>;
}

export function pinnedClock(): PinnedClock {
  let pinned: number | undefined;
  return {
    ...systemClock,
    now: () => pinned ?? systemClock.now(),
    async at(time, run) {
      pinned = Date.parse(time);
      try {
        return await run();
      } finally {
        pinned = undefined;
      }
    },
  };
}
