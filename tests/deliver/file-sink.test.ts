/** What is in a file that records are handed on to, whatever happens to it. */
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { FILE } from "../../src/follow/deliver/file-sink.ts";
import type { Attempt, Outcome, Sink } from "../../src/follow/deliver/sink.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { postern } from "../cli/postern.ts";
import { newDatabase } from "../databases/database.ts";
import { killLeftovers, post, startPostern } from "../faults/postern-process.ts";
import { type Folder, newFolder } from "../folder.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { ABOUT, destinationTo } from "./destination.ts";

const BODY = '{"type":"message.received","data":{"text":"Grüße 🎈\\n"}}';
const going = new AbortController().signal;

let folder: Folder;
const sinks: Sink[] = [];
beforeEach(() => {
  folder = newFolder();
});
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  killLeftovers();
  folder.remove();
});

const attempt = (number: number): Attempt => ({
  ...{ id: `evt_${String(number).padStart(32, "0")}`, number: 1, isReplay: false, body: BODY, about: ABOUT },
});
const line = (number: number) => `{"id":"${attempt(number).id}",${BODY.slice(1)}\n`;
const path = (name = "log.ndjson") => join(folder.path, name);
const read = (name?: string) => readFileSync(path(name), "utf8");

function sinkOf(name: string, options = {}, clock: Clock = systemClock): Sink {
  const sink = FILE.open(destinationTo(`file://${path(name)}`, { options }), { clock, version: "1" });
  sinks.push(sink);
  return sink;
}
const send = (sink: Sink, ...numbers: number[]): Promise<Outcome[]> =>
  Promise.all(numbers.map((number) => sink.send(attempt(number), going)));

const taken = { isDelivered: true, status: null };

describe("a file", () => {
  test("has a line of JSON for each record, with its id, readable by its owner alone", async () => {
    const sink = sinkOf("new/deep/log.ndjson");
    expect(await send(sink, 1, 2)).toMatchObject([taken, taken]);
    expect(read("new/deep/log.ndjson")).toBe(line(1) + line(2));
    expect(JSON.parse(line(1))).toEqual({ id: attempt(1).id, ...JSON.parse(BODY) });
    expect(statSync(path("new/deep/log.ndjson")).mode & 0o777).toBe(0o600);
    expect(statSync(path("new")).mode & 0o777).toBe(0o700);
  });

  test("is synced before a record counts, once for all that wait", async () => {
    const handle = await open(path("other"), "w");
    const syncs = spyOn(Object.getPrototypeOf(handle), "datasync");
    await handle.close();
    const sink = sinkOf("log.ndjson");
    await send(sink, ...Array.from({ length: 50 }, (_, index) => index));
    expect(read().split("\n")).toHaveLength(51);
    expect(syncs.mock.calls.length).toBeGreaterThan(0);
    expect(syncs.mock.calls.length).toBeLessThan(4);
    syncs.mockRejectedValueOnce(Object.assign(new Error("no"), { code: "EIO" }));
    const failed = { isDelivered: false, cause: "disk", excerpt: "the file couldn't be written (EIO)" };
    expect(await send(sink, 100)).toMatchObject([failed]);
    expect(await send(sink, 100)).toMatchObject([taken]);
    syncs.mockRestore();
  });

  test("is named by the day in UTC on which it is written", async () => {
    let day = "2025-01-15T23:59:59.999Z";
    const sink = sinkOf("{date}/{date}.ndjson", {}, { ...systemClock, now: () => Date.parse(day) });
    await send(sink, 1);
    day = "2025-01-16T00:00:00.000Z";
    await send(sink, 2);
    expect(read("2025-01-15/2025-01-15.ndjson")).toBe(line(1));
    expect(read("2025-01-16/2025-01-16.ndjson")).toBe(line(2));
  });

  test("is followed by the next one at its size, and whoever comes later goes on in the last", async () => {
    const each = 1000 / 5;
    const body = (number: number): Attempt => ({
      ...attempt(number),
      body: BODY.padEnd(each - line(0).length + BODY.length + (BODY.length - Buffer.byteLength(BODY))),
    });
    const write = async (sink: Sink, number: number) =>
      expect(await sink.send(body(number), going)).toMatchObject(taken);
    const first = sinkOf("log.ndjson", { rotate: "1KB" });
    for (let number = 0; number < 12; number++) await write(first, number);
    await first.close();
    const second = sinkOf("log.ndjson", { rotate: "1KB" });
    for (let number = 12; number < 17; number++) await write(second, number);
    expect(readdirSync(folder.path).toSorted()).toEqual([
      "log-1.ndjson",
      "log-2.ndjson",
      "log-3.ndjson",
      "log.ndjson",
    ]);
    const ids = ["log.ndjson", "log-1.ndjson", "log-2.ndjson", "log-3.ndjson"].map((name) => {
      expect(statSync(path(name)).size).toBeLessThanOrEqual(1000);
      return read(name)
        .trim()
        .split("\n")
        .map((text) => (JSON.parse(text) as { id: string }).id);
    });
    expect(ids.flat()).toEqual(Array.from({ length: 17 }, (_, number) => attempt(number).id));
  });

  test("is followed by the next one also in the middle of what is written together", async () => {
    await send(sinkOf("log.ndjson", { rotate: "1KB" }), ...Array.from({ length: 50 }, (_, index) => index));
    const count = readdirSync(folder.path).length;
    expect(count).toBeGreaterThan(2);
    const names = Array.from({ length: count }, (_, at) => (at === 0 ? "log.ndjson" : `log-${at}.ndjson`));
    for (const name of names) expect(statSync(path(name)).size).toBeLessThanOrEqual(1000);
    const written = Array.from({ length: 50 }, (_, index) => line(index));
    expect(names.map((name) => read(name)).join("")).toBe(written.join(""));
  });

  test.each([3, 20, 150_000])(
    "that a crash cut within its last line loses that line alone: %i bytes of it",
    async (bytes) => {
      const torn = `{"id":"evt_${"x".repeat(200_000)}`.slice(0, bytes);
      writeFileSync(path(), line(1) + torn);
      await send(sinkOf("log.ndjson"), 2);
      expect(read()).toBe(line(1) + line(2));
    },
  );

  test("that ends with what isn't Postern's keeps that as a line", async () => {
    writeFileSync(path(), "# by hand");
    await send(sinkOf("log.ndjson"), 1);
    expect(read()).toBe(`# by hand\n${line(1)}`);
  });

  test("gets a sample behind what the service writes, and no half of its line is cut off", async () => {
    const config = path("postern.yaml");
    writeFileSync(config, `destinations:\n  out:\n    url: file://${path()}\n`);
    const sample = () => postern(["deliveries", "test", "out", "--config", config]);
    const half = line(1).slice(0, 40);
    writeFileSync(path(), half);
    const refused = { code: 1, stdout: expect.stringContaining("its last line isn't whole") };
    expect(await sample()).toMatchObject(refused);
    expect(read()).toBe(half);
    writeFileSync(path(), line(1));
    expect(await sample()).toMatchObject({ code: 0 });
    expect(read()).toMatch(/^.*\n\{"id":"evt_[0-9a-f]{32}","type":"postern.test".*\}\n$/);
  });

  test("that somebody moves away is begun anew", async () => {
    const sink = sinkOf("log.ndjson");
    await send(sink, 1);
    renameSync(path(), path("old"));
    await send(sink, 2);
    expect([read("old"), read()]).toEqual([line(1), line(2)]);
  });

  test("that can't be written says why, and is written as soon as it can", async () => {
    writeFileSync(path("a"), "");
    const sink = sinkOf("a/log.ndjson");
    expect(await send(sink, 1)).toMatchObject([{ isDelivered: false, status: null, cause: "disk" }]);
    renameSync(path("a"), path("b"));
    expect(await send(sink, 1)).toMatchObject([taken]);
    const device = FILE.open(destinationTo("file:///dev/null"), { clock: systemClock, version: "1" });
    expect(await send(device, 1)).toMatchObject([
      { cause: "disk", excerpt: expect.stringContaining("no plain file") },
    ]);
  });

  test("gets nothing of an attempt that was stopped before it was written", async () => {
    const sink = sinkOf("log.ndjson");
    await send(sink, 1);
    const stopped = new AbortController();
    const outcomes = Promise.all([sink.send(attempt(2), going), sink.send(attempt(3), stopped.signal)]);
    stopped.abort();
    expect(await outcomes).toMatchObject([taken, { cause: "stopped" }]);
    await sink.close();
    expect(await send(sink, 4)).toMatchObject([{ cause: "stopped" }]);
    expect(read()).toBe(line(1) + line(2));
  });

  test("that hangs has failed when the time is over", async () => {
    const handle = await open(path("other"), "w");
    const hung = Promise.withResolvers<void>();
    const syncs = spyOn(Object.getPrototypeOf(handle), "datasync").mockReturnValueOnce(hung.promise);
    await handle.close();
    const clock = steeredClock();
    const sink = sinkOf("log.ndjson", {}, clock);
    const outcome = send(sink, 1);
    await until("it syncs", () => syncs.mock.calls.length > 0);
    clock.advance(20_050);
    expect(await outcome).toMatchObject([{ isDelivered: false, cause: "timeout" }]);
    hung.resolve();
    syncs.mockRestore();
  });
});

const namespaces = process.getuid?.() === 0 ? "unshare -m" : "unshare -Urm";
const canMount = Bun.spawnSync(["sh", "-c", `${namespaces} mount -t tmpfs tmpfs /mnt`]).exitCode === 0;
if (!canMount)
  console.log("skipped: a full disk (this user may not mount a tmpfs in a namespace of its own)");

interface Written {
  readonly id: string;
  readonly data: { readonly message_id: string; readonly from: string };
}

describe("a service that writes a file", () => {
  const RETRY = "retry: [100ms, 100ms, 100ms, 200ms, 200ms, 500ms, 500ms, 500ms, 500ms]";

  test("has each record there, each sender's in order and no line torn, through kills", async () => {
    const database = await newDatabase();
    const config = path("postern.yaml");
    writeFileSync(
      config,
      `destinations:\n  out:\n    url: file://${path("out.ndjson")}\n    start: start\n    concurrency: 4\n`,
    );
    const env = { POSTERN_CONFIG: config };
    const sent: string[] = [];
    try {
      for (let round = 0; round < 3; round++) {
        const postern = await startPostern({ database: database.url, env });
        for (let batch = 0; batch < 10; batch++) {
          const ids = Array.from({ length: 20 }, (_, index) => `m${round}-${batch * 20 + index}`);
          const answers = await Promise.all(ids.map((id) => post(postern.url, id)));
          sent.push(...ids.filter((_, index) => answers[index]?.status === 200));
        }
        postern.kill("SIGKILL");
        await postern.exited;
        // As a crash of the machine would leave it.
        appendFileSync(path("out.ndjson"), '{"id":"evt_0');
      }
      const last = await startPostern({ database: database.url, env });
      const records = () =>
        read("out.ndjson")
          .trim()
          .split("\n")
          .filter((text) => text.endsWith("}"))
          .map((text) => JSON.parse(text) as Written);
      await until("everything", () => new Set(records().map(({ id }) => id)).size >= sent.length);
      last.kill("SIGTERM");
      expect(await last.exited).toBe(0);
      const got = read("out.ndjson")
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text) as Written);
      const first = [...new Set(got.map(({ data }) => data.message_id))];
      expect(first.toSorted()).toEqual(sent.toSorted());
      const order = ((await database.sequence()) as readonly { message_id: string }[]).map(
        ({ message_id }) => message_id,
      );
      expect(first).toEqual(order);
      // 10 × concurrency and what was written within 100 ms, at each kill.
      expect(got.length - first.length).toBeLessThan(sent.length / 2);
    } finally {
      await database.drop();
    }
  }, 120_000);

  test.if(canMount)(
    "keeps what doesn't fit on a full disk until there is room",
    async () => {
      const disk = path("disk");
      mkdirSync(disk);
      const config = path("postern.yaml");
      writeFileSync(
        config,
        `destinations:\n  out:\n    url: file://${disk}/out.ndjson\n    start: start\n    ${RETRY}\n`,
      );
      const mount = `mount -t tmpfs -o size=256k tmpfs '${disk}' && head -c 204800 /dev/zero > '${disk}/ballast'`;
      const database = path("app.db");
      const postern = await startPostern({
        ...{ database, env: { POSTERN_CONFIG: config } },
        shell: `exec ${namespaces} sh -c "${mount} && exec \\"\\$@\\"" sh "$@"`,
      });
      const inside = `/proc/${postern.pid}/root${disk}`;
      const ids = Array.from({ length: 100 }, (_, index) => `full-${index}`);
      for (const id of ids) expect((await post(postern.url, id, "x".repeat(2000)))?.status).toBe(200);
      const shown = async () =>
        (await (await fetch(`${postern.url}/destinations/out`)).json()) as { state: string; reason: string };
      await until("it is down", async () => (await shown()).state === "down");
      expect(await shown()).toMatchObject({ state: "down", reason: "disk" });
      writeFileSync(join(inside, "ballast"), "");
      await fetch(`${postern.url}/destinations/out/probe`, { method: "POST" });
      const got = () =>
        readFileSync(join(inside, "out.ndjson"), "utf8")
          .trim()
          .split("\n")
          .map((text) => JSON.parse(text) as Written);
      await until("everything", () => new Set(got().map(({ id }) => id)).size === ids.length);
      expect([...new Set(got().map(({ data }) => data.message_id))]).toEqual(ids);
      postern.kill("SIGTERM");
      expect(await postern.exited).toBe(0);
    },
    120_000,
  );
});
