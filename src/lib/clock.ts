/**
 * Time, as an argument. The system's clock is read in this file alone; everything else is given a
 * `Clock`.
 */

export interface Clock {
  /** Milliseconds since 1970 (UTC), whole. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  elapsed(): number;
  /** Does the task once, so many milliseconds from now, unless what it gives is called before. */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** `now` as ISO 8601 text; a burst of calls within one millisecond formats it once. */
export function isoTicker(clock: Clock): () => string {
  let at = Number.NaN;
  let text = "";
  return () => {
    const now = clock.now();
    if (now !== at) {
      at = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}
