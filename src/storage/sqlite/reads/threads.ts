/** The program of this room's threads. `scripts/compile.ts` lists it too. */
export const READER_THREAD = new URL("./reader.ts", import.meta.url).href;
