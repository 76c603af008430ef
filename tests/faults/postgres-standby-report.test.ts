/** At its start Postern says what a failover of the server would lose. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { newPostgresServer, newStandby, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { folderOfEachTest, type PosternProcess } from "./postern-process.ts";
import { send, startReplica, statusOf } from "./replicas.ts";

const LONG_MS = 120_000;

let server: OwnServer;
let standby: OwnServer;
let beside: Session;
folderOfEachTest();
beforeAll(async () => {
  server = await newPostgresServer();
  standby = await newStandby(server, "standby1");
  beside = sessionOn(server.url("postgres"));
  await beside.query("create role limited login");
  await beside.query("alter database postgres owner to limited");
  await until("the standby to stream", streams);
}, LONG_MS);
afterAll(async () => {
  await beside.close();
  await standby.remove();
  await server.remove();
});

const lines = (replica: PosternProcess) =>
  replica
    .log()
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ message }) => /standby/.test(String(message)));
const streams = async () => (await beside.query("select 1 from pg_stat_replication")).length === 1;
const start = () => startReplica(server.url("postgres").replace(/\/\/\w+:/, "//limited:"));
const ready = (replica: PosternProcess, status: number) =>
  until(`readiness ${status}`, async () => (await statusOf(replica.url, "/health/ready")) === status);

async function setSynchronous(names: string): Promise<void> {
  await beside.query(`alter system set synchronous_standby_names = '${names}'`);
  await beside.query("select pg_reload_conf()");
  const set = () =>
    beside.query<{ names: string }>("select current_setting('synchronous_standby_names') as names");
  await until("the setting", async () => (await set())[0]?.names === names);
}

test(
  "without a synchronous standby it is said that a failover loses the replication lag",
  async () => {
    const replica = await start();
    expect(lines(replica)).toEqual([
      expect.objectContaining({
        level: "WARN",
        message: expect.stringContaining("a failover loses what was acknowledged within the replication lag"),
        standbys: 1,
      }),
    ]);
  },
  LONG_MS,
);

test(
  "with a synchronous standby it is said that commits wait for it",
  async () => {
    await setSynchronous("ANY 1 (standby1)");
    const replica = await start();
    expect(lines(replica)).toEqual([
      expect.objectContaining({
        level: "INFO",
        message: expect.stringContaining("commits wait for a synchronous standby"),
        synchronous_standby_names: "ANY 1 (standby1)",
      }),
    ]);
    expect((await send(replica.url, "m1"))?.result).toBe("ok");
  },
  LONG_MS,
);

test(
  "with a synchronous standby that isn't there it is said that commits wait, alive and not ready until it is",
  async () => {
    await setSynchronous("standby1");
    await standby.stop("fast");
    const gone = async () => (await beside.query("select 1 from pg_stat_replication")).length === 0;
    await until("the standby to be gone", gone);
    const replica = await start();
    expect(lines(replica)).toEqual([
      expect.objectContaining({
        level: "WARN",
        message: expect.stringContaining("commits wait until one is"),
      }),
    ]);
    expect(await statusOf(replica.url, "/health/live")).toBe(200);
    await ready(replica, 503);
    await standby.start();
    await ready(replica, 200);
    expect((await send(replica.url, "m2"))?.result).toBe("ok");
  },
  LONG_MS,
);

test(
  "what has changed is said after an outage, and what has not isn't",
  async () => {
    await setSynchronous("");
    const replica = await start();
    const outage = async () => {
      await beside.close();
      await server.stop("immediate");
      await ready(replica, 503);
      await server.start();
      await ready(replica, 200);
      beside = sessionOn(server.url("postgres"));
    };
    await outage();
    expect(lines(replica)).toHaveLength(1);
    await setSynchronous("standby1");
    await until("the standby to be back", streams);
    await outage();
    await until("what has changed to be said", () => lines(replica).length > 1);
    expect(String(lines(replica)[1]?.["message"])).toContain("standby");
  },
  LONG_MS,
);
