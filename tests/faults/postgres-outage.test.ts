/**
 * A server that isn't there, hangs, has no room or loses its safety: clients are told in time, and
 * nobody restarts anything.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { type PosternProcess, refusedStart, SECRET } from "./postern-process.ts";
import { ANSWER_MS_MAX, isFair, SteadyLoad, send, startReplica, statusOf } from "./replicas.ts";

const SHUTDOWN_MS_MAX = 10_000;
const LONG_MS = 300_000;
/** What a replica opens at most but for its reads. */
const WRITING_CONNECTIONS = 9;

interface Stage {
  readonly server: OwnServer;
  /** In a session of its own, from beside. */
  readonly query: Session["query"];
  readonly url: string;
  readonly start: (given?: { url?: string; env?: Record<string, string> }) => Promise<PosternProcess>;
}

/** A claim with a server of its own: most of the time they only wait, so they wait at once. */
function claim(title: string, hold: (stage: Stage) => Promise<void>): void {
  test.concurrent(
    title,
    async () => {
      const server = await newPostgresServer();
      const url = server.url("postgres");
      const replicas: PosternProcess[] = [];
      try {
        await hold({
          server,
          url,
          query: async (sql, parameters) => {
            const { query, close } = sessionOn(url);
            try {
              return await query(sql, parameters);
            } finally {
              await close();
            }
          },
          start: async (given = {}) => {
            const replica = await startReplica(given.url ?? url, given.env);
            replicas.push(replica);
            return replica;
          },
        });
      } finally {
        for (const replica of replicas) replica.kill("SIGKILL");
        await server.remove();
      }
    },
    LONG_MS,
  );
}

const ready = (replica: PosternProcess, status: number) =>
  until(`readiness ${status}`, async () => (await statusOf(replica.url, "/health/ready")) === status);

/** Readiness is what is asked for, and requests say the same. */
async function expectAway(replica: PosternProcess): Promise<void> {
  await ready(replica, 503);
  expect(await statusOf(replica.url, "/health/live")).toBe(200);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => send(replica.url, `away-${index}`)),
  );
  for (const answer of answers) {
    expect(answer?.status).toBe(503);
    expect(answer !== undefined && isFair(answer)).toBe(true);
  }
}

async function expectBack(replica: PosternProcess): Promise<void> {
  await ready(replica, 200);
  expect((await send(replica.url, `back-${crypto.randomUUID()}`))?.result).toBe("ok");
  expect(await statusOf(replica.url, "/stats")).toBe(200);
}

/** How long it takes to end. */
async function endMs(replica: PosternProcess): Promise<number> {
  const startedAt = performance.now();
  replica.kill("SIGTERM");
  expect(await replica.exited).toBe(0);
  return performance.now() - startedAt;
}

async function expectEndsInTime(replica: PosternProcess): Promise<void> {
  expect(await endMs(replica)).toBeLessThan(SHUTDOWN_MS_MAX);
}

async function setFsync({ query }: Stage, value: "on" | "off"): Promise<void> {
  await query(`alter system set fsync = ${value}`);
  await query("select pg_reload_conf()");
  const fresh = () => query<{ fsync: string }>("select current_setting('fsync') as fsync");
  await until("the setting", async () => (await fresh())[0]?.fsync === value);
}

/**
 * Stops processes without a word to those that they talk to, as a network does that loses
 * everything.
 */
async function whileHanging(pids: readonly number[], work: () => Promise<void>): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    await work();
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

/**
 * The same for the sessions of replicas while the server goes on: one that is stopped just while it
 * writes the log keeps everybody from writing, so they are let go, and stopped again a little
 * later.
 */
async function whileSessionsHang(stage: Stage, work: () => Promise<void>): Promise<void> {
  let isTried = false;
  while (!isTried) {
    await whileHanging(await sessionsOf(stage), async () => {
      const written = stage.query("select pg_logical_emit_message(true, 'test', '')").then(() => true);
      isTried = await Promise.race([written, Bun.sleep(1000).then(() => false)]);
      if (isTried) await work();
    });
  }
}

/** The processes of the sessions that replicas have. */
async function sessionsOf({ query }: Stage): Promise<readonly number[]> {
  const rows = await query<{ pid: number }>(
    "select pid from pg_stat_activity where datname is not null and pid <> pg_backend_pid()",
  );
  return rows.map(({ pid }) => pid);
}

claim(
  "a server that isn't there at the start is waited for, and then the sources are claimed",
  async (stage) => {
    const folder = newFolder();
    const config = join(folder.path, "postern.yaml");
    writeFileSync(config, "sources:\n  wa:\n    kind: meta\n    secret: app-secret-of-the-fault-tests\n");
    await stage.server.stop("fast");
    const replica = await stage.start({ env: { POSTERN_CONFIG: config, WEBHOOK_SECRET: SECRET } });
    folder.remove();
    await expectAway(replica);
    await stage.server.start();
    await expectBack(replica);
    expect(await stage.query("select name from sources")).toEqual([{ name: "wa" }]);
    await expectEndsInTime(replica);
  },
);

claim("while the server is away a process ends within ten seconds of SIGTERM", async (stage) => {
  const replica = await stage.start();
  const load = new SteadyLoad(() => replica.url, "m", 8);
  await until("acknowledgements", () => load.acknowledged.size > 50);
  await stage.server.stop("immediate");
  await expectEndsInTime(replica);
  await load.stop();
  expect(load.unfair).toEqual([]);
});

claim("sessions that hang without a word are given up, and new ones do their work", async (stage) => {
  const replica = await stage.start();
  const load = new SteadyLoad(() => replica.url, "m", 8);
  await until("acknowledgements", () => load.acknowledged.size > 50);
  await whileSessionsHang(stage, async () => {
    // What hangs keeps its locks: other ids are stored all the same.
    const before = load.acknowledged.size;
    await until("messages to be stored again", () => load.acknowledged.size > before + 100);
    // A read that is given a session that hangs gets 503 once its time is over, and so ends it.
    await until("reads to be answered again", async () => (await statusOf(replica.url, "/stats")) === 200);
    await expectBack(replica);
  });
  await load.stop();
  expect(load.unfair).toEqual([]);
  await expectEndsInTime(replica);
});

claim("a server that hangs as a whole is away, and comes back", async (stage) => {
  const replica = await stage.start();
  await expectBack(replica);
  await whileHanging([stage.server.pid(), ...(await sessionsOf(stage))], async () => {
    const answer = await send(replica.url, "hangs");
    expect(answer).toMatchObject({ status: 503 });
    expect(answer !== undefined && isFair(answer)).toBe(true);
    await expectAway(replica);
  });
  await expectBack(replica);
  await expectEndsInTime(replica);
});

claim("a server that hangs keeps no process from its end", async (stage) => {
  // It uses nearly all of its time, to which a busy machine may add.
  let tookMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && tookMs >= SHUTDOWN_MS_MAX; round++) {
    const replica = await stage.start();
    await expectBack(replica);
    await whileHanging([stage.server.pid(), ...(await sessionsOf(stage))], async () => {
      const waiting = Array.from({ length: 10 }, (_, index) => send(replica.url, `waits-${index}`));
      tookMs = await endMs(replica);
      await Promise.all(waiting);
    });
  }
  expect(tookMs).toBeLessThan(SHUTDOWN_MS_MAX);
});

claim("a server without fsync is refused with one line", async (stage) => {
  await setFsync(stage, "off");
  const refused = await refusedStart({ database: "", env: { DATABASE_URL: stage.url } });
  expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(refused.stderr).toMatch(/fsync=off/);
  expect(refused.code).toBe(1);
});

claim(
  "a server that is told to do without fsync gets no message any more, until it syncs again",
  async (stage) => {
    const replica = await stage.start();
    await expectBack(replica);
    await setFsync(stage, "off");
    expect(await send(replica.url, "unsafe")).toMatchObject({ status: 503 });
    await expectAway(replica);
    await setFsync(stage, "on");
    await expectBack(replica);
  },
);

claim("a server that lets nobody in any more is away until it does", async (stage) => {
  await stage.query("create role limited login");
  await stage.query("alter database postgres owner to limited");
  const replica = await stage.start({ url: stage.url.replace(/\/\/\w+:/, "//limited:") });
  await expectBack(replica);
  await stage.query("alter role limited connection limit 0");
  await stage.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'limited'");
  await expectAway(replica);
  await stage.query("alter role limited connection limit -1");
  await expectBack(replica);
});

claim("fewer connections than a replica would like are enough for messages", async (stage) => {
  await stage.query("create role limited login connection limit 3");
  await stage.query("alter database postgres owner to limited");
  const replica = await stage.start({ url: stage.url.replace(/\/\/\w+:/, "//limited:") });
  const load = new SteadyLoad(() => replica.url, "few", 16);
  await until("acknowledgements", () => load.acknowledged.size > 500);
  await load.stop();
  expect(load.unfair).toEqual([]);
});

claim("tables that can't be used are nobody's data's fault", async (stage) => {
  const replica = await stage.start();
  await expectBack(replica);
  await stage.query("alter table messages rename to elsewhere");
  expect(await send(replica.url, "m1")).toMatchObject({ status: 503, retryAfter: "2" });
  expect(await statusOf(replica.url, "/messages?q=x")).toBe(503);
  await stage.query("alter table elsewhere rename to messages");
  await expectBack(replica);
});

claim("a replica that runs bears a newer schema when the server comes back", async (stage) => {
  const replica = await stage.start();
  await expectBack(replica);
  await stage.query("insert into postern_schema values (99)");
  await stage.server.stop("immediate");
  await ready(replica, 503);
  await stage.server.start();
  await expectBack(replica);
});

claim(
  "commits that wait for a standby are answered in time, and don't heap up on the server",
  async (stage) => {
    const replica = await stage.start();
    await expectBack(replica);
    await stage.query("alter system set synchronous_standby_names = 'nobody'");
    await stage.query("select pg_reload_conf()");
    // The server heeds it some time later.
    let early = 0;
    await until(
      "a commit to wait",
      async () => (await send(replica.url, `early-${early++}`))?.status === 503,
    );
    const load = new SteadyLoad(() => replica.url, "m", 40);
    await until("answers that refuse", () => load.attempted.size > 80);
    const waiting = async () => {
      const rows = await stage.query<{ pid: number; since: string }>(
        "select pid, query_start::text as since from pg_stat_activity where wait_event = 'SyncRep'",
      );
      return rows.map(({ pid, since }) => `${pid} since ${since}`);
    };
    await until("commits to wait", async () => (await waiting()).length >= 4);
    const first = await waiting();
    const startedAt = performance.now();
    // Probes wait like everybody else.
    const silent = async () => {
      expect(await statusOf(replica.url, "/health/ready")).toBe(503);
      return performance.now() - startedAt > ANSWER_MS_MAX + 2000;
    };
    await until("longer than a silent session would be borne", silent);
    expect(await statusOf(replica.url, "/health/ready")).toBe(503);
    // Who waited at first still does, in the same commit: none was given up for another. What
    // writes more rarely than messages come may have joined them, on a connection of its own.
    const last = await waiting();
    expect(last).toEqual(expect.arrayContaining(first));
    expect(last.length).toBeLessThanOrEqual(WRITING_CONNECTIONS);
    await load.stop();
    expect(load.acknowledged.size).toBe(0);
    expect(load.unfair).toEqual([]);
    await stage.query("alter system reset synchronous_standby_names");
    await stage.query("select pg_reload_conf()");
    const stores = async () => (await send(replica.url, "first"))?.status === 200;
    await until("messages to be stored again", stores);
    await expectBack(replica);
    const [rows] = await stage.query<{ n: number }>(
      "select count(*)::int as n from messages where message_id like 'm-%'",
    );
    const again = await Promise.all([...load.attempted].map((id) => send(replica.url, id)));
    expect(again.filter((answer) => answer?.result === "duplicate").length).toBe(rows?.n ?? -1);
    expect(again.every((answer) => answer?.status === 200)).toBe(true);
    await expectEndsInTime(replica);
  },
);
