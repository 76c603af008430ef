/**
 * A clock whose elapsed time a test moves on: what was to be done in that time is done at once, in
 * its order. The time of day is the system's.
 */
import { type Clock, systemClock } from "../src/lib/clock.ts";

export interface SteeredClock extends Clock {
  readonly advance: (ms: number) => void;
}

export function steeredClock(): SteeredClock {
  let elapsed = 0;
  const waiting = new Set<{ readonly at: number; readonly task: () => void }>();
  return {
    now: systemClock.now,
    elapsed: () => elapsed,
    after: (ms, task) => {
      const entry = { at: elapsed + ms, task };
      waiting.add(entry);
      return () => void waiting.delete(entry);
    },
    advance: (ms) => {
      const end = elapsed + ms;
      for (;;) {
        const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        waiting.delete(next);
        elapsed = Math.max(elapsed, next.at);
        next.task();
      }
      elapsed = end;
    },
  };
}
