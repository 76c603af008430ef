/**
 * Work that is done at the end of a turn of the event loop, once for all who asked for it in that
 * turn.
 */
export function oncePerTurn(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      work();
    });
  };
}
