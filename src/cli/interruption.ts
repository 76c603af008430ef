/**
 * Ctrl-C and its like in a command that runs for a while: it says how far it got and ends at once.
 */

/** Signal numbers, which shells add to 128 for the exit code. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Calls `lastWords` on the first signal, and ends the process as soon as they are said; a second
 * signal doesn't wait for them. What is returned ends the watch.
 */
export function onInterruption(lastWords: () => void | Promise<void>): () => void {
  const watches = Object.entries(SIGNALS).map(([signal, number]) => {
    const interrupted = async () => {
      await lastWords();
      process.exit(128 + number);
    };
    process.once(signal, interrupted);
    return () => process.off(signal, interrupted);
  });
  return () => {
    for (const stop of watches) stop();
  };
}
