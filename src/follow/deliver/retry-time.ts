/** When a record that wasn't handed on is tried again. */

/** Of each pause, more or less: those that failed together don't come back together. */
const JITTER = 0.2;

/**
 * Milliseconds until the next attempt after so many have failed, by the pauses of the schedule and
 * no sooner than the receiver asks for; undefined where there is no next one. `chance` is from 0 up
 * to 1.
 */
export function retryMs(
  schedule: readonly number[],
  failed: number,
  chance: () => number,
  retryAfterMs = 0,
): number | undefined {
  const pauseMs = schedule[failed - 1];
  if (pauseMs === undefined) return undefined;
  return Math.max(Math.round(pauseMs * (1 + JITTER * (2 * chance() - 1))), retryAfterMs);
}
