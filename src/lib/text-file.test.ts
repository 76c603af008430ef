import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

function pipe(name: string): string {
  const path = join(folder.path, name);
  if (!existsSync(path)) expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  return path;
}

function circle(): string {
  const path = join(folder.path, "circle");
  rmSync(path, { force: true });
  symlinkSync(path, path);
  return path;
}

const NO_FILE = "it is no file, but a pipe, a socket or a device";

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
  ["a device without an end", () => "/dev/zero", NO_FILE],
  ["an empty device", () => "/dev/null", NO_FILE],
  ["a pipe that nobody writes", () => pipe("silent"), NO_FILE],
  ["a link that leads to itself", () => circle(), "its symbolic links lead in a circle"],
])("what is %s is refused with the reason", (_, path, reason) => {
  expect(() => readTextFile(path(), 8)).toThrow(new UnreadableFile(reason));
});

test("a socket is refused with the reason", async () => {
  const path = join(folder.path, "socket");
  const server = Bun.listen({ unix: path, socket: { data: () => undefined } });
  expect(() => readTextFile(path, 8)).toThrow(new UnreadableFile(NO_FILE));
  server.stop(true);
});

test("a link to a file is read as the file", () => {
  const path = join(folder.path, "link");
  symlinkSync(file("linked"), path);
  expect(readTextFile(path, 8)).toBe("linked");
});

describe("a pipe that may be waited for", () => {
  const writer = (script: string) => Bun.spawn(["sh", "-c", script, "sh", pipe("fed")]);

  test("a pipe that may be waited for is read to its end, also when it comes in pieces", async () => {
    const child = writer('exec 3<>"$1"; echo open; printf one >&3; sleep 0.2; printf two >&3');
    const reader = child.stdout.getReader();
    await reader.read();
    expect(readTextFile(pipe("fed"), 8, 10_000)).toBe("onetwo");
    expect(await child.exited).toBe(0);
  });

  test("a pipe that may be waited for is refused when it brings too much, or doesn't end in time", async () => {
    const child = writer('exec 3<>"$1"; echo open; printf 123456789 >&3; exec sleep 60');
    const reader = child.stdout.getReader();
    await reader.read();
    expect(() => readTextFile(pipe("fed"), 8, 10_000)).toThrow("it has more than 8 bytes");
    expect(() => readTextFile(pipe("fed"), 9, 50)).toThrow("whose end didn't come within 50 ms");
    child.kill();
    await child.exited;
  });
});

test("what may not be read is refused with the reason", () => {
  const path = file("x");
  chmodSync(path, 0);
  if (process.getuid?.() !== 0) expect(() => readTextFile(path, 8)).toThrow("it may not be read");
  chmodSync(path, 0o600);
});
