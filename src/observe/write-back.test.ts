import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, constants, fdatasyncSync, openSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "../../tests/folder.ts";
import { WriteBack } from "./write-back.ts";

const MIB = 1024 * 1024;

let folder: Folder;
/** Syncs that have begun and not ended. */
let underway: (() => void)[];
beforeEach(() => {
  folder = newFolder();
  underway = [];
});
afterEach(() => folder.remove());

function opened(path: string, flags: string | number): { readonly fd: number; readonly back: WriteBack } {
  const fd = openSync(path, flags);
  const back = new WriteBack(fd, (given, done) => {
    expect(given).toBe(fd);
    underway.push(done);
  });
  return { fd, back };
}

test("a file is synced after each mebibyte, not before", () => {
  const { fd, back } = opened(join(folder.path, "log"), "a");
  back.wrote(MIB - 1);
  expect(underway).toHaveLength(0);
  back.wrote(1);
  expect(underway).toHaveLength(1);
  underway.pop()?.();
  back.wrote(MIB - 1);
  expect(underway).toHaveLength(0);
  closeSync(fd);
});

test("while a sync is under way no other begins, and what came meanwhile counts for the next", () => {
  const { fd, back } = opened(join(folder.path, "log"), "a");
  back.wrote(MIB);
  back.wrote(MIB);
  back.wrote(MIB);
  expect(underway).toHaveLength(1);
  underway.pop()?.();
  back.wrote(1);
  expect(underway).toHaveLength(1);
  closeSync(fd);
});

test("a pipe is never synced", () => {
  const fifo = join(folder.path, "fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  const { fd, back } = opened(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  back.wrote(10 * MIB);
  expect(underway).toHaveLength(0);
  expect(() => fdatasyncSync(fd)).toThrow();
  closeSync(fd);
});
