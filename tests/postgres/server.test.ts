/** That the tests' own PostgreSQL is a real one: it syncs, a crash keeps what was committed, and nothing is left over. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { newPostgresServer, type OwnServer } from "./own-server.ts";
import { newPostgresDatabase, sessionOn } from "./server.ts";

const START_MS = 60_000;

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
