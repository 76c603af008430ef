/**
 * `postern import` and `postern export`: the log out of a file and into another, whatever happens
 * on the way.
 */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { sign } from "../../src/sources/native.ts";
import { openImport } from "../../src/storage/sqlite/maintenance/import.ts";
import { type Folder, newFolder } from "../folder.ts";
import { anyMessage, message as newMessage } from "../messages.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { newServer, postern, SECRET, spawnPostern } from "./postern.ts";

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => folder.remove());

const path = (name: string) => join(folder.path, name);
const env = (name: string) => ({ DATABASE_URL: `sqlite:///${path(name)}` });
/** What it says of the time that it took is looked at and left out. */
const untimed = <T extends { readonly stdout: string }>(ran: T): T => {
  const [summary, times] = ran.stdout.split("\n");
  if (summary !== "") expect(times).toMatch(/^stored in \d+\.\d\d s, indexed in \d+\.\d\d s$/);
  return { ...ran, stdout: summary === "" ? "" : `${summary}\n` };
};
const importInto = async (name: string, stdin: string | Uint8Array, args: readonly string[] = []) =>
  untimed(await postern(["import", "-", ...args], { env: env(name), stdin }));
const exportOf = async (name: string, args: readonly string[] = []) =>
  (await postern(["export", ...args], { env: env(name) })).stdout;

const message = (id: string, more: object = {}) => ({
  message_id: id,
  from: "+1",
  to: "+2",
  ts: "2025-01-15T10:00:00Z",
  text: "Hello",
  ...more,
});
const ndjson = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");
const many = (count: number) => ndjson(Array.from({ length: count }, (_, index) => message(`m${index}`)));

/** As a server with this source would. */
function claimSource(name: string): void {
  using file = new Database(path(name));
  file.run("insert into sources values ('wa')");
}

function count(name: string): number {
  using file = new Database(path(name), { readonly: true });
  return file.query<{ n: number }, []>("select count(*) as n from messages").get()?.n ?? 0;
}

describe("import of what providers' POSTs hold", () => {
  const body = { delivery: 1, body_base64: Buffer.from("hello").toString("base64") };
  const part = { source: "wa", delivery: 1, start: 0, stop: 5, created_at: "2025-01-15T10:00:01.000Z" };
  const provider = { ...message("wa:1"), ...part, type: "text", seq: 1 };
  const event = {
    ...part,
    seq: 2,
    kind: "status",
    event_key: "k",
    message_id: "wa:1",
    ts: "2025-01-15T10:00:00Z",
  };

  test("a part without its POST before it, or beyond its bytes, is invalid", async () => {
    const source = ndjson([
      provider,
      body,
      { ...provider, stop: 6 },
      { ...event, delivery: 7 },
      { ...provider, message_id: "1" },
      { ...event, kind: "rumour" },
      provider,
      event,
    ]);
    const { code, stdout, stderr } = await importInto("m.db", source);
    expect(code).toBe(1);
    expect(stdout).toBe("new 1, duplicate 0, differing 0, invalid 5; events: new 1, duplicate 0\n");
    expect(stderr.trim().split("\n")).toEqual([
      "postern: line 1 is invalid: delivery: 1 did not come right before it",
      "postern: line 3 is invalid: stop: the delivery has no bytes from 0 to 6",
      "postern: line 4 is invalid: delivery: 7 did not come right before it",
      "postern: line 5 is invalid: message_id: of the source wa it begins with wa:",
      expect.stringContaining("postern: line 6 is invalid: kind: "),
    ]);
  });

  test("the parts of a POST are committed together", async () => {
    const database = openImport(path("m.db"), systemClock, () => undefined);
    const createdAt = "2025-01-15T10:00:01.000Z";
    const committed = () => database.committed.messages.created + database.committed.events.created;
    for (let index = 1; index < 25_000; index++)
      await database.append({ message: newMessage(`m${index}`), createdAt });
    const status = (seq: number) => ({
      event: {
        kind: "status",
        type: null,
        key: `k${seq}`,
        messageId: null,
        ts: createdAt,
        span: { start: 0, end: 1 },
      } as const,
      ...{ source: "wa", delivery: 25_000, seq, createdAt },
    });
    const body = { delivery: 25_000, body: Buffer.from("hello") };
    for (const record of [body, status(25_000), status(25_001), status(25_002)])
      await database.append(record);
    expect(committed()).toBe(0);
    await database.append(body);
    expect(committed()).toBe(25_002);
    await database.close();
  });

  test("a message of the native source doesn't get into the range of a source in use", async () => {
    await importInto("m.db", ndjson([body, provider]));
    claimSource("m.db");
    const { code, stderr } = await importInto(
      "m.db",
      ndjson([message("wa:2"), message("wa"), message("x:1")]),
    );
    expect(code).toBe(1);
    expect(stderr).toBe("postern: line 1 is invalid: message_id: what begins with wa: is the source wa's\n");
    expect(count("m.db")).toBe(3);
  });

  test("an identifier of another source is told apart from a duplicate", async () => {
    await importInto("m.db", ndjson([message("wa:1")]));
    const { stdout, stderr } = await importInto("m.db", ndjson([body, provider]));
    expect(stdout).toBe("new 0, duplicate 0, differing 1, invalid 0\n");
    expect(stderr).toContain("which came from another source");
  });
});

describe("import", () => {
  test("import takes a file into a database that it makes, folder and all", async () => {
    await Bun.write(path("m.ndjson"), `${ndjson([message("m1")])}\n  \r\n${JSON.stringify(message("m2"))}`);
    const ran = untimed(await postern(["import", path("m.ndjson")], { env: env("new/folder/m.db") }));
    expect(ran).toEqual({ code: 0, stdout: "new 2, duplicate 0, differing 0, invalid 0\n", stderr: "" });
    expect(readdirSync(path("new/folder")).filter((name) => name.endsWith("-wal"))).toEqual([]);
    expect(count("new/folder/m.db")).toBe(2);
  });

  test("import counts what is there as duplicate, tells what differs, and the first write stays", async () => {
    await importInto("m.db", ndjson([message("m1"), message("m2")]));
    const again = await importInto(
      "m.db",
      ndjson([message("m1"), message("m2", { text: "other" }), message("m3")]),
    );
    expect(again.code).toBe(0);
    expect(again.stdout).toBe("new 1, duplicate 1, differing 1, invalid 0\n");
    expect(again.stderr).toBe('postern: line 2 differs from the stored message "m2", which stays\n');
    expect(await exportOf("m.db")).not.toContain("other");
  });

  test("import skips bad lines, names the first of them, and exits with 1", async () => {
    const bad = [
      ["no json", "no valid JSON"],
      ["[1]", "object"],
      [JSON.stringify(message("m", { from: "1" })), "from: "],
      [JSON.stringify({ ...message("m"), ts: undefined }), "ts: Field required"],
      [JSON.stringify(message("m", { seq: 0 })), "seq: "],
      [JSON.stringify(message("m", { seq: 1.5 })), "seq: "],
      [JSON.stringify(message("m", { seq: "1" })), "seq: "],
      [JSON.stringify(message("m", { seq: 2 ** 53 })), "seq: "],
      [JSON.stringify(message("m", { created_at: "yesterday" })), "created_at: "],
      [JSON.stringify(message("m", { created_at: 7 })), "created_at: "],
    ];
    const source = `${JSON.stringify(message("first"))}\n${bad.map(([line]) => line).join("\n")}\n${ndjson([message("last")])}`;
    const { code, stdout, stderr } = await importInto("m.db", source);
    expect(code).toBe(1);
    expect(stdout).toBe("new 2, duplicate 0, differing 0, invalid 10\n");
    const lines = stderr.trim().split("\n");
    expect(lines).toHaveLength(10);
    for (const [index, [, words = ""]] of bad.entries()) {
      expect(lines[index]).toStartWith(`postern: line ${index + 2} is invalid: `);
      expect(lines[index]).toContain(words);
    }
  });

  test("import takes neither lines over 64 MiB nor bytes that are no UTF-8", async () => {
    const long = `{"x":"${"x".repeat(64 * 1024 * 1024)}"}`;
    const broken = Buffer.concat([Buffer.from('{"message_id":"'), Buffer.from([0xff]), Buffer.from('"}\n')]);
    const source = Buffer.concat([Buffer.from(`${long}\n`), broken, Buffer.from(ndjson([message("m1")]))]);
    const { code, stdout, stderr } = await importInto("m.db", source);
    expect(code).toBe(1);
    expect(stdout).toBe("new 1, duplicate 0, differing 0, invalid 2\n");
    expect(stderr).toBe(
      "postern: line 1 is invalid: longer than 64 MiB\npostern: line 2 is invalid: no valid UTF-8\n",
    );
  });

  test("--strict stops at the first bad line and keeps what came before it", async () => {
    const source = `${ndjson([message("m1")])}bad\n${ndjson([message("m2")])}`;
    const { code, stdout } = await importInto("m.db", source, ["--strict"]);
    expect(code).toBe(1);
    expect(stdout).toBe("new 1, duplicate 0, differing 0, invalid 1\n");
    expect(count("m.db")).toBe(1);
  });

  test("import takes seq over when it is later than every other, and counts on when not", async () => {
    await importInto(
      "m.db",
      ndjson([message("a", { seq: 7 }), message("b", { seq: 3 }), message("c"), message("d", { seq: 20 })]),
    );
    const seqs = (await exportOf("m.db"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).seq);
    expect(seqs).toEqual([7, 8, 9, 20]);
  });

  test("import goes on where a kill in the middle left it", async () => {
    const source = many(200_000);
    await Bun.write(path("m.ndjson"), source);
    const child = spawnPostern(["import", path("m.ndjson")], { env: env("m.db") });
    await until("the first commit", () => count("m.db") > 0);
    child.kill("SIGKILL");
    expect(await child.exited).toBe(137);
    const before = count("m.db");
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(200_000);
    const { code, stdout } = untimed(await postern(["import", path("m.ndjson")], { env: env("m.db") }));
    expect(code).toBe(0);
    expect(stdout).toBe(`new ${200_000 - before}, duplicate ${before}, differing 0, invalid 0\n`);
    expect(count("m.db")).toBe(200_000);
  }, 120_000);

  test("import keeps what it took when it is told to stop, and says how to go on", async () => {
    const child = Bun.spawn([process.execPath, "src/main.ts", "import", "-"], {
      env: env("m.db"),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    child.stdin.write(many(30_000));
    await child.stdin.flush();
    await until("the first commit", () => count("m.db") > 0);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    const stored = count("m.db");
    // More than the transactions that were full by themselves.
    expect(stored % 25_000).toBeGreaterThan(0);
    expect(await child.stderr.text()).toBe(
      `new ${stored}, duplicate 0, differing 0, invalid 0; interrupted: run it again to go on\n`,
    );
  });

  test("import is refused while a server has the database", async () => {
    const server = await newServer();
    try {
      const { code, stdout, stderr } = await postern(["import", "-"], { env: server.env, stdin: many(1) });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^postern: [^\n]*messages\.db is in use by another Postern process[^\n]*\n$/);
    } finally {
      await server.stop();
    }
  });

  test("import leaves a stranger's database alone", async () => {
    using stranger = new Database(path("m.db"), { create: true });
    stranger.run("create table t (x)");
    const { code, stderr } = await importInto("m.db", many(1));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: [^\n]*another program\n$/);
  });
});

describe("export", () => {
  test("export gives every message with its place and its time of receipt, in the order of the log", async () => {
    const record = message("é😀", {
      text: "a\n\"b\"\u2028'c'",
      created_at: "2025-02-01T00:00:00.123Z",
      seq: 5,
    });
    await importInto(
      "m.db",
      ndjson([record, message("m2", { text: null, created_at: "2025-02-01T00:00:00.124Z" })]),
    );
    const lines = (await exportOf("m.db")).split("\n");
    expect(lines.map((line) => line && JSON.parse(line))).toEqual([
      record,
      message("m2", { text: null, created_at: "2025-02-01T00:00:00.124Z", seq: 6 }),
      "",
    ]);
    const keys = ["seq", "message_id", "from", "to", "ts", "text", "created_at"];
    expect(Object.keys(JSON.parse(lines[0] ?? ""))).toEqual(keys);
  });

  test("an export that is imported into a new file gives the identical log, whatever the messages hold", async () => {
    const messages = fc.sample(anyMessage, { numRuns: 3000, seed: 1 }).map((each, index) => ({
      ...each,
      message_id: `${index} ${each.message_id}`,
      seq: index * 3 + 1,
    }));
    expect((await importInto("a.db", ndjson(messages))).stdout).toStartWith("new 3000,");
    const exported = await exportOf("a.db");
    expect((await importInto("b.db", exported)).stdout).toStartWith("new 3000,");
    expect(await exportOf("b.db")).toBe(exported);
    expect(exported.split("\n")).toHaveLength(3001);
  });

  test("an export with --since-seq begins with that seq", async () => {
    await importInto("m.db", many(2500));
    const all = await exportOf("m.db");
    for (const since of [0, 1, 2, 1500, 2500, 2501]) {
      const rest = all
        .split("\n")
        .slice(Math.max(0, since - 1))
        .join("\n");
      expect(await exportOf("m.db", ["--since-seq", String(since)])).toBe(rest);
    }
  });

  test("--output writes a file that appears under its name when it is whole", async () => {
    await importInto("m.db", many(1500));
    const ran = await postern(["export", "--output", path("x.ndjson")], { env: env("m.db") });
    expect(ran).toEqual({ code: 0, stdout: `exported 1500 messages to ${path("x.ndjson")}\n`, stderr: "" });
    expect(await Bun.file(path("x.ndjson")).text()).toBe(await exportOf("m.db"));
    expect(existsSync(path("x.ndjson.partial"))).toBe(false);
  });

  test("export leaves the file of an earlier export alone when it fails", async () => {
    await Bun.write(path("x.ndjson"), "earlier");
    const { code } = await postern(["export", "--output", path("x.ndjson")], { env: env("nothing.db") });
    expect(code).toBe(1);
    expect(await Bun.file(path("x.ndjson")).text()).toBe("earlier");
    expect(existsSync(path("x.ndjson.partial"))).toBe(false);
    expect(existsSync(path("nothing.db"))).toBe(false);
  });

  test("export ends quietly when nobody reads on", async () => {
    await importInto("m.db", many(20_000));
    const script = `"${process.execPath}" src/main.ts export | head -n 1 | cut -c 1-8`;
    const ran = await postern([], { command: ["sh", "-c", script], env: env("m.db") });
    expect(ran).toEqual({ code: 0, stdout: '{"seq":1\n', stderr: "" });
  });

  test("an export beside a server under load has every message that was answered before it began, once and in order", async () => {
    const server = await newServer();
    try {
      const answered: string[] = [];
      let stopping = false;
      const lane = async (name: number) => {
        for (let index = 0; !stopping; index++) {
          const id = `${name}-${index}`;
          const body = JSON.stringify(message(id));
          const headers = { "X-Signature": sign(SECRET, body) };
          const { status } = await fetch(`${server.url}/webhook`, { method: "POST", body, headers });
          if (status === 200) answered.push(id);
        }
      };
      const load = Promise.all(Array.from({ length: 16 }, (_, name) => lane(name)));
      for (const goal of [500, 2500, 4000]) {
        await until("so many answers", () => answered.length >= goal);
        const before = [...answered];
        const { code, stdout } = await postern(["export"], { env: server.env });
        expect(code).toBe(0);
        const rows = stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
        const seqs = rows.map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.map((_, index) => index + 1));
        const ids = new Set(rows.map(({ message_id }) => message_id));
        expect(ids.size).toBe(rows.length);
        expect(before.filter((id) => !ids.has(id))).toEqual([]);
      }
      stopping = true;
      await load;
    } finally {
      await server.stop();
    }
  }, 120_000);

  test("an export of an empty database is empty", async () => {
    await importInto("m.db", "");
    expect(await exportOf("m.db")).toBe("");
    expect(statSync(path("m.db")).size).toBeGreaterThan(0);
  });
});
