/** When a record that wasn't handed on is tried again. */

/** Of each pause, more or less: those that failed together don't come back together. */
const JITTER = 0.2;

/**
 * Milliseconds until the next attempt after so many have failed, by the pauses of the schedule;
 * undefined where there is no next one. `chance` is from 0 up to 1.
 */
export function retryMs(
  schedule: readonly number[],
  failed: number,
  chance: () => number,
): number | undefined {
  const pauseMs = schedule[failed - 1];
  return pauseMs === undefined ? undefined : Math.round(pauseMs * (1 + JITTER * (2 * chance() - 1)));
}
