/** What `postern doctor` would find, for tests that break things. */
import { expect } from "bun:test";
import { examine } from "../../src/storage/sqlite/maintenance/doctor.ts";

/** Every difference between the log and what is derived from it. */
export function whatDiffers(database: string): readonly string[] {
  const examination = examine(database);
  let step = examination.next();
  while (step.done !== true) step = examination.next();
  const parts = step.value.parts.map(({ part }) => part);
  expect(parts.slice(0, 4)).toEqual(["log", "time", "senders", "search"]);
  return step.value.parts.flatMap(({ findings }) => findings);
}
