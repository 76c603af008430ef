/**
 * Replicas that are killed and a PostgreSQL that crashes, under load: what was acknowledged is
 * there, once.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { killLeftovers, type PosternProcess } from "./postern-process.ts";
import { ANSWER_MS_MAX, SteadyLoad, send, startReplica, statusOf } from "./replicas.ts";

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const REPLICAS = 3;
const SENDERS = 8;
const LONG_MS = 600_000;

let server: OwnServer;
beforeAll(async () => {
  server = await newPostgresServer();
}, LONG_MS);
afterAll(() => server.remove());
afterEach(killLeftovers);

async function newDatabase(name: string): Promise<string> {
  const { query, close } = sessionOn(server.url("postgres"));
  await query(`create database ${name}`);
  await close();
  return server.url(name);
}

function loadOn(replicas: readonly PosternProcess[]): SteadyLoad[] {
  return replicas.map((_, index) => new SteadyLoad(() => replicas[index]?.url ?? "", `r${index}`, SENDERS));
}

/**
 * What was acknowledged is there, what was not is told truly, and the counts say what the rows say.
 */
async function expectNothingLost(url: string, replica: PosternProcess, loads: readonly SteadyLoad[]) {
  const { query, close } = sessionOn(url);
  const rows = await query<{ message_id: string }>("select message_id from messages");
  const stored = new Set(rows.map(({ message_id }) => message_id));
  expect(stored.size).toBe(rows.length);
  const acknowledged = loads.flatMap((load) => [...load.acknowledged]);
  const attempted = loads.flatMap((load) => [...load.attempted]);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  expect(stored.isSubsetOf(new Set(attempted))).toBe(true);
  expect(loads.flatMap((load) => load.unfair)).toEqual([]);
  const unanswered = new Set(attempted).difference(new Set(acknowledged));
  for (const id of unanswered)
    expect([id, (await send(replica.url, id))?.result]).toEqual([id, stored.has(id) ? "duplicate" : "ok"]);
  const stats = (await (await fetch(`${replica.url}/stats`)).json()) as { total_messages: number };
  expect(stats.total_messages).toBe(attempted.length);
  await close();
}

const acknowledgedBy = (loads: readonly SteadyLoad[]) =>
  loads.reduce((sum, load) => sum + load.acknowledged.size, 0);

async function enough(loads: readonly SteadyLoad[], more: number): Promise<void> {
  const before = acknowledgedBy(loads);
  await until("acknowledgements", () => acknowledgedBy(loads) > before + more);
}

test(
  `after ${ROUNDS} kills of a replica under load every acknowledged message is there exactly once`,
  async () => {
    const url = await newDatabase("killed_replicas");
    const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(url)));
    const loads = loadOn(replicas);
    for (let round = 0; round < ROUNDS; round++) {
      await enough(loads, 300 + 137 * (round % 7));
      const index = Math.floor(Math.random() * REPLICAS);
      replicas[index]?.kill("SIGKILL");
      await replicas[index]?.exited;
      // The others serve on.
      await enough(loads, 100);
      replicas[index] = await startReplica(url);
    }
    await Promise.all(loads.map((load) => load.stop()));
    const [first] = replicas;
    if (first === undefined) throw new Error("no replica");
    await expectNothingLost(url, first, loads);
  },
  LONG_MS,
);

test(
  `after ${ROUNDS} crashes of PostgreSQL under load nothing is lost, and the replicas go on by themselves`,
  async () => {
    const url = await newDatabase("crashes");
    const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(url)));
    const loads = loadOn(replicas);
    const all = (path: string, status: number) => async () => {
      const found = await Promise.all(replicas.map((replica) => statusOf(replica.url, path)));
      return found.every((each) => each === status);
    };
    for (let round = 0; round < ROUNDS; round++) {
      await enough(loads, 200 + 137 * (round % 7));
      await server.stop("immediate");
      await until("readiness says 503", all("/health/ready", 503), ANSWER_MS_MAX);
      expect(await all("/health/live", 200)()).toBe(true);
      // Reads are refused too, and not by an error of ours.
      expect(await all("/stats", 503)()).toBe(true);
      await server.start();
      await until("readiness says 200", all("/health/ready", 200), ANSWER_MS_MAX);
      expect(await all("/stats", 200)()).toBe(true);
      const before = loads.map((load) => load.acknowledged.size);
      await until("every replica stores again", () =>
        loads.every((load, index) => load.acknowledged.size > (before[index] ?? 0) + 20),
      );
    }
    await Promise.all(loads.map((load) => load.stop()));
    const [first] = replicas;
    if (first === undefined) throw new Error("no replica");
    await expectNothingLost(url, first, loads);
    for (const replica of replicas) replica.kill("SIGTERM");
    expect(await Promise.all(replicas.map((replica) => replica.exited))).toEqual([0, 0, 0]);
  },
  LONG_MS,
);
