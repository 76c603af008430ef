/** The programs of this room's threads. `scripts/compile.ts` lists them too. */
export const WRITER_THREAD = new URL("./writer.ts", import.meta.url).href;
export const CHECKPOINTER_THREAD = new URL("./checkpointer.ts", import.meta.url).href;
