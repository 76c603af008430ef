/**
 * What is started where a test wants Postern as a process: the sources under this Bun, or the
 * executable of `scripts/compile.ts` that `scripts/run-tests.ts` makes for the whole run, because
 * it starts in a third of the time.
 */
import { resolve } from "node:path";

const EXECUTABLE = process.env["POSTERN_TEST_EXECUTABLE"];

/** Arguments follow. */
export const PROGRAM: readonly string[] = EXECUTABLE
  ? [EXECUTABLE]
  : [process.execPath, resolve(import.meta.dir, "../src/main.ts")];
