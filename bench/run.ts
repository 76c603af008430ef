// `bun bench/run.ts`: measures Postern, the FastAPI and the Fastify reference and a bare Bun server
// in turn, with the same requests, verifies that every 200 is a row, and prints Markdown. A run
// that breaks a rule is named and makes the exit code 1.

import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { microseconds, readOptions, requirePackages, wholeNumber, withScratch } from "./command-line.ts";
import { fdatasyncP50Us } from "./fdatasync.ts";
import { type Load, runLoad } from "./load.ts";
import { fileSystemType, isMemory, machineLine } from "./machine.ts";
import { cpuMicros, peakResidentBytes } from "./processes.ts";
import { aloneLine, connectionsWithSlowReference, figuresTable, type Run, ratiosTable } from "./report.ts";
import { writeDefaultRequests } from "./requests.ts";
import { rowProblems } from "./rows.ts";
import type { Scratch } from "./scratch.ts";
import { type Server, type ServerKind, serverKind, serverKinds, startServer, stopServer } from "./servers.ts";
import { slowerLine, slowSync } from "./slow-disk.ts";

const usage =
  "usage: bun bench/run.ts [--rounds 3] [--seconds 10] [--connections 1,64,256] " +
  `[--servers ${serverKinds.map((kind) => kind.name).join(",")}] [--sync-extra-us 0] [--dir FOLDER]`;

/**
 * More than any store here answers; a store that is faster gets an invalid run, not a wrong figure.
 */
const preparedPerSecond = 60_000;
const warmUpSeconds = 2;
const warmUpTo = "+14155550199";
const measuredTo = "+14155550100";

type Options = {
  rounds: number;
  seconds: number;
  connections: number[];
  kinds: ServerKind[];
  /** By which each sync is made slower. */
  syncExtraUs: number;
  folder: string;
};
type Prepared = {
  scratch: Scratch;
  seconds: number;
  warmUpPath: string;
  measuredPath: string;
  /** Of the servers that store, besides their own. */
  environment: Record<string, string>;
};
type Spot = { kind: ServerKind; connections: number; round: number };

await main(readOptions(parseOptions, usage));

async function main(options: Options): Promise<void> {
  requirePackages(options.kinds.map((kind) => kind.name));
  await withScratch(options.folder, async (scratch) => {
    const header = machineLine(scratch.folder, new Date());
    const runs = await measureAll(options, await prepare(scratch, options));
    console.log(report(header, options, runs));
    return invalidLines(options, runs).length > 0 ? 1 : 0;
  });
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "10" },
      connections: { type: "string", default: "1,64,256" },
      servers: { type: "string", default: serverKinds.map((kind) => kind.name).join(",") },
      "sync-extra-us": { type: "string", default: "0" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  return {
    rounds: wholeNumber("rounds", values.rounds),
    seconds: wholeNumber("seconds", values.seconds),
    connections: values.connections.split(",").map((each) => wholeNumber("connections", each)),
    kinds: values.servers.split(",").map(serverKind),
    syncExtraUs: microseconds("sync-extra-us", values["sync-extra-us"]),
    folder: values.dir,
  };
}

async function prepare(scratch: Scratch, { seconds, syncExtraUs }: Options): Promise<Prepared> {
  const environment = slowSync(scratch, syncExtraUs);
  const [warmUpPath, measuredPath] = [
    join(scratch.folder, "warm-up.bin"),
    join(scratch.folder, "measured.bin"),
  ];
  const warmUpCount = warmUpSeconds * preparedPerSecond;
  const measuredCount = seconds * preparedPerSecond;
  console.error(`bench: preparing ${warmUpCount + measuredCount} signed requests`);
  await writeDefaultRequests(warmUpPath, { first: 0, count: warmUpCount, to: warmUpTo });
  await writeDefaultRequests(measuredPath, { first: warmUpCount, count: measuredCount, to: measuredTo });
  return { scratch, seconds, warmUpPath, measuredPath, environment };
}

async function measureAll(options: Options, prepared: Prepared): Promise<Run[]> {
  const runs: Run[] = [];
  for (const connections of options.connections) {
    for (let round = 1; round <= options.rounds; round++) {
      for (const kind of options.kinds) {
        const run = await measure(prepared, { kind, connections, round });
        const rate = Math.round(run.load.requestsPerSecond);
        console.error(`bench: ${connections} connections, round ${round}, ${kind.name}: ${rate}/s`);
        runs.push(run);
      }
    }
  }
  return runs;
}

/** One server, started on an empty database, warmed up, measured, stopped and verified. */
async function measure(prepared: Prepared, spot: Spot): Promise<Run> {
  const { scratch, seconds, warmUpPath, measuredPath, environment } = prepared;
  const { kind, connections, round } = spot;
  const folder = join(scratch.folder, `${kind.name}-${connections}-${round}`);
  const server = await startServer(kind, scratch, folder, kind.stores ? { environment } : {});
  const plan = { port: server.port, connections, cyclic: !kind.stores };
  const warmUp = await runLoad(scratch, { ...plan, seconds: warmUpSeconds, requestsPath: warmUpPath });
  const cpuBefore = cpuMicros(server.process.pid);
  const load = await runLoad(scratch, { ...plan, seconds, requestsPath: measuredPath });
  const cpuUsPerRequest = (cpuMicros(server.process.pid) - cpuBefore) / load.answered;
  const figures = { load, cpuUsPerRequest, peakBytes: peakResidentBytes(server.process.pid) };
  const problems = [...load.problems, ...warmUp.problems, ...(await stopServer(server))];
  if (kind.stores) problems.push(...verifyRows(server, connections, warmUp, load));
  const alone = kind.name === "postern" && connections === 1;
  const fdatasyncP50 = alone ? fdatasyncP50Us(server.folder, environment) : null;
  rmSync(server.folder, { recursive: true });
  return { server: kind.name, connections, round, ...figures, fdatasyncP50Us: fdatasyncP50, problems };
}

function verifyRows(server: Server, connections: number, warmUp: Load, load: Load): string[] {
  return [
    ...rowProblems(server.databasePath, { to: warmUpTo, answered: warmUp.answered, connections }),
    ...rowProblems(server.databasePath, { to: measuredTo, answered: load.answered, connections }),
  ];
}

function report(header: string, options: Options, runs: Run[]): string {
  const durations = `${options.rounds} rounds of ${options.seconds} s after ${warmUpSeconds} s of warm-up${slowerLine(options.syncExtraUs)}`;
  const verified = runs.filter((run) => serverKind(run.server).stores && run.problems.length === 0);
  const lines = [
    `${header} · ${durations}`,
    figuresTable(runs),
    ratiosTable(runs, slowReferences(options, runs)),
    aloneLine(runs),
    `Every 200 is a row, once: verified in ${verified.length} runs.`,
    ...invalidLines(options, runs),
  ];
  return lines.filter((line) => line !== null).join("\n\n");
}

/**
 * The reference is held to its part of the bare server's rate on the disk as it is: a slower one
 * doesn't slow that.
 */
function slowReferences({ syncExtraUs }: Options, runs: Run[]): readonly number[] {
  return syncExtraUs === 0 ? connectionsWithSlowReference(runs) : [];
}

function invalidLines(options: Options, runs: Run[]): string[] {
  const broken = runs
    .filter((run) => run.problems.length > 0)
    .map(
      (run) =>
        `${run.server}, ${run.connections} connections, round ${run.round}: ${run.problems.join("; ")}`,
    );
  const tooSlow = slowReferences(options, runs).map(
    (connections) => `${connections} connections: the reference is too slow to be compared with`,
  );
  const inMemory = isMemory(fileSystemType(options.folder))
    ? ["the databases were in memory, where an fsync costs nothing"]
    : [];
  return [...broken, ...tooSlow, ...inMemory].map((each) => `INVALID: ${each}`);
}
