/**
 * Following the log on PostgreSQL: what only an engine of batches, replicas and distributed tables
 * can get wrong.
 */
import { describe, expect, test } from "bun:test";
import type { Changes } from "../../src/core/changes.ts";
import type { Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { makeTables } from "../databases/postgres.ts";
import { newCuttingProxy } from "../faults/cutting-proxy.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { calledReader } from "./called-reader.ts";
import { databaseOfEachTest } from "./each-database.ts";
import { holdBatch } from "./late-batch.ts";

/** Another replica looks four times as often. */
const WOKEN_MS_MAX = 1000;
const LONG_MS = 120_000;
const INDEXES = ["messages_by_batch", "events_by_batch"];

const { database, open } = databaseOfEachTest(LONG_MS);

const keys = ({ records }: Changes) =>
  records.map((record) => ("event_key" in record ? record.event_key : record.message_id));
const append = (store: Store, ...ids: string[]) => store.append({ messages: ids.map((id) => message(id)) });

/** A batch that is numbered as the next one, and of which rows are missing. */
async function storeBatch(
  ids: readonly (string | undefined)[],
): Promise<(place: number, id: string) => Promise<void>> {
  const batch = crypto.randomUUID();
  const add = async (place: number, id: string) => {
    await database.query(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
       values ($1, '+1', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', '2025-01-15T10:00:00.000Z', $2, $3)`,
      [id, batch, place],
    );
  };
  for (const [place, id] of ids.entries()) if (id !== undefined) await add(place, id);
  await database.query(
    `with next as (update totals set seq = seq + ${ids.length} returning seq)
     insert into batches (batch, seq, rows) select $1, seq - ${ids.length - 1}, ${ids.length} from next`,
    [batch],
  );
  return add;
}

/** As where Citus has distributed `messages`: its nodes have no common snapshot. */
async function distribute(): Promise<void> {
  await database.query("create table pg_dist_partition (logicalrelid regclass)");
  await database.query("insert into pg_dist_partition values ('messages')");
}

describe("a follower", () => {
  test("reads a page at once from tables of which the server has no statistics, as after a crash or a restore", async () => {
    const batches = 6000;
    await makeTables(database.url);
    for (const table of ["messages", "events", "batches"])
      await database.query(`alter table ${table} set (autovacuum_enabled = off)`);
    await database.query(
      `insert into batches (batch, seq, rows) select gen_random_uuid(), 2 * n + 1, 2 from generate_series(0, ${batches - 1}) n`,
    );
    const ofEach = "gen_random_uuid()::text, '+1', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', ''";
    await database.query(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
       select ${ofEach}, batch, 0 from batches`,
    );
    await database.query(
      `insert into events (source, event_key, kind, ts, ts_key, created_at, batch, place, delivery, start, stop)
       select 'wa', gen_random_uuid()::text, 'status', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', '', batch, 1, 1, 0, 0
       from batches`,
    );
    await database.query(`update totals set seq = ${2 * batches}`);
    const store = await open();
    const tookMs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const startedAt = performance.now();
      const { records } = await store.changes({ after: 0, limit: 1000 });
      tookMs.push(performance.now() - startedAt);
      expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    }
    expect(Math.min(...tookMs)).toBeLessThan(1000);
  });

  test("is woken within a second by what another replica has stored", async () => {
    const [here, there] = [await open(), await open()];
    const tookMs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const follower = calledReader(here, 2 * round);
      await append(there, `a${round}`);
      await until("the first call", () => follower.keys().length === 1);
      const storedAt = performance.now();
      await append(there, `b${round}`);
      await until("the next call", () => follower.keys().length === 2);
      tookMs.push(performance.now() - storedAt);
      expect(follower.keys()).toEqual([`a${round}`, `b${round}`]);
      follower.stop();
    }
    expect(Math.min(...tookMs)).toBeLessThan(WOKEN_MS_MAX);
  });

  test("that is one of a hundred who ask at once gets everything that was acknowledged", async () => {
    const store = await open();
    await append(store, "a");
    const pages = await Promise.all(
      Array.from({ length: 100 }, () => store.changes({ after: 0, limit: 10 })),
    );
    expect(new Set(pages.map((page) => JSON.stringify(page)))).toEqual(new Set([JSON.stringify(pages[0])]));
    expect(keys(pages[0] as Changes)).toEqual(["a"]);
  });

  test("finds no commits of duplicates between it and what comes next", async () => {
    const store = await open();
    await append(store, "a");
    for (let round = 0; round < 5; round++) await append(store, "a");
    await append(store, "b");
    expect(keys(await store.changes({ after: 0, limit: 10 }))).toEqual(["a", "b"]);
    const empty = "select count(*)::int as n from batches where rows = 0 and seq";
    expect(await database.query(`${empty} = 0`)).toEqual([{ n: 5 }]);
    expect(await database.query(`${empty} > 0`)).toEqual([{ n: 0 }]);
  });

  test("whose connection is lost while it asks whether everything has a number asks again", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await newCuttingProxy({ host: hostname, port: Number(port || 5432) });
    const through = new URL(database.url);
    through.host = `127.0.0.1:${proxy.port}`;
    const store = await openForTest({ engine: "postgres", url: through.href });
    try {
      const stored: string[] = [];
      for (let count = 1; count <= 5; count++) {
        // No replica knows of it, so nobody numbers it at once.
        const batch = await holdBatch(database.url, { ids: [`late-${count}`], batchFirst: true });
        await batch.commit();
        stored.push(`late-${count}`);
        proxy.lose("from batches where seq is null and rows > 0");
        expect(keys(await store.changes({ after: 0, limit: 100 }))).toEqual(stored);
      }
      expect(proxy.cuts()).toBeGreaterThan(0);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  test("reads numbers that need more than 32 bits", async () => {
    await makeTables(database.url);
    await database.query("update totals set seq = 9000000000");
    const store = await open();
    await append(store, "a", "b");
    await store.append(post("wa", [message("wa:1")]));
    const { records } = await store.changes({ after: 9e9 + 1, limit: 10 });
    expect(records).toMatchObject([
      { seq: 9e9 + 2, message_id: "b" },
      { seq: 9e9 + 3, message_id: "wa:1", delivery: 9e9 + 3 },
    ]);
  });
});

describe("a batch of which a row can't be seen", () => {
  test("is waited for where messages are distributed, and the follower is woken once it is whole", async () => {
    const store = await open();
    await append(store, "a");
    expect(keys(await store.changes({ after: 0, limit: 10 }))).toEqual(["a"]);
    await distribute();
    const add = await storeBatch(["b", undefined, "d", undefined]);
    await append(store, "later");
    const follower = calledReader(store, 2);
    const held = await store.changes({ after: 0, limit: 10 });
    expect([keys(held), held.more]).toEqual([["a", "b"], false]);
    expect(keys(await store.changes({ after: 2, limit: 10 }))).toEqual([]);
    await add(1, "c");
    await until("a call for what was held back", () => follower.keys().includes("d"));
    expect(keys(await store.changes({ after: 2, limit: 10 }))).toEqual(["c", "d"]);
    expect(keys(await store.changes({ after: 2, limit: 1 }))).toEqual(["c"]);
    await add(3, "e");
    await until("another call", () => follower.keys().includes("later"));
    expect(keys(await store.changes({ after: 0, limit: 10 }))).toEqual(["a", "b", "c", "d", "e", "later"]);
  });

  test("was deleted by hand on a single server, where nobody waits for it", async () => {
    const store = await open();
    await storeBatch([undefined, "b", undefined, "d", undefined]);
    await storeBatch([undefined, undefined]);
    await append(store, "later");
    const seen: [string, number][] = [];
    for (let more = true; more; ) {
      const page = await store.changes({ after: seen.at(-1)?.[1] ?? 0, limit: 1 });
      seen.push(...keys(page).map((key, index): [string, number] => [key, page.records[index]?.seq ?? 0]));
      more = page.more;
    }
    expect(seen).toEqual([
      ["b", 2],
      ["d", 4],
      ["later", 8],
    ]);
  });

  test("is no row of a log that was taken over with gaps, also where messages are distributed", async () => {
    const store = await open();
    await distribute();
    await storeBatch(["a", undefined, "c"]);
    await database.query(`insert into meta values ('migration', '{"log":"x","seq":3,"finished":true}')`);
    const add = await storeBatch(["d", undefined]);
    expect(keys(await store.changes({ after: 0, limit: 10 }))).toEqual(["a", "c", "d"]);
    await add(1, "e");
    expect(keys(await store.changes({ after: 0, limit: 2 }))).toEqual(["a", "c"]);
    expect(keys(await store.changes({ after: 1, limit: 10 }))).toEqual(["c", "d", "e"]);
  });
});

describe("the indexes by batch", () => {
  const areThere = async () => {
    const found = await database.query(
      `select 1 from pg_index where indisvalid and indexrelid in (${INDEXES.map((name) => `to_regclass('${name}')`)})`,
    );
    return found.length === INDEXES.length;
  };

  test("are there in a new database", async () => {
    await makeTables(database.url);
    expect(await areThere()).toBe(true);
  });

  test("are made beside the service in a database that has none, or half-made ones", async () => {
    await makeTables(database.url);
    await database.query("drop index messages_by_batch");
    await database.query(
      "update pg_index set indisvalid = false where indexrelid = 'events_by_batch'::regclass",
    );
    const stores = await Promise.all([open(), open(), open()]);
    await Promise.all(stores.map((store, index) => append(store, `m${index}`)));
    await until("whole indexes", areThere);
  });

  test("are not needed for an answer", async () => {
    const store = await open();
    await until("whole indexes", areThere);
    for (const name of INDEXES) await database.query(`drop index ${name}`);
    await append(store, "a");
    await store.append(post("wa", [message("wa:1"), message("wa:2")]));
    expect(keys(await store.changes({ after: 1, limit: 10, bodies: true }))).toEqual(["wa:1", "wa:2"]);
    expect((await store.changes({ after: 2, limit: 10 })).records).toMatchObject([{ seq: 3, delivery: 2 }]);
  });
});
