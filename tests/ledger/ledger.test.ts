/**
 * The ledger of the service: whatever is killed, each follower is given the log, in its order,
 * without a gap and without a double.
 */
import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../databases/database.ts";
import { newAuthority } from "../deliver/certificates.ts";
import { killLeftovers } from "../faults/postern-process.ts";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { type Application, destinationsText, newApplications, REPLICA } from "./application.ts";
import { Chance } from "./chance.ts";
import { compare, type Evidence, lastWanted } from "./compare.ts";
import { doublesOf } from "./compare-reception.ts";
import { storageDoublesMax } from "./compare-storage.ts";
import { Consumer } from "./consumer.ts";
import { describeFindings } from "./findings.ts";
import { type Follower, walkLog } from "./follower.ts";
import { killAtRandom } from "./killer.ts";
import { LateWriters } from "./late-writers.ts";
import { newNames } from "./names.ts";
import { type Filter, keyOf, Ledger, type LogRecord, type Reception } from "./record.ts";
import { newStage, type Stage } from "./stage.ts";
import { newStorages, type Storage } from "./storages.ts";
import { WAYS, Walker } from "./walker.ts";
import { PROVIDER, senderOf, Writer } from "./writers.ts";

const SEED = Number(process.env["POSTERN_LEDGER_SEED"] ?? 20_250_115);
const SECONDS = Number(process.env["POSTERN_LEDGER_SECONDS"] ?? 6);
/** At least: the load goes on until so many are acknowledged. */
const RECORDS = Number(process.env["POSTERN_LEDGER_RECORDS"] ?? 0);
const KILLS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const WRITERS = RECORDS > 0 ? 32 : 16;
const FOLLOWERS = 10;
/** Of load after the last kill, while every follower keeps its connection. */
const CALM_MS = 1000;
/** The destination that was dead has everything before it. */
const CATCH_UP_MS_MAX = Math.max(600_000, 2000 * SECONDS, 10 * RECORDS);
/** Until each application has failed in all of its ways. */
const UNMET_MS_MAX = 120_000;
const RECORDS_MS_MAX = 1_200_000;
const LONG_MS = 3_600_000;

/** What a follower may ask for; each of them matches something that is sent. */
const FILTERS: readonly Filter[] = [
  {},
  { kinds: "all" },
  { kinds: "status" },
  { kinds: "message,status" },
  { source: PROVIDER.name },
  { source: "native" },
  { kinds: "all", source: PROVIDER.name },
  { from: senderOf(0) },
  { kinds: "all", from: senderOf(1), source: PROVIDER.name },
];

afterEach(killLeftovers);

/** Every way in turn; the first of each begins at the start and sees everything. */
function startFollowers(stage: Stage, chance: Chance): Follower[] {
  const ways = [...WAYS.map((way) => [way]), WAYS, "consumer"] as const;
  return Array.from({ length: FOLLOWERS }, (_, number) => {
    const way = ways[number % ways.length] ?? "consumer";
    const first = number < ways.length;
    const own = chance.of(`follower ${number}`);
    const filter = first ? { kinds: "all" } : own.pick(FILTERS);
    const start = first || own.holds(0.6) ? "start" : "now";
    const name = `follower ${number} (${way}, from ${start}, ${JSON.stringify(filter)})`;
    const following = { name, filter, start, url: () => own.pick(stage.replicas).url, chance: own } as const;
    return way === "consumer" ? new Consumer(following, `c${number}`) : new Walker(following, way);
  });
}

/** What happened, as one line, and everything that was wrong. */
interface Outcome {
  readonly summary: string;
  readonly faults: readonly string[];
}

async function runLedger(
  stage: Stage,
  applications: readonly Application[],
  storages: readonly Storage[],
  chance: Chance,
): Promise<Outcome> {
  const ledger = new Ledger();
  const abandoned = new AbortController();
  const { signal } = abandoned;
  const destinations = [...applications, ...storages];
  for (const each of destinations) each.watch(() => chance.pick(stage.replicas).url);
  const followers = [...startFollowers(stage, chance), ...destinations];
  const writers = Array.from({ length: WRITERS }, (_, number) => {
    const own = chance.of(`writer ${number}`);
    return new Writer({ signal, ledger, url: () => own.pick(stage.replicas).url, chance: own }, number);
  });
  const late =
    stage.server && new LateWriters({ signal, ledger, url: stage.database.url, chance: chance.of("late") });
  try {
    const { deeds, faults } = await killAtRandom({
      ...{ stage, chance: chance.of("killer"), kills: KILLS, forMs: SECONDS * 1000 },
      progress: () => ledger.acknowledged(),
      hurts: () => {
        for (const each of destinations) each.hurt();
      },
      disturbs: (during) => {
        for (const { record } of applications) record.disturbances.push(during);
      },
    });
    const unmet = () => destinations.flatMap((each) => each.unmet());
    await until("every way to fail", () => unmet().length === 0, UNMET_MS_MAX).catch(() => undefined);
    await until("as many records as there have to be", () => ledger.records() >= RECORDS, RECORDS_MS_MAX);
    for (const follower of followers) follower.calm();
    const endsAt = performance.now();
    await stage.reload();
    for (const { record } of applications) record.disturbances.push({ from: endsAt, to: performance.now() });
    await Bun.sleep(CALM_MS);
    await Promise.all([late?.stop(), ...writers.map((writer) => writer.stop())]);
    const log = await until("the log", () => walkLog(chance.pick(stage.replicas).url));
    const caughtUpMs = await catchUp(followers, log);
    await Promise.all(followers.map((follower) => follower.stop()));
    const codes = await stage.stop();
    for (const { name, record } of applications) record.turns.push(...stage.turnsOf(name));
    const evidence = { log, stored: await storedIn(stage.database), posts: ledger.posts };
    const findings = compare({ ...evidence, followers: followers.map(({ record }) => record) });
    const connections = followers.reduce((sum, follower) => sum + follower.connections(), 0);
    return {
      summary:
        `${ledger.posts.length} posts, ${log.length} records, ${FOLLOWERS} followers on ${connections} ` +
        `connections, ${deeds.join(", ")}; at the end after ${caughtUpMs.toFixed(0)} ms\n` +
        [...applications.map(({ record }) => deliveriesOf(record)), ...storages.map(storedAt)].join("\n"),
      faults: [
        ...faults,
        ...codes.filter((code) => code !== 0).map((code) => `at the end a replica exited with ${code}`),
        ...ledger.faults,
        ...describeFindings(findings),
        ...unmet(),
        ...(await stage.database.differences()),
        ...(log.length > 0 ? [] : ["nothing was sent"]),
      ],
    };
  } finally {
    abandoned.abort();
    await Promise.all(followers.map((follower) => follower.stop()));
  }
}

/** What came, and how often again, as one line. */
function deliveriesOf(reception: Reception): string {
  const { name, deliveries, turns } = reception;
  const { came, most } = doublesOf(reception);
  const holders = turns.filter(({ what }) => what === "serves").length;
  return `${name}: ${deliveries.length} requests, ${came} came again of ${most} that may, served ${holders} times`;
}

/** The same of what a file or a broker has. */
function storedAt({ record }: Storage): string {
  const { name, taken, hurts } = record;
  const again = taken.length - new Set(taken.map(({ seq }) => seq)).size;
  return `${name}: ${taken.length} records, ${again} came again of ${storageDoublesMax(record)} that may, hurt ${hurts} times`;
}

/** Resolves with how long it took; one that doesn't get there is a finding, with what it lacks. */
async function catchUp(followers: readonly Follower[], log: readonly LogRecord[]): Promise<number> {
  const beganAt = performance.now();
  const isThere = (follower: Follower) => follower.seq() >= lastWanted(log, follower.record);
  const areThere = () => followers.every(isThere);
  await until("every follower to be at the end", areThere, CATCH_UP_MS_MAX).catch(() => undefined);
  return performance.now() - beganAt;
}

async function storedIn(database: Database): Promise<Evidence["stored"]> {
  const messages = (await database.sequence()).map(({ seq, message_id }) => {
    // Messages of the provider begin with its name.
    const source = message_id.startsWith(`${PROVIDER.name}:`) ? PROVIDER.name : "native";
    return { seq, key: keyOf({ kind: "message", source, message_id }) };
  });
  const events = (await database.eventSequence()).map(({ seq, ...event }) => ({
    seq,
    key: keyOf({ ...event, message_id: null }),
  }));
  return [...messages, ...events];
}

test(
  `over ${KILLS} kills in ${SECONDS} s of load ${FOLLOWERS} followers and their destinations are given the log`,
  async () => {
    const chance = new Chance(SEED);
    const folder = newFolder();
    const authority = newAuthority();
    const trusted = join(folder.path, "ca.pem");
    writeFileSync(trusted, authority.cert);
    const names = newNames();
    const applications = await newApplications({ chance, authority, names });
    const storages = await newStorages(chance, KILLS);
    const stage = await newStage({
      text: (turn) =>
        destinationsText(applications, turn) + storages.map((each) => each.settings(turn)).join(""),
      env: (replica) => ({ [REPLICA]: replica, NODE_EXTRA_CA_CERTS: trusted }),
      shell: names?.shell,
    });
    try {
      const { summary, faults } = await runLedger(stage, applications, storages, chance);
      console.log(`ledger: seed ${SEED}: ${summary}`);
      expect(faults, `seed ${SEED}`).toEqual([]);
    } finally {
      await stage.remove();
      await Promise.all(storages.map((each) => each.remove()));
      names?.remove();
      folder.remove();
    }
  },
  LONG_MS,
);
