/**
 * `postern doctor`: finds whatever differs from the log, and makes it anew with a server and
 * without one.
 */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Failure } from "../../src/core/deliveries.ts";
import { positionOf } from "../../src/core/position.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { failure } from "../failures.ts";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { newServer, postern, type Server, spawnPostern } from "./postern.ts";

const ROWS = 40_000;
const WORDS = ["Grüße", "hello world", "naïve café", "東京タワー", "👍🏽 ok", "a", "call me at 5", ""];

let folder: Folder;
const made = () => join(folder.path, "made.db");
const used = () => join(folder.path, "used.db");
const env = () => ({ DATABASE_URL: `sqlite:///${used()}` });
const lines = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      message_id: `${name}${index}`,
      from: `+${(index * 7) % 501}`,
      to: `+${index % 3}`,
      ts: new Date(Date.UTC(2025, 0, 1) + ((index * 7919) % 1_000_003) * 1000).toISOString(),
      text: index % 11 === 0 ? null : `${WORDS[index % WORDS.length]} ${index}`,
    }),
  ).join("\n");

beforeAll(async () => {
  folder = newFolder();
  const DATABASE_URL = `sqlite:///${made()}`;
  const { code } = await postern(["import", "-"], { env: { DATABASE_URL }, stdin: lines(ROWS, "m") });
  expect(code).toBe(0);
});
afterAll(() => folder.remove());

/** A fresh copy of the database and its index. */
function copy(): void {
  copyFileSync(made(), used());
  copyFileSync(`${made()}-index1`, `${used()}-index1`);
}

function damage(file: string, ...statements: string[]): void {
  using db = new Database(file);
  for (const statement of statements) db.run(statement);
}

describe("without a server", () => {
  test("a sound database is sound, every row of every part", async () => {
    copy();
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(stdout).toBe(
      ["log", "time", "senders", "search"]
        .map((part) => `${part.padEnd(8)} ${ROWS.toString().padStart(12)} rows  sound\n`)
        .join(""),
    );
    expect(code).toBe(0);
  });

  test("a copy by vacuum is sound, also where rows were deleted", async () => {
    copy();
    const path = join(folder.path, "vacuumed.db");
    damage(used(), "delete from messages where seq % 3 = 0", `vacuum into '${path}'`);
    const { code, stdout } = await postern(["doctor"], { env: { DATABASE_URL: `sqlite:///${path}` } });
    const places = (file: string) => {
      using db = new Database(file, { readonly: true });
      return db.query("select rowid, seq from messages order by seq").values();
    };
    expect(places(path)).toEqual(places(used()));
    const rows = ROWS - Math.floor(ROWS / 3);
    expect(stdout).toStartWith(`log      ${rows.toString().padStart(12)} rows  sound\n`);
    expect(code).toBe(0);
  });

  test("what is kept of deliveries is sound, unless it names a record that isn't in the log", async () => {
    copy();
    const store = await openForTest({ engine: "sqlite", path: used() });
    const event = {
      kind: "status",
      type: "read",
      key: "k",
      messageId: null,
      ts: "2025-01-15T10:00:00Z",
    } as const;
    await store.append(post("wa", [], [{ ...event, span: { start: 0, end: 1 } }]));
    const { log, records } = await store.changes({ after: ROWS - 2, limit: 10 });
    const failures = records.map((record) =>
      failure(record.seq, {
        position: positionOf(log, record),
        kind: "event_key" in record ? record.kind : "message",
        message_id: record.message_id,
      }),
    );
    const commit = async (insert: readonly Failure[]) => {
      const { position: from } = await store.deliveries.open("app", "a.0");
      const at = "2026-01-01T00:00:00.000Z";
      expect(
        await store.deliveries.commit("app", { from, to: from, at, insert, update: [], remove: [] }),
      ).toBe(true);
    };
    await commit(failures);
    const sound = await postern(["doctor"], { env: env() });
    expect(sound.stdout).toEndWith(`failures ${"3".padStart(12)} rows  sound\n`);
    expect(sound.code).toBe(0);
    const [first, , last] = failures as [Failure, Failure, Failure];
    await commit([
      { ...first, replay: "r", position: `${log}00000001.${first.seq}` },
      { ...last, seq: last.seq + 5, position: `${log}00000001.${last.seq + 5}` },
      { ...first, seq: first.seq - 1 },
    ]);
    await store.close();
    damage(used(), "update destinations set dead = 7");
    const { code, stdout, stderr } = await postern(["doctor"], { env: env() });
    const part = stdout.slice(stdout.indexOf("failures"));
    expect(part.split("\n")).toEqual([
      `failures ${"6".padStart(12)} rows  DIFFERS`,
      `  3 name a record that isn't in the log, one of them ${log}00000001.${first.seq} of app: it can't be handed on, and should be dropped`,
      "  app counts 6 waiting and 7 dead, and has 6 and 0",
      "",
    ]);
    expect([code, stderr]).toEqual([1, ""]);
  });

  test("numbers over time are sound, unless their days don't have each record once", async () => {
    copy();
    const store = await openForTest({ engine: "sqlite", path: used() });
    const { minutes, position: to } = await store.changesCounts({ after: 0 });
    const counts = minutes.map(({ minute: at, at: _, ...count }) => ({ ...count, at, step: "day" as const }));
    expect(await store.series.count({ from: null, to, counts, last: [] })).toBe(true);
    await store.close();
    const sound = await postern(["doctor"], { env: env() });
    expect(sound.stdout).toMatch(/series +[1-9][0-9]* rows {2}sound\n$/);
    expect(sound.code).toBe(0);
    damage(used(), "update record_counts set rows = rows + 1");
    const { code, stdout, stderr } = await postern(["doctor"], { env: env() });
    expect(stdout).toMatch(/series +[1-9][0-9]* rows {2}DIFFERS\n {2}the days of the numbers over time have/);
    expect([code, stderr]).toEqual([1, ""]);
  });

  const FIRST = "(select min(segment) from segments)";
  const damages: [part: string, what: string, statement: string][] = [
    ["time", "an entry is missing", "delete from by_time where row = 20000"],
    ["time", "an entry leads to another row", "update by_time set row = 7 where row = 20000"],
    ["time", "an entry has another key", "update by_time set ts_key = '2030' where row = 39999"],
    ["time", "a leaf has another size", "update time_leaves set rows = rows + 1 where leaf = 2"],
    ["time", "the first leaf is missing", "delete from time_leaves where leaf = 1"],
    ["time", "a stretch has narrower bounds", "update stretches set greatest = least where stretch = 1"],
    ["senders", "an entry is missing", "delete from by_sender where row = 1"],
    ["senders", "a settled entry has another sender", "update by_sender set sender = '+9' where row = 1"],
    [
      "senders",
      "a waiting entry has another",
      "update waiting_by_sender set sender = '+9' where row = 40000",
    ],
    ["senders", "a waiting entry is missing", "delete from waiting_by_sender where row = 40000"],
    ["senders", "a run is forgotten", "delete from runs"],
    ["senders", "a count is wrong", "update senders set rows = rows - 1 where sender = '+14'"],
    [
      "senders",
      "a last message is another of the sender's",
      `update waiting_last_messages set (row, ts_key, message_id) =
         (select row, ts_key, message_id from by_sender where sender = '+14' limit 1) where sender = '+14'`,
    ],
    [
      "senders",
      "a last message has another row",
      "update waiting_last_messages set row = row + 1 where sender = '+14'",
    ],
    ["senders", "a last message is missing", "delete from waiting_last_messages where sender = '+14'"],
    ["senders", "a sender is missing", "delete from senders where sender = '+14'"],
    ["senders", "the total is wrong", "update totals set messages = messages + 1"],
    ["senders", "the number of senders is wrong", "update totals set senders = senders + 1"],
    ["senders", "the top is wrong", "update top_senders set rows = 1"],
    ["search", "a segment is missing", `delete from segments where segment = ${FIRST}`],
    [
      "search",
      "a byte of the lists is another",
      "update postings set bytes = zeroblob(length(bytes)) where rowid = 1",
    ],
    ["search", "a chunk is missing", `delete from postings where segment = ${FIRST} and chunk = 1`],
    [
      "search",
      "a term is another",
      "update blocks set dictionary = zeroblob(length(dictionary)) where block = 0",
    ],
    ["search", "a block is missing", `delete from blocks where segment = ${FIRST} and block = 1`],
    ["search", "a filter is another", "update segments set filters = zeroblob(length(filters))"],
    ["search", "a stream is no bytes", "update blocks set offsets = 'none' where block = 1"],
    ["search", "a size is wrong", "update segments set documents = documents - 1"],
  ];
  test.each(damages)("doctor finds in %s that %s", async (part, _, statement) => {
    copy();
    damage(`${used()}-index1`, statement);
    const { code, stdout, stderr } = await postern(["doctor"], { env: env() });
    const differing = [...stdout.matchAll(/^(\w+) .*DIFFERS$/gm)].map(([, name]) => name);
    expect({ code, differing }).toEqual({ code: 1, differing: [part] });
    expect(stdout).toMatch(/^ {2}\S/m);
    expect(stderr).toContain("--rebuild");
  });

  test("doctor finds a row of the log whose key does not belong to its instant, and one out of its place", async () => {
    copy();
    damage(
      used(),
      "update messages set ts_key = '2031' where rowid = 5",
      "update messages set seq = 1 where rowid = 9",
    );
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(code).toBe(1);
    expect(stdout).toContain("row 5 has the key 2031 for the instant");
    expect(stdout).toContain("row 9 has seq 1 after 8");
  });

  test("--rebuild makes a damaged index sound again", async () => {
    copy();
    damage(`${used()}-index1`, "delete from by_time where row > 100", "delete from postings");
    const { code, stdout } = await postern(["doctor", "--rebuild"], { env: env() });
    expect({ code, sound: stdout.match(/sound/g)?.length }).toEqual({ code: 0, sound: 4 });
    expect(readdirSync(folder.path).filter((name) => /^used\.db-index\d+$/.test(name))).toEqual([
      "used.db-index2",
    ]);
  });

  test("an index that is none is told apart from a damaged one", async () => {
    copy();
    for (const end of ["1", "2"])
      writeFileSync(`${used()}-index${end}`, "no database at all, whatever its name says");
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(code).toBe(0);
    expect(stdout).toContain("no index that serves this log");
  });

  test("a database that isn't there is told, and none is made", async () => {
    const missing = join(folder.path, "missing.db");
    for (const args of [["doctor"], ["doctor", "--rebuild"]]) {
      const { code, stderr } = await postern(args, { env: { DATABASE_URL: `sqlite:///${missing}` } });
      expect({ code, stderr }).toEqual({ code: 1, stderr: `postern: there is no database at ${missing}\n` });
    }
    expect(readdirSync(folder.path).filter((name) => name.startsWith("missing"))).toEqual([]);
  });
});

describe("with what providers' POSTs hold", () => {
  const EVENTS = 9000;
  const kept = () => join(folder.path, "kept.db");
  beforeAll(async () => {
    const body = Buffer.from("0123456789");
    const records = Array.from({ length: EVENTS / 3 }, (_, index) => {
      const seq = 4 * index + 1;
      const ts = new Date(Date.UTC(2025, 0, 1) + ((index * 7919) % 1_000_003) * 1000).toISOString();
      const part = { delivery: seq, start: 0, stop: 5, source: index % 2 === 0 ? "wa" : "sms" };
      const about = { ...part, message_id: `${part.source}:${index}`, ts, created_at: ts };
      const event = (kind: string, at: number) => ({
        ...about,
        seq: seq + at,
        kind,
        event_key: `${index}/${at}`,
      });
      return [
        { delivery: seq, body_base64: body.toString("base64") },
        { ...about, seq, from: "+1", to: "+2", text: "hello", type: "text" },
        event("status", 1),
        event("status", 2),
        { ...event("other", 3), message_id: null },
      ];
    });
    const stdin = records
      .flat()
      .map((record) => JSON.stringify(record))
      .join("\n");
    const { code, stdout } = await postern(["import", "-"], {
      env: { DATABASE_URL: `sqlite:///${kept()}` },
      stdin,
    });
    expect({ code, first: stdout.split("\n")[0] }).toEqual({
      code: 0,
      first: `new ${EVENTS / 3}, duplicate 0, differing 0, invalid 0; events: new ${EVENTS}, duplicate 0`,
    });
  });

  function copyKept(): void {
    copyFileSync(kept(), used());
    copyFileSync(`${kept()}-index1`, `${used()}-index1`);
  }

  test("a sound database with what providers' POSTs hold is sound, every event too", async () => {
    copyKept();
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect({ code, sound: stdout.match(/sound/g)?.length }).toEqual({ code: 0, sound: 5 });
    expect(stdout).toContain(`events   ${EVENTS.toString().padStart(12)} rows  sound\n`);
  });

  const ONE = "(select place from events_by_filter where row = 5000 and place like 'wa/status %')";
  const damages: [part: string, what: string, file: "log" | "index", statement: string][] = [
    [
      "events",
      "an entry is missing",
      "index",
      `delete from events_by_filter where row = 5000 and place = ${ONE}`,
    ],
    [
      "events",
      "an entry has another place",
      "index",
      "update events_by_filter set place = place || '0' where row = 77 and place like '/ %'",
    ],
    ["events", "an entry is too many", "index", "insert into events_by_filter values ('x/ 2025', '1', 1)"],
    ["events", "a leaf has another size", "index", "update event_leaves set rows = rows + 1 where leaf = 2"],
    ["events", "a message lacks an event", "index", "delete from events_by_message where event = 1"],
    ["events", "a message has one too many", "index", "insert into events_by_message values ('x', 3)"],
    [
      "events",
      "an event's key is another instant's",
      "log",
      "update events set ts_key = '2031' where event = 5",
    ],
    ["events", "an event is out of its place", "log", "update events set seq = 1 where event = 9"],
    ["events", "an event's bytes are too short", "log", "update events set stop = 11 where event = 9"],
    ["log", "a message's bytes are gone", "log", "update details set delivery = 2 where seq = 5"],
    ["search", "a message has another source", "log", "update details set source = 'sms' where seq = 1"],
  ];
  test.each(damages)("doctor finds in %s that %s", async (part, _, file, statement) => {
    copyKept();
    damage(file === "log" ? used() : `${used()}-index1`, statement);
    const { code, stdout } = await postern(["doctor"], { env: env() });
    const differing = [...stdout.matchAll(/^(\w+) .*DIFFERS$/gm)].map(([, name]) => name ?? "");
    expect({ code, found: differing.includes(part) }).toEqual({ code: 1, found: true });
  });

  test("an export with what providers' POSTs hold, imported elsewhere, is the identical log", async () => {
    copyKept();
    const exported = await postern(["export"], { env: env() });
    const copied = { DATABASE_URL: `sqlite:///${join(folder.path, "copied.db")}` };
    expect((await postern(["import", "-"], { env: copied, stdin: exported.stdout })).code).toBe(0);
    expect((await postern(["export"], { env: copied })).stdout).toBe(exported.stdout);
    const again = await postern(["import", "-"], { env: copied, stdin: exported.stdout });
    expect(again.stdout).toStartWith(
      `new 0, duplicate ${EVENTS / 3}, differing 0, invalid 0; events: new 0, duplicate ${EVENTS}\n`,
    );
    const later = await postern(["export", "--since-seq", "11998"], { env: env() });
    expect(
      later.stdout
        .trim()
        .split("\n")
        .map((line) => Object.keys(JSON.parse(line))[0]),
    ).toEqual(["delivery", "seq", "seq", "seq"]);
  });
});

describe("beside a server", () => {
  let server: Server;
  afterEach(() => server.stop());

  async function feed(count: number, name: string): Promise<void> {
    const child = await postern(["send", "--file", "-", "--format", "ndjson"], {
      env: server.env,
      stdin: lines(count, name),
    });
    expect(child.code).toBe(0);
  }

  test("doctor beside a server finds it sound while messages arrive, and --rebuild goes through the server without a wrong answer", async () => {
    server = await newServer({ env: { API_TOKEN: "token" } });
    const token = { ...server.env, API_TOKEN: "token" };
    await feed(3000, "a");
    const feeding = spawnPostern(["send", "--file", "-", "--format", "ndjson"], {
      env: server.env,
      stdin: lines(4000, "b"),
    });
    const beside = await postern(["doctor"], { env: server.env });
    // Of numbers over time there is a line as soon as something is counted.
    const sound = /^(log|time|senders|search) .*sound$/gm;
    expect({ code: beside.code, sound: beside.stdout.match(sound)?.length }).toEqual({ code: 0, sound: 4 });
    expect(await feeding.exited).toBe(0);

    const totals = new Set<number>();
    let done = false;
    const reading = (async () => {
      while (!done) {
        const answer = await fetch(`${server.url}/messages?q=hello`, {
          headers: { Authorization: "Bearer token" },
        });
        totals.add(((await answer.json()) as { total: number }).total);
      }
    })();
    const rebuilt = await postern(["doctor", "--rebuild"], { env: token });
    done = true;
    await reading;
    expect({ code: rebuilt.code, sound: rebuilt.stdout.match(sound)?.length }).toEqual({ code: 0, sound: 4 });
    expect(totals.size).toBe(1);
    const indexes = () => readdirSync(server.folder).filter((name) => /-index\d+$/.test(name));
    await until("the old index to go", () => (indexes().join() === "messages.db-index2" ? true : undefined));
  }, 120_000);

  test("--rebuild without the token says what it takes", async () => {
    server = await newServer();
    const { code, stderr } = await postern(["doctor", "--rebuild"], { env: server.env });
    expect({ code, stderr: stderr.includes("set API_TOKEN") }).toEqual({ code: 1, stderr: true });
    const refused = await postern(["doctor", "--rebuild"], { env: { ...server.env, API_TOKEN: "token" } });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("403");
  });
});
