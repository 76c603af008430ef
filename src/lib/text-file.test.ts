import { afterAll, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../../tests/folder.ts";
import { readTextFile, UnreadableFile } from "./text-file.ts";

const folder = newFolder();
afterAll(() => folder.remove());

function file(content: string | Uint8Array): string {
  const path = join(folder.path, "file");
  writeFileSync(path, content);
  return path;
}

test("a text is read whole, up to the last byte of the limit, without a byte order mark", () => {
  for (const text of ["", "x", "ä\r\n\n", "12345678"]) expect(readTextFile(file(text), 8)).toBe(text);
  expect(readTextFile(file("\uFEFFx"), 8)).toBe("x");
});

test.each([
  ["one byte too long", () => file("123456789"), "it has more than 8 bytes"],
  ["no UTF-8", () => file(Uint8Array.of(0x61, 0xff)), "it is no UTF-8 text"],
  ["not there", () => join(folder.path, "missing"), "there is no such file"],
  ["a folder", () => folder.path, "it is a folder"],
  ["too long and has no size of its own", () => "/proc/self/maps", "it has more than 8 bytes"],
])("what is %s is refused with the reason", (_, path, reason) => {
  expect(() => readTextFile(path(), 8)).toThrow(new UnreadableFile(reason));
});

test("what may not be read is refused with the reason", () => {
  const path = file("x");
  chmodSync(path, 0);
  if (process.getuid?.() !== 0) expect(() => readTextFile(path, 8)).toThrow("it may not be read");
  chmodSync(path, 0o600);
});
