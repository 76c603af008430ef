/** A clock whose elapsed time a test moves on; the time of day is the system's. */
import { type Clock, systemClock } from "../src/lib/clock.ts";

export interface SteeredClock extends Clock {
  readonly advance: (ms: number) => void;
}

export function steeredClock(): SteeredClock {
  let elapsed = 0;
  return {
    now: systemClock.now,
    elapsed: () => elapsed,
    advance: (ms) => {
      elapsed += ms;
    },
  };
}
