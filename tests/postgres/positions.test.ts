/**
 * Positions, filters and consumers on PostgreSQL: what only an engine of batches, replicas and
 * distributed tables can get wrong.
 */
import { describe, expect, test } from "bun:test";
import { type Changes, type ChangesFilter, LOOKED_AT_MAX } from "../../src/core/changes.ts";
import { CONSUMERS_MAX } from "../../src/core/consumers.ts";
import { StorageUnavailable } from "../../src/core/errors.ts";
import { parsePosition } from "../../src/core/position.ts";
import type { Store } from "../../src/core/store.ts";
import { event, post } from "../contract/posts-contract.ts";
import { makeTables } from "../databases/postgres.ts";
import { message } from "../messages.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { until } from "../until.ts";
import { calledReader } from "./called-reader.ts";
import { databaseOfEachTest } from "./each-database.ts";
import { newPgbouncer, PGBOUNCER } from "./own-pgbouncer.ts";
import { postgresServer } from "./server.ts";

/** Another replica looks four times as often. */
const WOKEN_MS_MAX = 1000;
const LONG_MS = 120_000;

const { database, open, closeStores } = databaseOfEachTest(LONG_MS);

const keys = ({ records }: Changes) =>
  records.map((record) => ("event_key" in record ? record.event_key : record.message_id));
const append = (store: Store, ...ids: string[]) => store.append({ messages: ids.map((id) => message(id)) });
const seqOf = (position: string) => parsePosition(position)?.seq ?? Number.NaN;

function after(store: Store, position: string, filter: ChangesFilter = {}, limit = 100): Promise<Changes> {
  const { seq = Number.NaN, mark = "" } = parsePosition(position) ?? {};
  return store.changes({ after: seq, mark, limit, filter });
}

/** Everything that the filter lets through, by pages, and the number that each page ends at. */
async function walk(store: Store, filter: ChangesFilter, limit: number) {
  const found: string[] = [];
  const ends: number[] = [];
  let position = await store.positionAt("start");
  for (let more = true; more; ) {
    const page = await after(store, position, filter, limit);
    expect(page.isLost).toBe(false);
    if (page.more) expect(seqOf(page.position)).toBeGreaterThan(seqOf(position));
    found.push(...keys(page));
    ends.push(seqOf(page.position));
    ({ position, more } = page);
  }
  return { found, ends };
}

interface Numbers {
  /** How many the batch takes. */
  readonly numbers: number;
  /** Its rows, by their places. */
  readonly rows: Readonly<Record<number, string>>;
}

/** A batch that is numbered as the next one, and has no row for most of its numbers. */
async function storeBatch({ numbers, rows }: Numbers): Promise<void> {
  const batch = crypto.randomUUID();
  for (const [place, id] of Object.entries(rows))
    await database.query(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
       values ($1, '+1', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', '2025-01-15T10:00:00.000Z', $2, $3)`,
      [id, batch, Number(place)],
    );
  await database.query(
    `with next as (update totals set seq = seq + ${numbers} returning seq)
     insert into batches (batch, seq, rows) select $1, seq - ${numbers - 1}, ${numbers} from next`,
    [batch],
  );
}

async function distribute(): Promise<void> {
  await database.query("create table pg_dist_partition (logicalrelid regclass)");
  await database.query("insert into pg_dist_partition values ('messages')");
}

describe("the name of the log", () => {
  const names = () => database.query<{ value: string }>("select value from meta where key = 'log_id'");

  test("is one, whichever of several replicas that start at once made it", async () => {
    const stores = await Promise.all([open(), open(), open()]);
    const starts = await Promise.all(stores.map((store) => store.positionAt("start")));
    expect(new Set(starts).size).toBe(1);
    expect(await names()).toEqual([{ value: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
    expect(starts[0]).toBe(`${(await names())[0]?.value.slice(0, 8)}00000000.0`);
  });

  test("and the table of consumers come to a database of 0.1, whose replicas may start again beside this one", async () => {
    await makeTables(database.url);
    await database.query("drop table consumers");
    await database.query("delete from meta where key = 'log_id'");
    const stores = await Promise.all([open(), open()]);
    expect(await names()).toHaveLength(1);
    expect(await Promise.all(stores.map((store) => store.consumers.list()))).toEqual([[], []]);
    expect(await database.query("select max(version) as version from postern_schema")).toEqual([
      { version: 1 },
    ]);
  });

  test("is that of the log that 0.1 has taken over, in a database that it has filled", async () => {
    await makeTables(database.url);
    await database.query("delete from meta where key = 'log_id'");
    const mark = JSON.stringify({ log: "0123456789abcdef0123456789abcdef", seq: 0, finished: true });
    await database.query("insert into meta values ('migration', $1)", [mark]);
    expect(await (await open()).positionAt("start")).toBe("0123456700000000.0");
  });

  test("is read anew with each page: another log's under a running replica is told at once", async () => {
    const store = await open();
    await append(store, "a");
    const position = await store.positionAt("now");
    await database.query("update meta set value = 'ffffffffffffffffffffffffffffffff' where key = 'log_id'");
    expect(await after(store, position)).toMatchObject({ isLost: true, position: "ffffffff00000000.0" });
    await database.query("delete from meta where key = 'log_id'");
    await expect(after(store, position)).rejects.toBeInstanceOf(StorageUnavailable);
  });
});

describe("numbers without a row", () => {
  test("are passed over, a thousand million as well as one, and no position stands on them", async () => {
    const store = await open();
    await storeBatch({ numbers: 10, rows: { 3: "a" } });
    await storeBatch({ numbers: 2 ** 30, rows: { 0: "b", 7: "c", [2 ** 30 - 1]: "d" } });
    await storeBatch({ numbers: 100_000, rows: {} });
    await storeBatch({ numbers: 50_000, rows: { 40000: "e" } });
    await append(store, "last");
    const all = ["a", "b", "c", "d", "e", "last"];
    for (const limit of [1, 2, 100]) {
      expect((await walk(store, {}, limit)).found).toEqual(all);
      const numbers = [4, 11, 18, 2 ** 30 + 10, 2 ** 30 + 140_011, 2 ** 30 + 150_011];
      const { found, ends } = await walk(store, { sources: ["none"] }, limit);
      expect(found).toEqual([]);
      for (const end of ends) expect(numbers).toContain(end);
      expect(ends.at(-1)).toBe(2 ** 30 + 150_011);
    }
    const gap = 2 ** 30 + 100_000;
    expect(seqOf((await store.changes({ after: gap, limit: 10, filter: { sources: ["x"] } })).position)).toBe(
      2 ** 30 + 150_011,
    );
    const { query } = database;
    await query("delete from messages where message_id in ('e', 'last')");
    expect(seqOf((await store.changes({ after: gap, limit: 10 })).position)).toBe(2 ** 30 + 10);
    expect(seqOf(await store.positionAt("now"))).toBe(2 ** 30 + 10);
  });

  test("a position whose record was deleted by hand is lost", async () => {
    const store = await open();
    await append(store, "a", "b");
    const position = await store.positionAt("now");
    await database.query("delete from messages where message_id = 'b'");
    expect(await after(store, position)).toMatchObject({ isLost: true, records: [] });
  });
});

describe("a filter", () => {
  test("lets a POST keep its number and its bytes where its first part is left out", async () => {
    const store = await open();
    await append(store, "n");
    await store.append(post("wa", [message("wa:1"), message("wa:2")], [event("e1"), event("e2")]));
    await store.append(post("wa", [message("wa:3")], [event("e3")]));
    for (const limit of [1, 2, 3]) {
      const query = { after: 4, limit, filter: { kinds: ["status"] as const }, bodies: true };
      const { records, bodies } = await store.changes(query);
      expect(records.map((record) => "delivery" in record && record.delivery)).toEqual(
        [2, 6].slice(0, limit),
      );
      expect([...bodies.values()].map((body) => Buffer.from(body).toString())).toEqual(
        ["wa:1wa:2e1e2", "wa:3e3"].slice(0, limit),
      );
    }
  });

  test("where messages are distributed, doesn't let a page pass a batch of which a row can't be seen", async () => {
    const store = await open();
    await append(store, "a", "b");
    expect(seqOf(await store.positionAt("now"))).toBe(2);
    await distribute();
    await storeBatch({ numbers: 4, rows: { 0: "c", 2: "e" } });
    await append(store, "later");
    for (const filter of [
      {},
      { from: "+1" },
      { sources: ["native"] },
      { sources: ["wa"] },
      { kinds: ["status"] as const },
    ])
      for (const limit of [1, 100]) {
        const { ends } = await walk(store, filter, limit);
        expect(ends.at(-1)).toBe(3);
      }
    expect((await walk(store, { from: "+1" }, 100)).found).toEqual(["c"]);
    expect(seqOf((await store.changes({ after: 3, limit: 9, filter: { sources: ["wa"] } })).position)).toBe(
      3,
    );
  });

  test("where messages are distributed, lets through the same as on a single server", async () => {
    const store = await open();
    for (let index = 0; index < 12; index++) {
      await append(store, `n${index}`);
      await store.append(post("wa", [message(`wa:${index}`, { from: "+1" })], [event(`e${index}`)]));
    }
    const filters: ChangesFilter[] = [
      { kinds: ["message"] },
      { kinds: ["status"] },
      { kinds: ["status", "message"], sources: ["wa"] },
      { sources: ["native"] },
      { from: "+1" },
      { to: "none" },
    ];
    const found = () => Promise.all(filters.map((filter) => walk(store, filter, 5)));
    const single = await found();
    await distribute();
    const distributed = await found();
    expect(distributed.map((each) => each.found)).toEqual(single.map((each) => each.found));
    expect(distributed.map(({ ends }) => ends.at(-1))).toEqual(single.map(({ ends }) => ends.at(-1)));
  });

  test("that lets nothing through ends a page after so many numbers, with a position to go on from", async () => {
    const store = await open();
    const rows = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [index * 1000, `m${index}`]));
    await storeBatch({ numbers: 60_000, rows });
    const { found, ends } = await walk(store, { sources: ["wa"] }, 100);
    expect(found).toEqual([]);
    const steps = ends.slice(0, -2).map((end, index) => end - (ends[index - 1] ?? 0));
    for (const step of steps) expect(step).toBeGreaterThan(LOOKED_AT_MAX - 1000);
    expect(steps.length).toBeGreaterThan(0);
    expect(ends.at(-1)).toBe(59_001);
  });
});

describe("the position of an instant", () => {
  test(
    "is exact although a replica's clock is minutes ahead of the server's, and another's behind",
    async () => {
      const clocks = [pinnedClock(), pinnedClock(), pinnedClock()];
      const aheadS = [0, 300, -300];
      const replicas = await Promise.all(clocks.map((clock) => open({ clock })));
      const begin = Date.parse("2025-03-01T10:00:00Z");
      const received: number[] = [];
      for (let index = 0; index < 60; index++) {
        const which = (7 * index) % 3;
        const time = begin + 1000 * (30 * index + (aheadS[which] ?? 0));
        received.push(time);
        const store = replicas[which] as Store;
        const storing = () => append(store, `m${index}`);
        await clocks[which]?.at(new Date(time).toISOString(), storing);
      }
      const [store] = replicas as [Store];
      await store.positionAt("now");
      await database.query(
        "update batches set at = '2025-03-01T10:00:00Z'::timestamptz + (seq - 1) * interval '30 seconds'",
      );
      for (let time = begin - 400_000; time < begin + 2_200_000; time += 45_000) {
        const since = new Date(time).toISOString();
        const first = received.findIndex((each) => each >= time);
        const expected = first === -1 ? received.length : first;
        expect([since, seqOf(await store.positionAt({ since }))]).toEqual([since, expected]);
      }
    },
    LONG_MS,
  );

  test("may be of any year that an instant can have", async () => {
    const store = await open();
    await append(store, "a");
    for (const since of ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z"])
      expect(seqOf(await store.positionAt({ since }))).toBe(0);
    expect(seqOf(await store.positionAt({ since: "9999-12-31T23:59:59.999999999Z" }))).toBe(1);
  });
});

describe("consumers that several replicas keep", () => {
  const of = (name: string, position: string) => ({
    name,
    position,
    filter: { kinds: ["message"] as const },
  });

  test("are no more than may be, whoever makes them at once", async () => {
    const replicas = [await open(), await open()] as const;
    const position = await replicas[0].positionAt("start");
    await database.query(
      `insert into consumers select 'c' || n, '{"kinds":["message"]}', '${position}', 0
       from generate_series(1, ${CONSUMERS_MAX - 5}) n`,
    );
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        replicas[index % 2 === 0 ? 0 : 1].consumers.create(of(`new${index}`, position)),
      ),
    );
    expect(made.filter((each) => each?.created === true)).toHaveLength(5);
    expect(await replicas[1].consumers.list()).toHaveLength(CONSUMERS_MAX);
  });

  test("of one name are one, and stand at the furthest position that any replica was told", async () => {
    const replicas = [await open(), await open()] as const;
    const positions: string[] = [await replicas[0].positionAt("start")];
    for (let index = 1; index <= 9; index++) {
      await append(replicas[0], `m${index}`);
      positions.push(await replicas[0].positionAt("now"));
    }
    const made = await Promise.all(
      replicas.map((store) => store.consumers.create(of("c", positions[0] ?? ""))),
    );
    expect(made.map((each) => each?.created).toSorted()).toEqual([false, true]);
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const store = replicas[index % 2 === 0 ? 0 : 1];
        const position = positions[(index * 7) % 10] ?? "";
        const kept = await store.consumers.acknowledge("c", position, "2026-01-01T00:00:00.000Z");
        expect(seqOf(kept?.position ?? "")).toBeGreaterThanOrEqual(seqOf(position));
      }),
    );
    expect((await replicas[1].consumers.find("c"))?.position).toBe(positions[9] ?? "");
  });
});

describe("a follower", () => {
  test.skipIf(PGBOUNCER === undefined)(
    "is woken within a second by what another replica has stored, through PgBouncer",
    async () => {
      const pooler = await newPgbouncer((await postgresServer()).url);
      const url = pooler.through(database.url);
      const [here, there] = [await open({}, url), await open({}, url)];
      const follower = calledReader(here);
      const tookMs: number[] = [];
      for (let round = 1; round <= 5; round++) {
        const storedAt = performance.now();
        await append(there, `m${round}`);
        await until("the call", () => follower.keys().length === round);
        tookMs.push(performance.now() - storedAt);
      }
      expect(Math.min(...tookMs)).toBeLessThan(WOKEN_MS_MAX);
      await closeStores();
      await pooler.remove();
    },
    LONG_MS,
  );

  test("is woken where another record stands at the log's end than before, although its number is the same", async () => {
    const store = await open();
    await makeTables(database.url);
    const follower = calledReader(store);
    await storeBatch({ numbers: 1, rows: { 0: "a" } });
    await until("the call for the first", () => follower.keys().join() === "a");
    await storeBatch({ numbers: 1, rows: { 0: "b" } });
    await until("the call for the second", () => follower.keys().join() === "a,b");
    const position = await store.positionAt("now");
    await database.query("begin");
    await database.query("delete from batches where seq = 2");
    await database.query("update totals set seq = 1");
    await storeBatch({ numbers: 1, rows: { 0: "c" } });
    await database.query("commit");
    await until("the call for another one in its place", () => follower.keys().join() === "a,c");
    expect((await after(store, position)).isLost).toBe(true);
  });
});
