/** Folders on disk that go away with the tests that asked for them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Folder {
  readonly path: string;
  readonly remove: () => void;
}

export function newFolder(parent = tmpdir()): Folder {
  const path = mkdtempSync(join(parent, "postern-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
