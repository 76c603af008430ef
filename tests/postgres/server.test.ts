/**
 * That the tests' own PostgreSQL is a real one: it syncs, a crash keeps what was committed, and
 * nothing is left over.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { newPostgresServer, type OwnServer } from "./own-server.ts";
import { newPostgresDatabase, postgresServer, sessionOn } from "./server.ts";

const START_MS = 120_000;

test(
  "a database is empty and its own, also when it was used before",
  async () => {
    const first = await newPostgresDatabase();
    const second = await newPostgresDatabase();
    for (const { query } of [first, second])
      await query("create table messages (message_id text primary key)");
    await first.query("insert into messages values ($1)", ["m1"]);
    expect(await second.query("select * from messages")).toEqual([]);
    await first.drop();
    const third = await newPostgresDatabase();
    await third.query("create table messages (message_id text primary key)");
    await Promise.all([second.drop(), third.drop()]);
  },
  START_MS,
);

test("a database that is lent again has its extensions and nothing else that was made in it", async () => {
  const first = await newPostgresDatabase();
  await first.query("create extension if not exists pg_trgm");
  for (const statement of [
    "create table parent (id serial primary key, n integer generated always as identity)",
    "create table child (id integer references parent)",
    "create view family as select * from parent join child using (id)",
    "create materialized view kept as select * from family",
    "create sequence own",
    "create type mood as enum ('well')",
    "create type pair as (first mood, second integer)",
    "create domain few as integer check (value < 3)",
    "create function two() returns few language sql return 2",
  ])
    await first.query(statement);
  await first.drop();
  const again = await newPostgresDatabase();
  expect(again.url).toBe(first.url);
  const made = await again.query<{ name: string }>(`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace
    union all select typname from pg_type where typname in ('mood', 'pair', 'few')
    union all select proname from pg_proc where proname = 'two'`);
  expect(made).toEqual([]);
  expect(await again.query("select extname from pg_extension where extname = 'pg_trgm'")).toHaveLength(1);
  await again.drop();
});

test("dropping a database ends the sessions in it, but none of Citus", async () => {
  const database = await newPostgresDatabase();
  const names = ["citus_internal gpid=10000000123", "Citus Maintenance Daemon", "somebody"];
  const sessions = names.map((name) =>
    sessionOn(`${database.url}?application_name=${encodeURIComponent(name)}`),
  );
  const pidOf = async ({ query }: (typeof sessions)[number]) =>
    (await query<{ pid: number }>("select pg_backend_pid() as pid"))[0]?.pid;
  const pids = await Promise.all(sessions.map(pidOf));
  const beside = sessionOn((await postgresServer()).url);
  const left = async () =>
    (await beside.query<{ pid: number }>("select pid from pg_stat_activity")).map(({ pid }) => pid);
  await database.drop();
  await until("somebody's session to end", async () => !(await left()).includes(pids[2] ?? 0));
  expect(await left()).toEqual(expect.arrayContaining(pids.slice(0, 2)));
  await beside.close();
  await Promise.all(sessions.map(({ close }) => close()));
});

describe("a server of a test's own", () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await newPostgresServer({ max_connections: "30" });
  }, START_MS);
  afterAll(() => server.remove());

  test("syncs, and doesn't sort as the core does", async () => {
    const { query, close } = sessionOn(server.url("postgres"));
    const [row] = await query<{ bytes: boolean; version: number }>(
      `select current_setting('fsync') as fsync, 'B' < 'a' as bytes,
         current_setting('server_version_num')::int as version`,
    );
    // Before 15 a database sorts by what the system has, and that may be bytes alone.
    expect(row).toMatchObject({ fsync: "on", bytes: (row?.version ?? 0) < 150_000 });
    await close();
  });

  test(
    "a server of a test's own keeps what was committed over a crash, on the same port",
    async () => {
      const before = sessionOn(server.url("postgres"));
      await before.query("create table kept as select 7 as n");
      await before.close();
      const { port } = server;
      const pid = server.pid();
      await server.stop("immediate");
      await server.start();
      expect(server.port).toBe(port);
      expect(server.pid()).not.toBe(pid);
      expect(server.log()).toContain("automatic recovery in progress");
      const after = sessionOn(server.url("postgres"));
      expect(await after.query<{ n: number }>("select n from kept")).toEqual([{ n: 7 }]);
      await after.close();
    },
    START_MS,
  );
});

test(
  "a test process that is killed leaves neither a server nor its files",
  async () => {
    const script = `
      import { newPostgresServer } from ${JSON.stringify(join(import.meta.dir, "own-server.ts"))};
      const { pid, folder } = await newPostgresServer();
      console.log(JSON.stringify({ pid: pid(), folder }));
      setInterval(() => undefined, 1000);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    const reader = child.stdout.getReader();
    const { pid, folder } = JSON.parse(Buffer.from((await reader.read()).value ?? []).toString());
    expect(existsSync(folder)).toBe(true);
    process.kill(pid, 0);
    child.kill("SIGKILL");
    await until("the files to be gone", () => !existsSync(folder));
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  },
  START_MS,
);
