/**
 * Replicas through a PgBouncer with few connections, which is also cut off from them, and their
 * direct way past it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { newPgbouncer, type OwnPgbouncer, PGBOUNCER, POOL_SIZE } from "../postgres/own-pgbouncer.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { killLeftovers, type PosternProcess, refusedStart } from "./postern-process.ts";
import { ANSWER_MS_MAX, SteadyLoad, send, startReplica, statusOf } from "./replicas.ts";

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const SENDERS = 16;
const LONG_MS = 600_000;
/** A port that nobody has. */
const NOWHERE = "postgres://postgres:away@127.0.0.1:1/postgres";

describe.skipIf(PGBOUNCER === undefined)("through PgBouncer", () => {
  let server: OwnServer;
  let pooler: OwnPgbouncer;
  let admin: Session;
  beforeAll(async () => {
    server = await newPostgresServer();
    // It would wait fifteen seconds before it tries the server again.
    pooler = await newPgbouncer(server.url("postgres"), { server_login_retry: "1" });
    admin = sessionOn(server.url("postgres"));
  }, LONG_MS);
  afterAll(async () => {
    await admin.close();
    await pooler.remove();
    await server.remove();
  });
  afterEach(killLeftovers);

  let made = 0;
  /**
   * An empty database: the direct way to it, the one through the pooler, and a session from beside.
   */
  async function newDatabase() {
    const name = `pooled_${++made}`;
    await admin.query(`create database ${name}`);
    const direct = server.url(name);
    return { direct, pooled: pooler.through(direct), ...sessionOn(direct) };
  }

  const ready = (replica: PosternProcess, status: number) =>
    until(
      `readiness ${status}`,
      async () => (await statusOf(replica.url, "/health/ready")) === status,
      ANSWER_MS_MAX,
    );

  /** As a replica does that comes and goes. */
  async function makeTables(url: string): Promise<void> {
    const replica = await startReplica(url);
    await ready(replica, 200);
    replica.kill("SIGTERM");
    expect(await replica.exited).toBe(0);
  }

  const validIndex = "select indisvalid from pg_index where indexrelid = 'messages_folded'::regclass";

  for (const way of ["without a direct way", "with a direct way"]) {
    test(
      `replicas that start at once on an empty database ${way} make its tables once, and lose and double nothing`,
      async () => {
        const { direct, pooled, query, close } = await newDatabase();
        const env: Record<string, string> =
          way === "with a direct way" ? { DATABASE_DIRECT_URL: direct } : {};
        const replicas = await Promise.all([1, 2].map(() => startReplica(pooled, env)));
        for (const replica of replicas) await ready(replica, 200);
        expect(await query("select version from postern_schema")).toEqual([{ version: 1 }]);
        expect(await query(validIndex)).toEqual([{ indisvalid: true }]);
        const results = { ok: 0, duplicate: 0 };
        let next = 0;
        const client = async () => {
          for (let id = next++; id < 1000; id = next++) {
            const answers = await Promise.all(replicas.map((replica) => send(replica.url, `id-${id}`)));
            for (const answer of answers) results[answer?.result as keyof typeof results]++;
          }
        };
        await Promise.all(Array.from({ length: SENDERS }, client));
        expect(results).toEqual({ ok: 1000, duplicate: 1000 });
        for (const replica of replicas) {
          const stats = (await (await fetch(`${replica.url}/stats`)).json()) as { total_messages: number };
          expect(stats.total_messages).toBe(1000);
          const found = await fetch(`${replica.url}/messages?q=HELLO&limit=1`);
          expect(((await found.json()) as { total: number }).total).toBe(1000);
        }
        const [sessions] = await query<{ n: number }>(
          "select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        );
        expect(sessions?.n).toBeLessThanOrEqual(POOL_SIZE);
        await close();
      },
      LONG_MS,
    );
  }

  const breaks = [
    {
      what: "restarts of PgBouncer",
      stop: (round: number) => pooler.stop(round % 2 === 0 ? "KILL" : "TERM"),
      start: () => pooler.start(),
    },
    {
      what: "crashes of PostgreSQL behind PgBouncer",
      stop: () => server.stop("immediate"),
      start: () => server.start(),
    },
  ];
  for (const { what, stop, start } of breaks) {
    test(
      `after ${ROUNDS} ${what} under load every acknowledged message is there once, and replicas go on by themselves`,
      async () => {
        const { pooled, query, close } = await newDatabase();
        const replicas = await Promise.all([1, 2].map(() => startReplica(pooled)));
        const loads = replicas.map(
          (replica, index) => new SteadyLoad(() => replica.url, `r${index}`, SENDERS),
        );
        const stored = async () => {
          const before = loads.map((load) => load.acknowledged.size);
          const more = () =>
            loads.every((load, index) => load.acknowledged.size > (before[index] ?? 0) + 100);
          await until("every replica to store", more);
        };
        for (let round = 0; round < ROUNDS; round++) {
          await stored();
          await stop(round);
          if (round % 3 === 2) for (const replica of replicas) await ready(replica, 503);
          await start();
          for (const replica of replicas) await ready(replica, 200);
        }
        await stored();
        await Promise.all(loads.map((load) => load.stop()));
        const acknowledged = loads.flatMap((load) => [...load.acknowledged]);
        const attempted = loads.flatMap((load) => [...load.attempted]);
        expect(loads.flatMap((load) => load.unfair)).toEqual([]);
        const rows = await query<{ message_id: string }>("select message_id from messages");
        const ids = new Set(rows.map(({ message_id }) => message_id));
        expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
        // What nobody was told of is told truly now.
        for (const id of new Set(attempted).difference(new Set(acknowledged))) {
          const again = await send(replicas[0]?.url ?? "", id);
          expect([id, again?.result]).toEqual([id, ids.has(id) ? "duplicate" : "ok"]);
        }
        for (const replica of replicas) {
          const stats = (await (await fetch(`${replica.url}/stats`)).json()) as { total_messages: number };
          expect(stats.total_messages).toBe(attempted.length);
          replica.kill("SIGTERM");
          expect(await replica.exited).toBe(0);
        }
        await close();
      },
      LONG_MS,
    );
  }

  test(
    "a missing index is made again by the direct way, while messages come in",
    async () => {
      const { direct, pooled, query, close } = await newDatabase();
      await makeTables(pooled);
      await query("drop index if exists messages_folded");
      await query("delete from lease");
      const replica = await startReplica(pooled, { DATABASE_DIRECT_URL: direct });
      const load = new SteadyLoad(() => replica.url, "m", SENDERS);
      const isThere = async () => (await query<{ indisvalid: boolean }>(validIndex))[0]?.indisvalid === true;
      await until("the index", isThere);
      await load.stop();
      expect(load.unfair).toEqual([]);
      await close();
    },
    LONG_MS,
  );

  test(
    "a direct way to another database is refused with one line, and nothing is made in either",
    async () => {
      const first = await newDatabase();
      const second = await newDatabase();
      const refused = await refusedStart({
        database: "",
        env: { DATABASE_URL: first.pooled, DATABASE_DIRECT_URL: second.direct },
      });
      expect(refused.code).toBe(1);
      expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(refused.stderr).toContain("DATABASE_DIRECT_URL leads to another database than DATABASE_URL");
      for (const { query } of [first, second])
        expect(await query("select 1 from pg_tables where schemaname = 'public'")).toEqual([]);
      // A database that is a copy says the same of itself, and is another one.
      await makeTables(first.pooled);
      await makeTables(second.direct);
      const again = await refusedStart({
        database: "",
        env: { DATABASE_URL: first.pooled, DATABASE_DIRECT_URL: second.direct },
      });
      expect(again.code).toBe(1);
      await Promise.all([first.close(), second.close()]);
    },
    LONG_MS,
  );

  test(
    "a direct way that is away stops nothing once the tables are there, and without them they are waited for",
    async () => {
      const { pooled, query, close } = await newDatabase();
      const waiting = await startReplica(pooled, { DATABASE_DIRECT_URL: NOWHERE });
      expect(await statusOf(waiting.url, "/health/ready")).toBe(503);
      expect(await statusOf(waiting.url, "/health/live")).toBe(200);
      expect(await query("select 1 from pg_tables where schemaname = 'public'")).toEqual([]);
      const maker = await startReplica(pooled);
      await ready(maker, 200);
      await ready(waiting, 200);
      expect((await send(waiting.url, "m1"))?.result).toBe("ok");
      const late = await startReplica(pooled, { DATABASE_DIRECT_URL: NOWHERE });
      await ready(late, 200);
      expect((await send(late.url, "m1"))?.result).toBe("duplicate");
      await close();
    },
    LONG_MS,
  );
});
