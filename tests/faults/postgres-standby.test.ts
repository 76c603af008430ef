/**
 * A hot standby that answers reads (`DATABASE_READ_URL`): what it shows is old, never wrong, and
 * whatever becomes of it, messages are received and reads are answered.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../src/lib/clock.ts";
import { Log } from "../../src/observe/log.ts";
import { TimedReads } from "../../src/storage/postgres/reads/timed-reads.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { newPostgresServer, newStandby, type OwnServer } from "../postgres/own-server.ts";
import { empty, type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { folderOfEachTest, type PosternProcess, refusedStart } from "./postern-process.ts";
import { SteadyLoad, send, startReplica, statusOf } from "./replicas.ts";

const LONG_MS = 120_000;
const ANSWERS = "answers reads";
const AWAY = "can't answer reads";

let server: OwnServer;
let standby: OwnServer;
let primary: Session;
let behind: Session;
const folder = folderOfEachTest();
beforeAll(async () => {
  server = await newPostgresServer();
  // What it has to replay ends a read at once.
  standby = await newStandby(server, "standby1", { max_standby_streaming_delay: "0" });
  primary = sessionOn(server.url("postgres"));
  behind = sessionOn(standby.url("postgres"));
}, LONG_MS);
afterAll(async () => {
  await Promise.all([primary.close(), behind.close()]);
  await Promise.all([server.remove(), standby.remove()]);
});
beforeEach(() => empty(primary));

const lines = (replica: PosternProcess, part: string) =>
  replica.log().filter((line) => line.includes("DATABASE_READ_URL") && line.includes(part));

/** Resolves once the standby answers reads. */
async function start(): Promise<PosternProcess> {
  const replica = await startReplica(server.url("postgres"), {
    DATABASE_READ_URL: standby.url("postgres"),
  });
  await until("the standby to answer", () => lines(replica, ANSWERS).length > 0);
  return replica;
}

async function total(replica: PosternProcess, path: "/messages" | "/stats" | "/events"): Promise<number> {
  const response = await fetch(`${replica.url}${path}`);
  const body = (await response.json()) as { total?: number; total_messages?: number };
  expect(response.status).toBe(200);
  return body.total ?? body.total_messages ?? -1;
}

async function lagOf(replica: PosternProcess): Promise<number> {
  const text = await (await fetch(`${replica.url}/metrics`)).text();
  return Number(/^store_read_lag_seconds (\S+)$/m.exec(text)?.[1]);
}

/** All messages of these tests are of one. */
async function countOfSender(replica: PosternProcess): Promise<number | undefined> {
  const response = await fetch(`${replica.url}/senders`);
  const { data } = (await response.json()) as { data: readonly { readonly count: number }[] };
  return data[0]?.count;
}

/** What the standby has to replay ends a query there at once: it is asked again. */
function askBehind<Row>(sql: string): Promise<readonly Row[]> {
  return until(`an answer to ${sql}`, () => behind.query<Row>(sql));
}

async function whilePaused(work: () => Promise<void>): Promise<void> {
  await askBehind("select pg_wal_replay_pause()");
  const isPaused = async () => {
    const [row] = await behind.query<{ state: string }>("select pg_get_wal_replay_pause_state() as state");
    return row?.state === "paused";
  };
  await until("replay to pause", isPaused);
  try {
    await work();
  } finally {
    await askBehind("select pg_wal_replay_resume()");
  }
}

const isOk = async (replica: PosternProcess, id: string) =>
  expect(await send(replica.url, id)).toMatchObject({ status: 200, result: "ok" });

test(
  "reads show what the standby has replayed, and everything once it has",
  async () => {
    const replica = await start();
    await isOk(replica, "m1");
    await until("the first message", async () => (await total(replica, "/messages")) === 1);
    await whilePaused(async () => {
      await isOk(replica, "m2");
      expect(await total(replica, "/messages")).toBe(1);
      expect(await total(replica, "/stats")).toBe(1);
      expect(await countOfSender(replica)).toBe(1);
      expect(await statusOf(replica.url, "/messages/m2")).toBe(404);
      expect((await send(replica.url, "m2"))?.result).toBe("duplicate");
      await until("the lag to be seen", async () => (await lagOf(replica)) > 2);
    });
    await until("the second message", async () => (await total(replica, "/messages")) === 2);
    expect(await total(replica, "/stats")).toBe(2);
    expect(await countOfSender(replica)).toBe(2);
    expect(await statusOf(replica.url, "/messages/m2")).toBe(200);
    await until("the lag to be small", async () => (await lagOf(replica)) < 1);
  },
  LONG_MS,
);

test(
  "what had no number yet when the standby got it is shown with its number",
  async () => {
    const replica = await start();
    const holder = sessionOn(server.url("postgres"));
    await holder.query("begin");
    await holder.query("select * from totals for update");
    await isOk(replica, "m1");
    const there = async () => (await behind.query("select 1 from batches where seq is null")).length === 1;
    await until("the message at the standby", there);
    await whilePaused(async () => {
      await holder.close();
      const response = await fetch(`${replica.url}/messages/m1`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ message_id: "m1", seq: 1 });
      expect(await there()).toBe(true);
      expect(await total(replica, "/messages")).toBe(1);
    });
  },
  LONG_MS,
);

test(
  "whoever follows the log is given what the standby has not replayed yet",
  async () => {
    const store = await openForTest(
      { engine: "postgres", url: server.url("postgres") },
      { readUrl: standby.url("postgres") },
    );
    const tables = async () => (await behind.query("select 1 from postern_schema")).length > 0;
    await until("the tables at the standby", tables);
    await whilePaused(async () => {
      await store.append({ messages: [message("m1")] });
      const isStandby = async () => (await store.list({ limit: 10, offset: 0 })).total === 0;
      await until("the standby to answer", isStandby);
      expect((await store.changes({ after: 0, limit: 10 })).records).toMatchObject([{ message_id: "m1" }]);
    });
    await store.close();
  },
  LONG_MS,
);

test(
  "while the standby is down the primary answers, and messages are received all the time",
  async () => {
    const replica = await start();
    // A new database's tables come to it a moment later.
    const away = lines(replica, AWAY).length;
    const answered = lines(replica, ANSWERS).length;
    const load = new SteadyLoad(() => replica.url, "m", 4);
    await until("acknowledgements", () => load.acknowledged.size > 50);
    await behind.close();
    await standby.stop("immediate");
    await until("that it is away to be logged", async () => {
      expect(await statusOf(replica.url, "/stats")).toBe(200);
      return lines(replica, AWAY).length > away;
    });
    const before = load.acknowledged.size;
    await until("further acknowledgements", () => load.acknowledged.size > before + 100);
    await isOk(replica, "exact");
    expect(await statusOf(replica.url, "/messages/exact")).toBe(200);
    expect(await lagOf(replica)).toBe(0);
    await standby.start();
    await until("it to answer again", () => lines(replica, ANSWERS).length > answered);
    expect(lines(replica, AWAY)).toHaveLength(away + 1);
    await load.stop();
    expect(load.unfair).toEqual([]);
    expect(load.acknowledged.size).toBe(load.attempted.size);
    behind = sessionOn(standby.url("postgres"));
    await whilePaused(async () => {
      await isOk(replica, "unseen");
      expect(await statusOf(replica.url, "/messages/unseen")).toBe(404);
    });
  },
  LONG_MS,
);

test(
  "while the standby hangs without a word the primary answers after a moment",
  async () => {
    const replica = await start();
    const away = lines(replica, AWAY).length;
    const answered = lines(replica, ANSWERS).length;
    const sessions = await askBehind<{ pid: number }>(
      "select pid from pg_stat_activity where datname is not null and pid <> pg_backend_pid()",
    );
    const pids = [standby.pid(), ...sessions.map(({ pid }) => pid)];
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      await isOk(replica, "m1");
      await until("that it is away to be logged", () => lines(replica, AWAY).length > away);
      expect(await total(replica, "/messages")).toBe(1);
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
    await until("it to answer again", () => lines(replica, ANSWERS).length > answered);
  },
  LONG_MS,
);

test(
  "while the primary is away the standby still answers",
  async () => {
    const replica = await start();
    await isOk(replica, "m1");
    await until("the message", async () => (await total(replica, "/messages")) === 1);
    await until(
      "its number",
      async () => (await behind.query("select 1 from batches where seq = 1")).length > 0,
    );
    await primary.close();
    await server.stop("immediate");
    await until("not to be ready", async () => (await statusOf(replica.url, "/health/ready")) === 503);
    expect(await total(replica, "/messages")).toBe(1);
    expect(await statusOf(replica.url, "/messages/m1")).toBe(200);
    await server.start();
    primary = sessionOn(server.url("postgres"));
    await until("to be ready", async () => (await statusOf(replica.url, "/health/ready")) === 200);
  },
  LONG_MS,
);

test(
  "a read that the standby ends, so that it can follow, is done again",
  async () => {
    await primary.query("create table wanted (n integer)");
    const log = new Log({ level: "ERROR", bufferBytesMax: 1e6, clock: systemClock, fd: 1 });
    const reads = new TimedReads({
      url: server.url("postgres"),
      readUrl: standby.url("postgres"),
      connectionsMax: 2,
      connectTimeoutS: 5,
      clock: systemClock,
      log,
      timeoutMs: 20_000,
      number: async () => undefined,
    });
    // It makes the tables.
    await start();
    await reads.begin();
    let tries = 0;
    const answer = reads.ask(async (session) => {
      const isFirst = ++tries === 1;
      await session.run("select * from wanted");
      if (isFirst) {
        await primary.query("alter table wanted add column further integer");
        await session.run("select pg_sleep(10)");
      }
      const [row] = await session.run<{ follows: boolean }>("select pg_is_in_recovery() as follows");
      return row?.follows;
    });
    expect(await answer).toBe(true);
    expect(tries).toBe(2);
    await reads.close(0);
  },
  LONG_MS,
);

test(
  "a server that is no standby of the database's own is refused at the start",
  async () => {
    const other = await newPostgresServer();
    await primary.query("create database other");
    try {
      for (const url of [other.url("postgres"), server.url("other")]) {
        const env = { DATABASE_URL: server.url("postgres"), DATABASE_READ_URL: url };
        const { code, stderr } = await refusedStart({ database: "", env });
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
        expect(stderr).toContain("DATABASE_READ_URL leads to another database");
        expect(code).toBe(1);
      }
    } finally {
      await primary.query("drop database other with (force)");
      await other.remove();
    }
    const file = { database: `${folder()}/messages.db`, env: { DATABASE_READ_URL: standby.url("postgres") } };
    const { code, stderr } = await refusedStart(file);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toContain("DATABASE_READ_URL is set, and DATABASE_URL names a SQLite file");
    expect(code).toBe(1);
  },
  LONG_MS,
);

test(
  "a standby that isn't there at the start answers once it is",
  async () => {
    await behind.close();
    await standby.stop("fast");
    const replica = await startReplica(server.url("postgres"), {
      DATABASE_READ_URL: standby.url("postgres"),
    });
    await until("that it is away to be logged", () => lines(replica, AWAY).length > 0);
    await isOk(replica, "m1");
    expect(await total(replica, "/messages")).toBe(1);
    expect(lines(replica, AWAY)).toHaveLength(1);
    await standby.start();
    await until("it to answer", () => lines(replica, ANSWERS).length > 0);
    behind = sessionOn(standby.url("postgres"));
  },
  LONG_MS,
);

test(
  "a standby that is promoted answers no more: what it shows could be another history",
  async () => {
    const replica = await start();
    await askBehind("select pg_promote()");
    await isOk(replica, "m1");
    expect(await total(replica, "/messages")).toBe(1);
    await until(
      "that it follows nobody to be logged",
      () => lines(replica, "it follows no other").length > 0,
    );
    await isOk(replica, "m2");
    expect(await total(replica, "/messages")).toBe(2);
    expect(await statusOf(replica.url, "/messages/m2")).toBe(200);
  },
  LONG_MS,
);
