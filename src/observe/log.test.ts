import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "../../tests/folder.ts";
import { steeredClock } from "../../tests/steered-clock.ts";
import { until } from "../../tests/until.ts";
import { systemClock } from "../lib/clock.ts";
import { type Level, Log } from "./log.ts";

let folder: Folder;
let path: string;
let fd: number;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "log");
  fd = openSync(path, "a");
});
afterEach(() => {
  closeSync(fd);
  folder.remove();
});

const newLog = (bufferBytesMax = 1_000_000, level: Level = "INFO") =>
  new Log({ level, bufferBytesMax, clock: systemClock, fd });
const text = () => readFileSync(path, "utf8");
const lines = () =>
  text()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("lines come in order within 100 ms, without being asked for", async () => {
  const clock = steeredClock();
  const log = new Log({ level: "INFO", bufferBytesMax: 1_000_000, clock, fd });
  for (let index = 0; index < 50; index++) log.info(`line ${index}`, { index });
  expect(lines()).toEqual([]);
  clock.advance(100);
  await until("all lines", () => lines().length === 50);
  expect(lines().map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, index) => index));
});

test("a flush resolves when everything is written, a great deal too", async () => {
  const log = newLog(10_000_000);
  for (let index = 0; index < 20_000; index++) log.info("é".repeat(20), { index });
  await log.flush(5000);
  expect(lines()).toHaveLength(20_000);
  expect(log.dropped).toBe(0);
  await log.flush(5000);
});

test("a file is synced while it grows", async () => {
  const synced: number[] = [];
  const sync = (given: number, done: () => void) => {
    synced.push(given);
    done();
  };
  const log = new Log({ level: "INFO", bufferBytesMax: 10_000_000, clock: systemClock, fd, sync });
  for (let index = 0; index < 3; index++) {
    log.info("x".repeat(1024 * 1024));
    await log.flush(5000);
  }
  expect(synced).toEqual([fd, fd, fd]);
});

test("the last words of a dying process are written at once", () => {
  const log = newLog();
  log.error("last", { reason: "words" });
  log.flushSync();
  expect(lines()).toMatchObject([{ level: "ERROR", message: "last", reason: "words" }]);
});

test("beyond its buffer whole lines are dropped and counted", async () => {
  const log = newLog(1000);
  for (let index = 0; index < 100; index++) log.info("x".repeat(50), { index });
  const dropped = log.dropped;
  await log.flush(5000);
  expect(dropped).toBeGreaterThan(0);
  expect(lines()).toHaveLength(100 - dropped);
});

test("fields that are undefined are left out, and text is escaped", async () => {
  const log = newLog();
  log.info('"\n\\', { a: undefined, b: null, c: true, d: 1.5, e: 'x"\n' });
  await log.flush(5000);
  expect(lines()).toEqual([
    { timestamp: expect.any(String), level: "INFO", message: '"\n\\', b: null, c: true, d: 1.5, e: 'x"\n' },
  ]);
  expect(text().split("\n")).toHaveLength(2);
});

test("levels below the threshold are not written", async () => {
  const log = newLog(1_000_000, "WARN");
  log.debug("no");
  log.info("no");
  log.warn("yes");
  log.error("yes");
  await log.flush(5000);
  expect(lines().map(({ level }) => level)).toEqual(["WARN", "ERROR"]);
});

test("characters that a reader of lines obeys stand escaped, and mean what they did", async () => {
  const obeyed = "\x7f\x80\x85\x9b\x9f\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069";
  const harmless = "\xa0é\u200d\u2027\u202f\u2065\u206a\u{1f600} \\u2028 \\\u2028";
  const log = newLog();
  log.info(obeyed, { field: obeyed, harmless });
  log.request({
    level: "INFO",
    requestId: "r",
    method: "GET",
    path: `/${obeyed}`,
    status: 200,
    latencyMs: 1,
    result: undefined,
    fields: { message_id: obeyed },
    error: obeyed,
  });
  await log.flush(5000);
  expect(lines()).toEqual([
    expect.objectContaining({ message: obeyed, field: obeyed, harmless }),
    expect.objectContaining({ path: `/${obeyed}`, message_id: obeyed, error: obeyed }),
  ]);
  for (const character of obeyed) expect(text()).not.toContain(character);
  expect(text()).toContain("\\u2028\\u2029\\u202a");
  expect(text()).toContain("\xa0é\u200d\u2027\u202f");
});

test("a pipe that takes a part at a time gets every byte once", async () => {
  const fifo = join(folder.path, "fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  const log = new Log({ level: "INFO", bufferBytesMax: 10_000_000, clock: systemClock, fd: writer });
  for (let index = 0; index < 5000; index++) log.info("é".repeat(30), { index });
  let flushed = false;
  const flushing = log.flush(10_000).then(() => {
    flushed = true;
  });
  const parts: Buffer[] = [];
  await until("everything is read", () => {
    const part = Buffer.alloc(10_000);
    try {
      const length = readSync(reader, part, 0, part.length, null);
      parts.push(part.subarray(0, length));
    } catch {
      // Nothing is there yet.
    }
    return flushed && Buffer.concat(parts).toString().endsWith('"index":4999}\n');
  });
  await flushing;
  const indexes = Buffer.concat(parts)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { index: number }).index);
  expect(indexes).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  closeSync(reader);
  closeSync(writer);
});
