// Streams that wait for what never comes: the memory that they take, and what they cost ingest.

import { join } from "node:path";
import { untilCaughtUp } from "../growth/lag.ts";
import { type Load, runLoad } from "../load.ts";
import { cpuMicros, peakResidentBytes, residentBytes } from "../processes.ts";
import { writeDefaultRequests } from "../requests.ts";
import { keptProblems } from "../rows.ts";
import type { Scratch } from "../scratch.ts";
import { openStreams } from "./clients.ts";
import type { Engine } from "./engines.ts";
import type { Findings } from "./findings.ts";

const connections = 64;
const warmUpSeconds = 2;
const warmUpTo = "+14155550199";
const measuredTo = "+14155550100";
/** More than any engine here answers. */
const preparedPerSecond = 40_000;
const streams = 500;
/** Memory is looked at when so long nothing has happened. */
const settleMs = 3000;

type Waiting = "none" | "one filter" | "a filter each";
/** No message has such a sender. */
const paths: Record<Waiting, string[]> = {
  none: [],
  "one filter": Array.from({ length: streams }, () => streamFrom(0)),
  "a filter each": Array.from({ length: streams }, (_, index) => streamFrom(index)),
};

function streamFrom(sender: number): string {
  return `/log/stream?after=now&from=${encodeURIComponent(`+1999${1_000_000 + sender}`)}`;
}

type IdlePlan = { pairs: number; seconds: number };
type Requests = { warmUpPath: string; measuredPath: string };
type Run = { load: Load; cpuUs: number; grownBytes: number; peakBytes: number };

/** Each round takes turns on servers with an empty database each; the order alternates. */
export async function measureIdle(
  scratch: Scratch,
  engine: Engine,
  { pairs, seconds }: IdlePlan,
  findings: Findings,
): Promise<void> {
  const requests = await prepare(scratch, seconds);
  const order: Waiting[] = ["none", "one filter", "a filter each"];
  for (let pair = 1; pair <= pairs; pair++) {
    const runs = new Map<Waiting, Run>();
    for (const waiting of pair % 2 === 0 ? order.toReversed() : order)
      runs.set(waiting, await measure(scratch, engine, waiting, { seconds, ...requests }, findings));
    note(engine, runs, findings);
  }
}

function note(engine: Engine, runs: ReadonlyMap<Waiting, Run>, findings: Findings): void {
  const without = runs.get("none");
  if (without === undefined) return;
  const rate = ({ load }: Run) => load.requestsPerSecond;
  const mebibytes = (bytes: number) => bytes / 2 ** 20;
  findings.add(engine.name, "ingest without streams, messages/s", rate(without), 0);
  findings.add(engine.name, "ingest without streams, CPU µs/message", without.cpuUs, 1);
  findings.add(engine.name, "ingest without streams, peak MiB", mebibytes(without.peakBytes), 0);
  for (const [waiting, run] of runs) {
    if (waiting === "none") continue;
    const add = (name: string, value: number, digits: number, bound = {}) =>
      findings.add(engine.name, `${streams} idle streams, ${waiting}: ${name}`, value, digits, bound);
    add("resident MiB more, at rest", mebibytes(run.grownBytes), 1, { atMost: 40 });
    add("ingest, messages/s", rate(run), 0);
    add("ingest ÷ without", rate(run) / rate(without), 3, { atLeast: 0.95 });
    add("CPU µs/message", run.cpuUs, 1);
    add("peak MiB under load", mebibytes(run.peakBytes), 0);
  }
}

async function prepare(scratch: Scratch, seconds: number): Promise<Requests> {
  const [warmUpPath, measuredPath] = [
    join(scratch.folder, "warm-up.bin"),
    join(scratch.folder, "measured.bin"),
  ];
  const warmUpCount = warmUpSeconds * preparedPerSecond;
  const count = seconds * preparedPerSecond;
  await writeDefaultRequests(warmUpPath, { first: 0, count: warmUpCount, to: warmUpTo });
  await writeDefaultRequests(measuredPath, { first: warmUpCount, count, to: measuredTo });
  return { warmUpPath, measuredPath };
}

function measure(
  scratch: Scratch,
  engine: Engine,
  waiting: Waiting,
  { seconds, warmUpPath, measuredPath }: Requests & { seconds: number },
  findings: Findings,
): Promise<Run> {
  return engine.onEmpty(async ({ server, stop, kept }) => {
    const { port } = server;
    const plan = { port, connections, cyclic: false };
    const warmUp = await runLoad(scratch, { ...plan, seconds: warmUpSeconds, requestsPath: warmUpPath });
    await untilCaughtUp(server);
    await Bun.sleep(settleMs);
    const before = residentBytes(server.process.pid);
    const clients = waiting === "none" ? undefined : await openStreams(scratch, port, paths[waiting]);
    await Bun.sleep(settleMs);
    const grownBytes = residentBytes(server.process.pid) - before;
    const cpuBefore = cpuMicros(server.process.pid);
    const load = await runLoad(scratch, { ...plan, seconds, requestsPath: measuredPath });
    const cpuUs = (cpuMicros(server.process.pid) - cpuBefore) / load.answered;
    const peakBytes = peakResidentBytes(server.process.pid);
    const arrivals = (await clients?.finish(0)) ?? [];
    const rate = Math.round(load.requestsPerSecond);
    console.error(`bench: ${engine.name}, idle streams: ${waiting}: ${rate}/s, ${cpuUs.toFixed(1)} µs each`);
    findings.problems.push(
      ...warmUp.problems,
      ...load.problems,
      ...(await stop()),
      ...keptProblems(await kept(measuredTo), { to: measuredTo, answered: load.answered, connections }),
      ...(arrivals.some(({ length }) => length > 0) ? ["a stream that waits in vain got a message"] : []),
    );
    return { load, cpuUs, grownBytes, peakBytes };
  });
}
