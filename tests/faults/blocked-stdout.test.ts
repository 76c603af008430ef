/**
 * Nobody reads the log any more: requests are answered all the same, and the exit is not held up.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { killLeftovers, post, startPostern, storedIds } from "./postern-process.ts";

let folder: Folder;
let fifo: string;
let reader: number;
beforeEach(() => {
  folder = newFolder();
  fifo = join(folder.path, "stdout");
  Bun.spawnSync(["mkfifo", fifo]);
  reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
});
afterEach(() => {
  killLeftovers();
  folder.remove();
});

/** What is in the pipe now; undefined when there is nothing. */
function readPipe(): string | undefined {
  const bytes = Buffer.alloc(65_536);
  try {
    return bytes.toString("utf8", 0, readSync(reader, bytes, 0, bytes.length, null)) || undefined;
  } catch {
    return undefined;
  }
}

const start = () =>
  startPostern({
    database: join(folder.path, "app.db"),
    shell: `exec "$@" > '${fifo}'`,
    env: { LOG_BUFFER_BYTES_MAX: "50000" },
    firstLine: () => until("the first line", readPipe),
  });

async function postMany(url: string, count: number): Promise<number> {
  let stored = 0;
  for (let sent = 0; sent < count; sent += 100) {
    const ids = Array.from({ length: 100 }, (_, index) => `m${sent + index}`);
    const answers = await Promise.all(ids.map((id) => post(url, id)));
    stored += answers.filter((answer) => answer?.status === 200).length;
  }
  return stored;
}

const droppedLines = async (url: string): Promise<number> =>
  Number(/^log_lines_dropped_total (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

test("a full pipe blocks no request: lines beyond the buffer are dropped and counted, and it exits in time", async () => {
  const postern = await start();
  expect(await droppedLines(postern.url)).toBe(0);
  expect(await postMany(postern.url, 2000)).toBe(2000);
  expect(await droppedLines(postern.url)).toBeGreaterThan(100);
  expect((await storedIds(postern.url)).size).toBe(2000);
  const started = performance.now();
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  closeSync(reader);
}, 120_000);

test("when the pipe is read again, lines come again, each of them whole", async () => {
  const postern = await start();
  await postMany(postern.url, 1000);
  let text = "";
  const later: string[] = [];
  await until("the line of a later request", async () => {
    text += readPipe() ?? "";
    later.push((await post(postern.url, "later"))?.headers.get("x-request-id") ?? "?");
    return later.some((id) => text.includes(id));
  });
  await until("the end of a line", () => {
    text += readPipe() ?? "";
    return text.endsWith("\n");
  });
  for (const line of text.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  postern.kill("SIGTERM");
  await until("the last line", () => {
    text += readPipe() ?? "";
    return text.includes('"message":"stopped"');
  });
  expect(await postern.exited).toBe(0);
  closeSync(reader);
}, 120_000);

test("a pipe whose reader has gone harms nobody", async () => {
  const postern = await start();
  closeSync(reader);
  expect(await postMany(postern.url, 500)).toBe(500);
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
  expect(await droppedLines(postern.url)).toBeGreaterThan(0);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
}, 120_000);
