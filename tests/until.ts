/** Waits for conditions: tests never guess how long something takes. */

const POLL_MS = 5;

/**
 * Asks until the answer is neither undefined nor false, and returns it. A question that throws is
 * asked again. Throws when nothing came within the time, with the last error.
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(POLL_MS);
  }
  throw new Error(`${what}: not within ${withinMs} ms`, { cause: last });
}
