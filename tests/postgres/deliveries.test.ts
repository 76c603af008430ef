/**
 * What is kept of deliveries on PostgreSQL: what only an engine with several replicas, lost answers
 * and row versions can get wrong.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type DeliveryCommit,
  type Destination,
  type Failure,
  LEASE_MS,
  type Replay,
} from "../../src/core/deliveries.ts";
import type { Store } from "../../src/core/store.ts";
import { randomId } from "../../src/lib/chance.ts";
import { maintainForTest, openForTest } from "../contract/open-for-test.ts";
import { makeTables } from "../databases/postgres.ts";
import { failure, positionAt, second } from "../failures.ts";
import { newCuttingProxy } from "../faults/cutting-proxy.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { databaseOfEachTest } from "./each-database.ts";
import { sessionOn } from "./server.ts";

const NAME = "app";
const AT = second(30);
const LONG_MS = 120_000;
/** Whoever asks has the lease so long after its holder's last word. */
const TAKEOVER_MS_MAX = LEASE_MS + 1000;
const PAGE_BYTES = 8192;

const { database, open } = databaseOfEachTest(LONG_MS);

/** Moves by one record. */
const moveBy = (seq: number): DeliveryCommit => ({
  from: positionAt(seq),
  to: positionAt(seq + 1),
  at: AT,
  insert: [],
  update: [],
  remove: [],
});

const everyFailure = async ({ deliveries }: Store): Promise<readonly Failure[]> =>
  (await deliveries.failures(NAME, { limit: 100_000, offset: 0 })).data;

/** Each for a lock that somebody else has. */
async function areWaiting(sessions: number): Promise<boolean> {
  const rows = await database.query(
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length >= sessions;
}

describe("a destination that two replicas believe to hold", () => {
  test(
    "is moved from each position by one of them, whose rows alone are there",
    async () => {
      const moves = 60;
      const replicas = [await open(), await open()];
      await replicas[0]?.deliveries.open(NAME, positionAt(0));
      const moved = await Promise.all(
        replicas.map(async ({ deliveries }, replica) => {
          const mine: number[] = [];
          for (let seq = 0; seq < moves; seq++) {
            // Both begin each move together, or as soon as the other one has moved on.
            const row = failure(seq + 1, { cause: `replica ${replica}` });
            const withRows = seq % 2 === 0 ? { insert: [row] } : {};
            if (await deliveries.commit(NAME, { ...moveBy(seq), ...withRows })) mine.push(seq + 1);
            await until("it to move", async () => {
              const position = (await deliveries.find(NAME))?.position ?? "";
              return Number(position.split(".")[1]) > seq;
            });
          }
          return mine;
        }),
      );
      expect(moved.flat().toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: moves }, (_, index) => index + 1),
      );
      const rows = await everyFailure(replicas[0] as Store);
      for (const { seq, cause } of rows) expect(cause).toBe(`replica ${moved[0]?.includes(seq) ? 0 : 1}`);
      expect(rows).toHaveLength(moves / 2);
      expect(await replicas[1]?.deliveries.figures(NAME)).toMatchObject({ waiting: moves / 2, dead: 0 });
    },
    LONG_MS,
  );

  test(
    "is another one's within six seconds after its holder was killed, as the last commit has left it",
    async () => {
      const store = await open();
      const { deliveries } = store;
      await deliveries.open(NAME, positionAt(0));
      const script = join(import.meta.dir, "delivery-holder.ts");
      const holder = Bun.spawn([process.execPath, script, database.url, NAME, randomId()], {
        stdout: "pipe",
        stderr: "inherit",
      });
      let told = 0;
      const reading = (async () => {
        let rest = "";
        for await (const piece of holder.stdout) {
          const lines = `${rest}${Buffer.from(piece).toString()}`.split("\n");
          rest = lines.pop() ?? "";
          told = Number(lines.at(-1) ?? told);
        }
      })();
      await until("it to move", () => told >= 20);
      const rival = randomId();
      expect(await deliveries.hold(NAME, rival)).toBe(false);
      holder.kill("SIGKILL");
      await Promise.all([holder.exited, reading]);
      const killedAt = performance.now();
      let refusedAt = killedAt;
      await until("the lease to be over", async () => {
        const askedAt = performance.now();
        const isOurs = await deliveries.hold(NAME, rival);
        if (!isOurs) refusedAt = askedAt;
        return isOurs;
      });
      // However long an answer takes: who asks later has it.
      expect(refusedAt - killedAt).toBeLessThan(TAKEOVER_MS_MAX);

      const { position = "" } = (await deliveries.find(NAME)) ?? {};
      const seq = Number(position.split(".")[1]);
      // Its last commit may have had no answer yet.
      expect([told, told + 1]).toContain(seq);
      const rows = await everyFailure(store);
      expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
      expect(await deliveries.commit(NAME, moveBy(seq))).toBe(true);
    },
    LONG_MS,
  );

  test("is seen by its holder to be paused, resumed and probed by any other replica, and shows what it reports", async () => {
    const [holder, other] = [await open(), await open()];
    await holder.deliveries.open(NAME, positionAt(0));
    const seen = async () => {
      const found = await holder.deliveries.find(NAME);
      return [found?.paused?.reason, found?.probeAskedAt, found?.version];
    };
    await other.deliveries.pause(NAME, { reason: "asked", since: AT });
    expect(await seen()).toEqual(["asked", null, 1]);
    await other.deliveries.pause(NAME, null);
    await other.deliveries.probe(NAME, AT);
    expect(await seen()).toEqual([undefined, AT, 3]);
    const report: Destination["report"] = {
      at: AT,
      state: "down",
      reason: "refused",
      since: AT,
      next_attempt_at: AT,
      attempts: { success: 1, failure: 5 },
      answer_ms: { p50: 1, p99: null },
    };
    await holder.deliveries.report(NAME, report);
    expect(await other.deliveries.list()).toMatchObject([{ name: NAME, report, version: 3 }]);
  });
});

describe("a commit whose answer is lost", () => {
  test.each([
    ["that moves the position alone", "update destinations set position", {}],
    ["with rows", "insert into failures", { insert: [failure(1), failure(2)] }],
  ] as const)(
    "%s is the holder's own, and done once",
    async (_, text, rows) => {
      const { hostname, port } = new URL(database.url);
      const proxy = await newCuttingProxy({ host: hostname, port: Number(port || 5432) });
      const through = new URL(database.url);
      through.host = `127.0.0.1:${proxy.port}`;
      const store = await openForTest({ engine: "postgres", url: through.href });
      try {
        await store.deliveries.open(NAME, positionAt(0));
        proxy.lose(text);
        expect(await store.deliveries.commit(NAME, { ...moveBy(0), ...rows })).toBe(true);
        expect(proxy.cuts()).toBe(1);
        const waiting = "insert" in rows ? rows.insert.length : 0;
        expect(await store.deliveries.figures(NAME)).toMatchObject({ waiting, dead: 0 });
        expect(await everyFailure(store)).toHaveLength(waiting);
        expect(await store.deliveries.commit(NAME, moveBy(0))).toBe(false);
        expect(await store.deliveries.commit(NAME, moveBy(1))).toBe(true);
      } finally {
        await store.close();
        await proxy.close();
      }
    },
    LONG_MS,
  );
});

test(
  "whoever serves a destination waits for no reads, and holds up none of them and no message",
  async () => {
    const store = await open({ readThreads: 1 });
    const { deliveries } = store;
    await deliveries.open(NAME, positionAt(0));
    const beside = sessionOn(database.url);
    await beside.query("begin");
    await beside.query("lock table messages in access exclusive mode");
    const reads = Array.from({ length: 10 }, () => store.message("m").catch(() => "late"));
    await until("reads to wait", () => areWaiting(2));
    expect(await deliveries.hold(NAME, randomId())).toBe(true);
    expect(await deliveries.commit(NAME, { ...moveBy(0), insert: [failure(1)] })).toBe(true);
    expect(await deliveries.due(NAME, AT, 10)).toHaveLength(1);
    await beside.query("commit");
    expect(await Promise.all(reads)).not.toContain("late");

    await beside.query("begin");
    await beside.query("select from destinations for update");
    const commits = Array.from({ length: 10 }, () => deliveries.commit(NAME, moveBy(1)));
    await until("commits to wait", () => areWaiting(2));
    expect(await store.append({ messages: [message("m")] })).toEqual(["created"]);
    expect(await store.list({ limit: 10, offset: 0 })).toMatchObject({ total: 1 });
    await beside.query("commit");
    expect((await Promise.all(commits)).filter((each) => each)).toHaveLength(1);
    await beside.close();
  },
  LONG_MS,
);

test(
  "a position that moves a thousand times takes no more room than one that has moved once",
  async () => {
    const { deliveries } = await open();
    await deliveries.open(NAME, positionAt(0));
    for (let seq = 0; seq < 1000; seq++) await deliveries.commit(NAME, moveBy(seq));
    const [size] = await database.query<{ heap: number; key: number }>(
      `select pg_relation_size('destinations')::float8 as heap,
         pg_relation_size('destinations_pkey')::float8 as key`,
    );
    // More than one where somebody's snapshot holds up the reuse for a while; without it, 14.
    expect(size?.heap).toBeLessThanOrEqual(4 * PAGE_BYTES);
    expect(size?.key).toBe(2 * PAGE_BYTES);
  },
  LONG_MS,
);

test("the tables of deliveries come to a database of an earlier version, which replicas of it can start on again", async () => {
  await makeTables(database.url);
  await database.query("drop table destinations, failures, replays");
  const stores = await Promise.all([open(), open()]);
  for (const { deliveries } of stores)
    expect(await deliveries.open(NAME, positionAt(0))).toMatchObject({ name: NAME });
  expect(await database.query("select max(version) as version from postern_schema")).toEqual([
    { version: 1 },
  ]);
});

test("the target of a migration has what the source has last said of deliveries, and nothing else", async () => {
  const destination = (name: string): Destination => ({
    name,
    position: positionAt(3),
    paused: { reason: "asked", since: AT },
    probeAskedAt: AT,
    version: 7,
    report: null,
  });
  const replay: Replay = {
    id: "r",
    destination: NAME,
    position: positionAt(1),
    until: 9,
    filter: { kinds: ["message"] },
    rate: 0.5,
    newIds: true,
    records: 8,
    done: 1,
    createdAt: AT,
  };
  const sender = "native +1";
  const pieces = [
    [failure(1), failure(2, { state: "dead", next_at: null })],
    [failure(3, { sender }), failure(4, { sender, next_at: null })],
  ];
  const target = await maintainForTest({ engine: "postgres", url: database.url }).openMigrationTarget?.(
    "0123456789abcdef0123456789abcdef",
  );
  await target?.replaceDeliveries([{ destination: destination("gone"), replays: [], failures: pieces }]);
  await target?.replaceDeliveries([
    { destination: destination(NAME), replays: [replay], failures: pieces },
    { destination: destination("empty"), replays: [], failures: [] },
  ]);
  await target?.finish();
  await target?.close();
  const store = await open();
  const { deliveries } = store;
  expect(await deliveries.list()).toEqual([destination(NAME), destination("empty")]);
  expect(await everyFailure(store)).toEqual(pieces.flat());
  expect(await deliveries.figures(NAME)).toEqual({ waiting: 3, dead: 1, nextAt: second(10) });
  expect(await deliveries.replays(NAME)).toEqual([replay]);
  expect(await deliveries.figures("empty")).toEqual({ waiting: 0, dead: 0, nextAt: undefined });
});
