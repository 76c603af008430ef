/**
 * Replicas, each a process, that hand on to one destination: what one is told another one does, and
 * one alone serves it. The path of a request says which of them has made it.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { answers, type Behaviour, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { killLeftovers, type PosternProcess, SECRET } from "../faults/postern-process.ts";
import { startReplica } from "../faults/replicas.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { freePort } from "./kept-process.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

const NAMES = ["a", "b"] as const;
type Name = (typeof NAMES)[number];
/** So soon what one replica is told holds at every other one, where the machine has time. */
const HOLDS_WITHIN_MS = 2000;
/** On one that is busy; without being told it would be an hour. */
const HOLDS_BUSY_MS = 4 * HOLDS_WITHIN_MS;
/** The machine may be busy with others in one of them. */
const ROUNDS = 3;
/** What is behind it then comes late, if it comes at all. */
const AFTERWARDS = 40;
const CONCURRENCY = 4;
const LONG_MS = 120_000;

let database: PostgresDatabase;
let folder: Folder;
let receiver: Receiver;
const replicas = new Map<Name, PosternProcess>();
beforeEach(async () => {
  database = await newPostgresDatabase();
  folder = newFolder();
  receiver = await newReceiver({ port: freePort() });
}, LONG_MS);
afterEach(async () => {
  killLeftovers();
  await Promise.all([...replicas.values()].map(({ exited }) => exited));
  replicas.clear();
  await receiver.close();
  await database.drop();
  folder.remove();
}, LONG_MS);

async function start(retry: string): Promise<void> {
  const config = join(folder.path, "postern.yaml");
  writeFileSync(
    config,
    `destinations:\n  app:\n    url: ${receiver.url}/\${REPLICA}\n    secret: a secret of the destination\n` +
      `    allow_private: true\n    start: start\n    concurrency: ${CONCURRENCY}\n    retry: ${retry}\n`,
  );
  await Promise.all(
    NAMES.map(async (name) => {
      replicas.set(name, await startReplica(database.url, { POSTERN_CONFIG: config, REPLICA: name }));
    }),
  );
}

function at(name: Name): PosternProcess {
  const replica = replicas.get(name);
  if (replica === undefined) throw new Error(`there is no replica ${name}`);
  return replica;
}

let posted = 0;
/** At either replica; each has a sender of its own unless it says whose it is. */
async function post(id = `m${++posted}`, from = `+1${++posted}`): Promise<void> {
  const body = JSON.stringify(message(id, { from }));
  const headers = { "X-Signature": sign(SECRET, body) };
  const answer = await fetch(`${at("a").url}/webhook`, { method: "POST", body, headers });
  expect(answer.status).toBe(200);
}

const ids = () => receiver.received.map(({ body }) => JSON.parse(body).data.message_id as string);
const last = () => receiver.received.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
const from = (name: Name) => receiver.received.filter(({ path }) => path === `/${name}`);

/** Who serves it, by a request, and the other one. */
async function holderAndOther(): Promise<[holder: Name, other: Name]> {
  await post();
  await until("a request", () => receiver.received.length > 0);
  return from("a").length > 0 ? ["a", "b"] : ["b", "a"];
}

/** When it was answered. */
async function tell(name: Name, path: string, body: object = {}): Promise<number> {
  const url = `${at(name).url}/destinations/app/${path}`;
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  expect([answer.status, await answer.json()]).toEqual([200, expect.anything()]);
  return performance.now();
}

const shown = async (name: Name) =>
  (await (await fetch(`${at(name).url}/destinations/app`)).json()) as {
    readonly state: string;
    readonly reason: string | null;
    readonly dead: number;
    readonly put_aside: number;
    readonly next_attempt_at: string | null;
  };

/** Of a request that comes when everybody is told by `told`. */
async function expectWithin(told: number, what: string, isThere: () => boolean): Promise<void> {
  await until(what, isThere);
  expect(last() - told).toBeLessThan(HOLDS_BUSY_MS);
}

const fails =
  (failing: readonly string[]): Behaviour =>
  (answer, received) => {
    const { message_id } = JSON.parse(received.body).data;
    answers(failing.includes(message_id) ? 422 : 200)(answer, received);
  };

test(
  "a pause and its end hold within two seconds where another replica serves the destination",
  async () => {
    await start("1h");
    const [, other] = await holderAndOther();
    const [pausedMs, resumedMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const paused = await tell(other, "pause");
      while (performance.now() < Math.max(paused, last()) + HOLDS_WITHIN_MS) await post();
      for (let count = 0; count < AFTERWARDS; count++) await post();
      pausedMs.push(last() - paused);
      const before = receiver.received.length;
      const resumed = await tell(other, "resume");
      await until("a request", () => receiver.received.length > before);
      resumedMs.push((receiver.received[before]?.at ?? 0) - resumed);
      await until("all of them", () => new Set(ids()).has(`m${posted - 1}`));
    }
    for (const tookMs of [pausedMs, resumedMs]) expect(Math.min(...tookMs)).toBeLessThan(HOLDS_WITHIN_MS);
  },
  LONG_MS,
);

test(
  "a probe holds soon where another replica serves the destination",
  async () => {
    await start("1h");
    const [, other] = await holderAndOther();
    const { port } = receiver;
    await receiver.close();
    for (let count = 0; count < AFTERWARDS; count++) await post();
    await until("the next probe lies far ahead", async () => {
      const { state, next_attempt_at } = await shown(other);
      return state === "down" && Date.parse(next_attempt_at ?? "") > Date.now() + 1.5 * HOLDS_BUSY_MS;
    });
    receiver = await newReceiver({ port });
    const probed = await tell(other, "probe");
    await until("a request", () => receiver.received.length > 0);
    expect((receiver.received[0]?.at ?? 0) - probed).toBeLessThan(HOLDS_BUSY_MS);
    await until("all of them", () => new Set(ids()).size === AFTERWARDS);
  },
  LONG_MS,
);

test(
  "why a record alone fails is told by the other replica too, and a probe there tries it",
  async () => {
    await start("1h");
    const [, other] = await holderAndOther();
    const { port } = receiver;
    await receiver.close();
    await post("alone");
    await until("the other one says it", async () => (await shown(other)).reason === "refused");
    expect(await shown(other)).toMatchObject({ state: "ok", put_aside: 0 });
    receiver = await newReceiver({ port });
    const probed = await tell(other, "probe");
    await expectWithin(probed, "it comes", () => ids().includes("alone"));
    await until("the reason is gone", async () => (await shown(other)).reason === null);
  },
  LONG_MS,
);

test(
  "dead records that are to be retried are soon where another replica serves the destination",
  async () => {
    await start("100ms");
    const [, other] = await holderAndOther();
    receiver.behave(fails(["bad"]));
    await post("bad");
    await post("good");
    await until("the other one has come", () => ids().includes("good"));
    await until("it is dead", async () => (await shown(other)).dead === 1);
    receiver.behave(answers(200));
    const before = receiver.received.length;
    const retried = await tell(other, "failures/retry", { state: "dead" });
    await expectWithin(retried, "it comes", () => receiver.received.length > before);
    expect(ids().at(-1)).toBe("bad");
    await until("nothing is dead", async () => (await shown(other)).dead === 0);
  },
  LONG_MS,
);

test(
  "what waits behind a record that is dropped comes soon where another replica serves it",
  async () => {
    await start("1h");
    const [, other] = await holderAndOther();
    receiver.behave(fails(["bad"]));
    for (const id of ["bad", "behind"]) await post(id, "+99");
    await post();
    await until("both are put aside", async () => (await shown(other)).put_aside === 2);
    await post("later", "+99");
    const { data } = (await (await fetch(`${at(other).url}/destinations/app/failures`)).json()) as {
      readonly data: readonly { readonly position: string; readonly message_id: string }[];
    };
    const positions = data.flatMap((row) => (row.message_id === "bad" ? [row.position] : []));
    const before = receiver.received.length;
    const dropped = await tell(other, "failures/drop", { positions });
    await until("the next one of its sender", () => receiver.received.length > before);
    expect((receiver.received[before]?.at ?? 0) - dropped).toBeLessThan(HOLDS_BUSY_MS);
    await until("the rest of its sender", () => ids().includes("later"));
    expect(ids().slice(before)).toEqual(["behind", "later"]);
  },
  LONG_MS,
);

test(
  "a replica that stood still until another one had the lease begins no attempt after that",
  async () => {
    await start("1h");
    const [holder, other] = await holderAndOther();
    const held: (() => void)[] = [];
    receiver.behave((answer, received) => {
      held.push(() => answers(200)(answer, received));
    });
    const records = 5 * CONCURRENCY;
    for (let count = 0; count < records; count++) await post();
    await until("as many requests as there may be", () => held.length === CONCURRENCY);
    at(holder).kill("SIGSTOP");
    receiver.behave(answers(200));
    for (const answer of held) answer();
    await until("the other one serves it", () => from(other).length > 0);
    const before = from(holder).length;
    at(holder).kill("SIGCONT");
    await until("all of them", () => new Set(ids()).size === records + 1);
    for (let count = 0; count < AFTERWARDS; count++) await post();
    await until("all of them", () => new Set(ids()).size === records + 1 + AFTERWARDS);
    expect(from(holder).length - before).toBe(0);
  },
  LONG_MS,
);
