/** Folders on disk that go away with the tests that asked for them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Folder {
  readonly path: string;
  readonly remove: () => void;
}

export function newFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "postern-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
