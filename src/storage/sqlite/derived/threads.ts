/** The program of this room's thread. `scripts/compile.ts` lists it too. */
export const INDEX_THREAD = new URL("./index-thread.ts", import.meta.url).href;
