/** The next turn of the event loop, once for everybody who waits for it. */

let coming: Promise<void> | undefined;

/** Resolves when everything that has already come in on open sockets was handed over. */
export function nextTurn(): Promise<void> {
  coming ??= new Promise((resolve) => {
    setImmediate(() => {
      coming = undefined;
      resolve();
    });
  });
  return coming;
}
