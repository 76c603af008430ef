import { expect, test } from "bun:test";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../../tests/folder.ts";
import { ClosedPipe, writeAll } from "./output.ts";

/** A pipe whose both ends never wait. */
function newPipe() {
  const folder = newFolder();
  const path = join(folder.path, "pipe");
  Bun.spawnSync(["mkfifo", path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  folder.remove();
  return { reader, writer };
}

test("a pipe that takes only a part, or nothing for now, gets every byte once and in order", async () => {
  const { reader, writer } = newPipe();
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const sent = Buffer.concat(Array.from({ length: 12 }, () => bytes));
  const writing = writeAll(writer, sent).then(() => closeSync(writer));
  const received: Buffer[] = [];
  const buffer = Buffer.alloc(5000);
  for (let size = -1; size !== 0; await Bun.sleep(0)) {
    try {
      size = readSync(reader, buffer);
      received.push(Buffer.from(buffer.subarray(0, size)));
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
    }
  }
  await writing;
  closeSync(reader);
  expect(Buffer.concat(received).equals(sent)).toBe(true);
});

test("a pipe that nobody reads any more is told as such", async () => {
  const { reader, writer } = newPipe();
  closeSync(reader);
  await expect(writeAll(writer, "x")).rejects.toThrow(ClosedPipe);
  closeSync(writer);
});
