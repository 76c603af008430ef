/**
 * `postern migrate`: the log of one engine becomes the log of the other, whatever happens on the
 * way.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { parseDatabaseUrl } from "../../src/core/database-url.ts";
import { EVENT_KINDS } from "../../src/core/parsed-body.ts";
import { parsePosition, positionOf, startOf } from "../../src/core/position.ts";
import { STEPS, type Step } from "../../src/core/series.ts";
import type { Store } from "../../src/core/store.ts";
import { sign } from "../../src/sources/native.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { failure, positionAt, second } from "../failures.ts";
import { type Folder, newFolder } from "../folder.ts";
import { anyMessage, INSTANTS, message } from "../messages.ts";
import { newPostgresDatabase, type PostgresDatabase } from "../postgres/server.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { exportOf, importInto, ndjson } from "./exported.ts";
import { newServer, postern, SECRET, spawnPostern } from "./postern.ts";

const LONG_MS = 300_000;

let folder: Folder;
let target: PostgresDatabase;
beforeEach(async () => {
  folder = newFolder();
  target = await newPostgresDatabase();
}, LONG_MS);
afterEach(async () => {
  folder.remove();
  await target.drop();
});

const path = (name: string) => join(folder.path, name);
const sqlite = (name: string) => `sqlite:///${path(name)}`;
const migrate = (name: string, ...more: string[]) =>
  postern(["migrate", "--from", sqlite(name), "--to", target.url, ...more]);

const CREATED = ["2025-01-15T10:00:00.000Z", "2025-01-15T10:00:00.001Z", "2024-12-31T23:59:59.999Z"];

/** Native messages, POSTs with messages and events, bodies of any bytes, and gaps in `seq`. */
function anyLog(rows: number, seed: number): object[] {
  const messages = fc.sample(anyMessage, { numRuns: rows, seed });
  const dice = fc.sample(fc.nat(1000), { numRuns: 6 * rows, seed });
  const roll = (sides: number) => (dice.pop() ?? 0) % sides;
  const records: object[] = [];
  let seq = 0;
  const next = () => {
    seq += roll(20) === 0 ? 1 + roll(500) : 1;
    return seq;
  };
  for (let index = 0; index < messages.length; ) {
    const created_at = CREATED[roll(3)];
    if (roll(3) > 0) {
      const record = messages[index++];
      const message_id = `${index} ${record?.message_id}`;
      records.push({ seq: next(), ...record, message_id, created_at });
      continue;
    }
    const body = Buffer.alloc(roll(50) === 0 ? 900_000 : 100, roll(256));
    const source = ["wa", "sms"][roll(2)] ?? "";
    const parts = roll(8) + 1;
    const delivery = next();
    records.push({ delivery, body_base64: body.toString("base64") });
    for (let part = 0; part < parts; part++) {
      const record = messages[index++ % messages.length];
      const place = { delivery, start: roll(50), stop: 50 + roll(50) };
      const own = part === 0 ? delivery : next();
      const message_id = `${source}:${index} ${record?.message_id}`;
      records.push(
        roll(2) === 0
          ? { seq: own, ...record, message_id, created_at, source, type: "text", ...place }
          : {
              ...{ seq: own, source, kind: EVENT_KINDS[roll(EVENT_KINDS.length)], event_key: `k ${index}` },
              ...(roll(3) > 0 && { type: ["read", null][roll(2)] }),
              ...{ message_id: roll(2) === 0 ? null : message_id, ts: INSTANTS[roll(INSTANTS.length)] },
              ...{ created_at, ...place },
            },
      );
    }
  }
  return records;
}

const plain = (count: number, prefix = "m") =>
  ndjson(
    Array.from({ length: count }, (_, index) => message(`${prefix}${index}`, { from: `+${index % 97}` })),
  );

const numbered = async () =>
  (await target.query<{ n: number }>("select coalesce(sum(rows), 0)::int as n from batches"))[0]?.n ?? 0;

/** What the two engines answer, counts above all. */
async function answersOf(url: string): Promise<unknown> {
  const store = await storeOn(url);
  try {
    const page = { limit: 100, offset: 0 };
    return {
      stats: await store.stats(),
      all: (await store.list(page)).total,
      page: await store.list({ ...page, offset: 2000 }),
      hours: (await store.list({ ...page, since: "2025-01-15T10:00:00.5Z" })).total,
      found: await store.list({ ...page, q: "straße" }),
      events: await store.events({ ...page, kind: "status" }),
      ofSource: (await store.events({ ...page, source: "wa" })).total,
    };
  } finally {
    await store.close();
  }
}

async function storeOn(url: string): Promise<Store> {
  const parsed = parseDatabaseUrl(url);
  if (parsed === undefined) throw new Error("no URL of a database");
  return openForTest(parsed);
}

describe("a log", () => {
  test.each([1, 2])(
    "a log of anything comes over with every byte and number (seed %i)",
    async (seed) => {
      await importInto(sqlite("m.db"), ndjson(anyLog(4500, seed)));
      const before = await exportOf(sqlite("m.db"));
      const { code, stdout, stderr } = await migrate("m.db");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const counts = `${before.match(/"text":/g)?.length} messages and ${before.match(/"event_key":/g)?.length} events`;
      const sha256 = new Bun.CryptoHasher("sha256").update(before).digest("hex");
      expect(stdout.split("\n")).toEqual([
        expect.stringMatching(new RegExp(`^copied ${counts} in [0-9.]+ s \\([0-9]+ rows/s\\)$`)),
        `verified: both have ${counts}, sha256 ${sha256}`,
        "complete: nothing more is to come; start Postern on the PostgreSQL database",
        "",
      ]);
      // Texts as long as these are no help when they differ.
      expect((await exportOf(target.url)) === before).toBe(true);
      expect(await answersOf(target.url)).toEqual(await answersOf(sqlite("m.db")));
    },
    LONG_MS,
  );

  test(
    "destinations go on behind a migration where they were, with their failures and replays, and no others",
    async () => {
      await importInto(sqlite("m.db"), ndjson(anyLog(20, 5)));
      let store = await storeOn(sqlite("m.db"));
      const [NAME, at] = ["app", second(30)];
      const [start, end] = [await store.positionAt("start"), await store.positionAt("now")];
      const change = { from: start, at, update: [], remove: [] };
      await store.deliveries.open("gone", start);
      await store.deliveries.commit("gone", { ...change, to: start, insert: [failure(1)] });
      await store.deliveries.open(NAME, start);
      const insert = Array.from({ length: 2500 }, (_, index) =>
        failure(index + 1, {
          sender: `s${index % 40}`,
          replay: index % 7 === 0 ? "r" : "",
          state: index % 3 === 0 ? "dead" : "waiting",
          next_at: null,
        }),
      );
      await store.deliveries.commit(NAME, { ...change, to: end, insert });
      await store.deliveries.pause(NAME, { reason: "410", since: second(4) });
      await store.deliveries.report(NAME, {
        at,
        state: "down",
        reason: "refused",
        since: second(1),
        next_attempt_at: null,
        attempts: { success: 4, failure: 5 },
        answer_ms: { p50: 1.5, p99: null },
      });
      await store.deliveries.addReplay({
        id: "r",
        destination: NAME,
        position: start,
        until: 20,
        filter: { kinds: ["message"] },
        rate: 200,
        newIds: true,
        records: 20,
        done: 7,
        createdAt: at,
      });
      const kept = async ({ deliveries }: Store) => [
        await deliveries.list(),
        await deliveries.failures(NAME, { limit: 5000, offset: 0 }),
        await deliveries.replays(NAME),
        await deliveries.figures(NAME),
        await deliveries.waitingSenders(NAME),
        await deliveries.due(NAME, at, 100),
      ];
      await store.close();
      expect((await migrate("m.db")).code).toBe(0);
      store = await storeOn(sqlite("m.db"));
      await store.deliveries.delete("gone");
      await store.deliveries.drop(NAME, { positions: [positionAt(2)] }, at);
      const expected = await kept(store);
      await store.close();
      expect((await migrate("m.db")).code).toBe(0);

      store = await storeOn(target.url);
      expect(await kept(store)).toEqual(expected);
      expect(await store.deliveries.figures(NAME)).toMatchObject({ waiting: 1665, dead: 834 });
      expect(await store.deliveries.figures("gone")).toMatchObject({ waiting: 0 });
      await store.close();
    },
    LONG_MS,
  );

  test(
    "numbers over time go on behind a migration where they were, with refusals",
    async () => {
      await importInto(sqlite("m.db"), ndjson(anyLog(20, 5)));
      let store = await storeOn(sqlite("m.db"));
      const { minutes, position: to } = await store.changesCounts({ after: 0 });
      const at = 1_772_323_200;
      const counts = Array.from({ length: 4500 }, (_, index) => ({
        step: STEPS[index % STEPS.length] ?? "day",
        at: at + 86_400 * Math.floor(index / 6),
        source: index % 2 === 0 ? "wa" : "tg",
        what: "message",
        rows: index + 1,
      }));
      const last = minutes.map(({ source, what, at }) => ({ source, what, at })).slice(0, 1);
      await store.series.count({ from: null, to, counts, last });
      const refusals = Array.from({ length: 60 }, (_, index) => ({
        source: "wa",
        at: second(index % 60),
        client: "203.0.113.4",
        reason: `no ${index}`,
        method: "POST",
        path: "/webhook/wa",
      }));
      const holder = "b0b5e1d0-0000-4000-8000-000000000001";
      await store.series.add({ holder, number: 1, counts: counts.slice(0, 9), refusals });
      const kept = async ({ series }: Store) => {
        const range = { from: at, to: at + 800 * 86_400, by: ["source", "what"], seriesMax: 10 } as const;
        const read = (of: "records" | "requests", step: Step) => series.read({ ...range, of, step });
        return [
          await series.state(),
          await Promise.all(STEPS.flatMap((step) => [read("records", step), read("requests", step)])),
          await series.lastRecords(),
          await series.refusals({ limit: 100 }),
        ];
      };
      const expected = await kept(store);
      await store.close();
      expect((await migrate("m.db")).code).toBe(0);
      expect((await migrate("m.db")).code).toBe(0);
      store = await storeOn(target.url);
      expect(await kept(store)).toEqual(expected);
      const { seq: after = Number.NaN, mark = "" } = parsePosition(to) ?? {};
      expect(await store.changesCounts({ after, mark })).toMatchObject({ minutes: [], isLost: false });
      await store.close();
    },
    LONG_MS,
  );

  test(
    "whoever follows goes on behind a migration, from a position of their own or as a consumer",
    async () => {
      const after = (store: Store, position: string) => {
        const { seq = Number.NaN, mark = "" } = parsePosition(position) ?? {};
        return store.changes({ after: seq, mark, limit: 10_000 });
      };
      await importInto(sqlite("m.db"), ndjson(anyLog(600, 4)));
      let store = await storeOn(sqlite("m.db"));
      const log = await store.changes({ after: 0, limit: 10_000 });
      const positions = log.records.map((record) => positionOf(log.log, record));
      const [start, middle = "", last = ""] = [startOf(log.log), positions[300], positions.at(-1)];
      const filter = { kinds: ["message", "edit"], from: "+1" } as const;
      await store.consumers.create({ name: "a", filter: { kinds: ["message"] }, position: start });
      await store.consumers.create({ name: "b", filter, position: start });
      await store.consumers.acknowledge("b", middle, "2026-01-01T00:00:00.000Z");
      const consumers = await store.consumers.list();
      await store.close();
      expect((await migrate("m.db")).code).toBe(0);
      // Until a server runs on the target what the source says counts, also the second time.
      store = await storeOn(sqlite("m.db"));
      await store.consumers.delete("a");
      await store.consumers.seek("b", start);
      await store.close();
      expect((await migrate("m.db")).code).toBe(0);

      store = await storeOn(target.url);
      expect(await store.consumers.list()).toEqual([
        { ...consumers[1], name: "b", filter, position: start, acknowledgedAt: "2026-01-01T00:00:00.000Z" },
      ]);
      const all = await after(store, start);
      expect(all).toEqual({ ...log, bodies: new Map() });
      for (const [index, position] of positions.entries()) {
        if (index % 50 !== 0) continue;
        const { isLost, records } = await after(store, position);
        expect([isLost, records.length]).toEqual([false, positions.length - index - 1]);
      }
      await store.append({ messages: [message("later")] });
      expect((await after(store, last)).records).toMatchObject([{ message_id: "later" }]);
      for (const since of CREATED) {
        const first = log.records.findIndex(({ created_at }) => created_at >= since);
        expect(await store.positionAt({ since })).toBe(positions[first - 1] ?? start);
      }
      await store.close();
    },
    LONG_MS,
  );

  test(
    "a log goes back by export and import, and the next row has the next number",
    async () => {
      await importInto(sqlite("m.db"), ndjson(anyLog(600, 3)));
      await migrate("m.db");
      const store = await storeOn(target.url);
      await store.append({ messages: [message("later")] });
      await store.close();
      const after = await exportOf(target.url);
      const seqs = after.match(/"seq":\d+/g) ?? [];
      const last = (at: number) => Number(seqs.at(at)?.slice('"seq":'.length));
      expect(last(-1)).toBe(last(-2) + 1);
      await importInto(sqlite("back.db"), after);
      expect((await exportOf(sqlite("back.db"))) === after).toBe(true);
    },
    LONG_MS,
  );
});

describe("beside a running server", () => {
  test(
    "everything that a running server answered comes over, by one pass and a short one once it is stopped",
    async () => {
      const server = await newServer({ env: { DATABASE_URL: sqlite("m.db") } });
      const answered: string[] = [];
      let stopping = false;
      const lane = async (name: number) => {
        for (let index = 0; !stopping; index++) {
          const body = JSON.stringify(message(`${name}-${index}`));
          const headers = { "X-Signature": sign(SECRET, body) };
          const { status } = await fetch(`${server.url}/webhook`, { method: "POST", body, headers });
          if (status === 200) answered.push(`${name}-${index}`);
        }
      };
      const load = Promise.all(Array.from({ length: 8 }, (_, name) => lane(name)));
      await until("some messages", () => answered.length > 500);
      const first = await migrate("m.db");
      expect(first.code).toBe(0);
      expect(first.stdout).toMatch(/^copied \d+ messages/);
      expect(first.stdout).toMatch(/\nverified: both have /);
      expect(first.stdout).toEndWith(
        `not complete: a server has ${path("m.db")}; stop it and run the same command again for what came since\n`,
      );
      const between = await numbered();
      stopping = true;
      await load;

      const early = spawnPostern(["serve"], {
        env: { WEBHOOK_SECRET: SECRET, DATABASE_URL: target.url, PORT: "0" },
      });
      await until("the start to be refused", () => early.exitCode !== null).finally(() => early.kill());
      expect(early.exitCode).toBe(1);
      expect(await early.stderr.text()).toBe(
        "postern: the database is the target of a migration that is not finished: run postern migrate until it says that it is complete\n",
      );

      await server.stop();
      const last = await migrate("m.db");
      expect(last.code).toBe(0);
      expect(last.stdout).toContain(`copied ${answered.length - between} messages and 0 events`);
      expect(last.stdout).toContain(`going on after seq ${between}\n`);
      expect(last.stdout).toEndWith(
        "complete: nothing more is to come; start Postern on the PostgreSQL database\n",
      );
      expect((await exportOf(target.url)) === (await exportOf(sqlite("m.db")))).toBe(true);

      const moved = await newServer({ env: { DATABASE_URL: target.url } });
      expect((await moved.messages()).total).toBe(answered.length);
      expect(await moved.stop()).toBe(0);
    },
    LONG_MS,
  );
});

test(
  "a migration that is killed again and again goes on where it was, and misses nothing",
  async () => {
    await importInto(sqlite("m.db"), plain(30_000));
    for (const goal of [1, 5_000, 10_000]) {
      const child = spawnPostern(["migrate", "--from", sqlite("m.db"), "--to", target.url]);
      await until("some rows", async () => (await numbered()) >= goal);
      child.kill("SIGKILL");
      expect(await child.exited).toBe(137);
      expect(await numbered()).toBeLessThan(30_000);
    }
    const { code, stdout } = await migrate("m.db");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^copied \d+ messages and 0 events in .* going on after seq \d+\nverified: .*\ncomplete: /,
    );
    expect((await exportOf(target.url)) === (await exportOf(sqlite("m.db")))).toBe(true);
    const again = await migrate("m.db");
    expect(again.stdout).toMatch(/^copied 0 messages .* after seq 30000\nverified: .*\ncomplete: /);
  },
  LONG_MS,
);

test(
  "an index that a kill left half made is made anew",
  async () => {
    await importInto(sqlite("m.db"), plain(10));
    await migrate("m.db");
    const state = "select indisvalid from pg_index where indexrelid = 'messages_folded'::regclass";
    await target.query("drop index messages_folded");
    // What fails concurrently is left behind.
    const failing = "create unique index concurrently messages_folded on messages (to_msisdn)";
    await expect(target.query(failing)).rejects.toThrow("could not create unique index");
    expect(await target.query(state)).toEqual([{ indisvalid: false }]);
    await migrate("m.db");
    expect(await target.query(state)).toEqual([{ indisvalid: true }]);
  },
  LONG_MS,
);

test(
  "whatever differs in the target is noticed, and leaves it refused to replicas",
  async () => {
    await importInto(sqlite("m.db"), ndjson(anyLog(300, 4)));
    await migrate("m.db");
    const tampering = [
      ["update messages set text = 'x' where message_id = (select min(message_id) from messages)", "differ"],
      [
        "update messages set created_at = '2025-01-15T10:00:00.002Z' where place = (select min(place) from messages)",
        "differ",
      ],
      ["update events set start = start + 1 where place = (select min(place) from events)", "differ"],
      [
        "update deliveries set body = set_byte(body, 0, 255 - get_byte(body, 0)) where delivery = 0",
        "differ",
      ],
      ["delete from messages where place = (select max(place) from messages)", "differ"],
      [
        "update messages set place = place + 100000 where place = (select max(place) from messages)",
        "differ",
      ],
      ["update totals set messages = messages - 1", "counts are wrong"],
    ];
    const tables = ["messages", "events", "deliveries", "totals"];
    for (const table of tables) await target.query(`create table kept_${table} as select * from ${table}`);
    for (const [sql = "", words = ""] of tampering) {
      await target.query(sql);
      const { code, stdout, stderr } = await migrate("m.db");
      expect({ sql, code }).toEqual({ sql, code: 1 });
      expect(stdout).toMatch(/^copied 0 messages [^\n]*\n$/);
      expect(stderr).toMatch(/^postern: [^\n]*\n$/);
      expect(stderr).toContain(words);
      await expect(storeOn(target.url)).rejects.toThrow("not finished");
      for (const table of tables) {
        await target.query(`delete from ${table}`);
        await target.query(`insert into ${table} select * from kept_${table}`);
      }
    }
    expect((await migrate("m.db")).code).toBe(0);
  },
  LONG_MS,
);

describe("a target is refused", () => {
  async function refused(words: RegExp): Promise<void> {
    const before = await target.query("select message_id, batch, place from messages order by 1");
    const { code, stdout, stderr } = await migrate("m.db");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^postern: [^\n]*\n$/);
    expect(stderr).toMatch(words);
    expect(await target.query("select message_id, batch, place from messages order by 1")).toEqual(before);
  }

  test(
    "a target that holds rows of its own is refused",
    async () => {
      await importInto(sqlite("m.db"), plain(3));
      const store = await storeOn(target.url);
      await store.append({ messages: [message("own")] });
      await refused(/a Postern replica runs on the target/);
      await store.close();
      await refused(/rows that came from elsewhere/);
      expect(await exportOf(target.url)).toContain('"own"');
      await (await storeOn(target.url)).close();
    },
    LONG_MS,
  );

  test(
    "a target that holds another database's rows is refused, finished or not",
    async () => {
      await importInto(sqlite("other.db"), plain(3));
      await importInto(sqlite("m.db"), plain(3));
      await migrate("other.db");
      await refused(/rows that came from elsewhere/);
      await importInto(sqlite("other.db"), plain(3, "more"));
      await target.query("update meta set value = replace(value, 'true', 'false') where key = 'migration'");
      await refused(/rows that came from elsewhere/);
    },
    LONG_MS,
  );

  test(
    "a target to which a replica has added since is refused, and an older copy is told as one",
    async () => {
      await importInto(sqlite("m.db"), plain(3));
      copyFileSync(path("m.db"), path("older.db"));
      await importInto(sqlite("m.db"), plain(2, "more"));
      await migrate("m.db");
      const { code, stderr } = await migrate("older.db");
      expect(code).toBe(1);
      expect(stderr).toBe(
        `postern: ${path("older.db")} ends at seq 3, and 5 was taken from it before: it is an older copy\n`,
      );
      expect((await migrate("m.db")).code).toBe(0);
      const store = await storeOn(target.url);
      await store.append({ messages: [message("own")] });
      await store.close();
      await importInto(sqlite("m.db"), plain(1, "late"));
      await refused(/somebody else has stored rows in the target/);
    },
    LONG_MS,
  );

  test(
    "a target is refused as soon as somebody writes to it in the middle",
    async () => {
      await importInto(sqlite("m.db"), plain(20_000));
      const child = spawnPostern(["migrate", "--from", sqlite("m.db"), "--to", target.url]);
      await until("some rows", async () => (await numbered()) > 0);
      await target.query("insert into batches (batch, rows) values (gen_random_uuid(), 1)");
      expect(await child.exited).toBe(1);
      expect(await child.stderr.text()).toMatch(
        /^postern: somebody else has stored rows in the target[^\n]*\n$/,
      );
      expect(await numbered()).toBeLessThan(20_000);
    },
    LONG_MS,
  );
});

describe("a migration that is asked wrongly is one line and exit code 2:", () => {
  const postgres = "postgres://user:hunter2@127.0.0.1:1/postern";
  test.each([
    ["from PostgreSQL", ["--from", postgres, "--to", postgres], /export, then import/],
    ["to SQLite", ["--from", "sqlite:///a.db", "--to", "sqlite:///b.db"], /--to names a SQLite file/],
    ["to what is no URL", ["--from", "sqlite:///a.db", "--to", "hunter2"], /--to is no URL/],
    ["from what is no URL", ["--from", "hunter2", "--to", postgres], /--from is no URL/],
    ["to nothing but SQLite", ["--from", "sqlite:///a.db"], /DATABASE_URL names a SQLite file/],
    ["from nothing", ["--to", postgres], /--from/],
  ])("a migration %s is one line and exit code 2", async (_, args, words) => {
    const { code, stdout, stderr } = await postern(["migrate", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^postern: [^\n]+\n$/);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain("hunter2");
  });

  test("a database that isn't there is one line without the password, and exit code 1", async () => {
    const missing = await postern(["migrate", "--from", sqlite("none.db"), "--to", postgres]);
    expect(missing).toEqual({
      code: 1,
      stdout: "",
      stderr: `postern: there is no database at ${path("none.db")}\n`,
    });
    await importInto(sqlite("m.db"), plain(1));
    const nobody = await postern(["migrate", "--from", sqlite("m.db"), "--to", postgres]);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/^postern: [^\n]+\n$/);
    expect(nobody.stderr).not.toContain("hunter2");
  });
});
