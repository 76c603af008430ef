/**
 * Makes the entries of a folder durable: a new file, or a file's new name, is on the disk only when
 * its folder is.
 */
import { closeSync, fsyncSync, openSync } from "node:fs";

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
