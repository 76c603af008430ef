// `bun bench/postgres.ts`: Postern's replicas on one PostgreSQL, against a server that inserts a
// row a statement and the FastAPI reference on the same; and reads as the database grows. A lost
// message or a wrong answer makes the exit code 1.

import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import {
  microseconds,
  readOptions,
  reason,
  requirePackages,
  wholeNumber,
  withScratch,
} from "./command-line.ts";
import type { Figure } from "./growth/figures.ts";
import { growthReport } from "./growth/report.ts";
import { fileSystemType, isMemory, machineLine, moduleVersion } from "./machine.ts";
import type { Series } from "./messages.ts";
import {
  connections,
  measureIngest,
  type PostgresRun,
  prepareRequests,
  warmUpSeconds,
} from "./postgres/ingest.ts";
import { measureReads } from "./postgres/reads.ts";
import { ingestReport } from "./postgres/report.ts";
import { type Postgres, startPostgres, stopPostgres } from "./postgres/server.ts";
import { type Subject, subject, subjects } from "./postgres/subjects.ts";
import { readTargets } from "./postgres/targets.ts";
import { killChildren, type Scratch } from "./scratch.ts";
import { slowerLine, slowSync } from "./slow-disk.ts";
import { openText } from "./text.ts";

const parts = ["ingest", "reads"] as const;
const allSubjects = subjects.map(({ name }) => name).join(",");
const usage =
  "usage: bun bench/postgres.ts [--rounds 3] [--seconds 10] [--sizes 10000,1000000] [--only ingest,reads] " +
  `[--servers ${allSubjects}] [--sync-extra-us 0] [--dir FOLDER]`;
/** More than any server writes in a second. */
const walMiBPerSecond = 96;

type Options = {
  rounds: number;
  seconds: number;
  sizes: number[];
  only: string[];
  chosen: Subject[];
  /** By which each sync of PostgreSQL is made slower. */
  syncExtraUs: number;
  folder: string;
};
type Findings = { runs: PostgresRun[]; figures: Figure[]; problems: string[] };

await main(readOptions(parseOptions, usage));

async function main(options: Options): Promise<void> {
  const takesPython =
    options.only.includes("ingest") && options.chosen.some(({ kind }) => kind.name === "fastapi");
  requirePackages(takesPython ? ["fastapi-postgres"] : []);
  await withScratch(options.folder, async (scratch) => {
    const header = machineLine(scratch.folder, new Date());
    const environment = slowSync(scratch, options.syncExtraUs);
    const postgres = await startPostgres(options.folder, walMiBPerSecond * options.seconds, environment);
    const findings: Findings = { runs: [], figures: [], problems: [] };
    try {
      if (options.only.includes("ingest")) await measureRounds(options, scratch, postgres, findings);
      if (options.only.includes("reads")) await measureSizes(options, scratch, postgres, findings);
    } finally {
      killChildren(scratch);
      await stopPostgres(postgres);
    }
    if (isMemory(fileSystemType(options.folder)))
      findings.problems.push("the databases were in memory, where an fsync costs nothing");
    console.log(
      `${header} · ${moduleVersion("asyncpg")} · ${postgres.line}${slowerLine(options.syncExtraUs)}\n`,
    );
    console.log(report(options, findings));
    return findings.problems.length > 0 ? 1 : 0;
  });
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "10" },
      sizes: { type: "string", default: "10000,1000000" },
      only: { type: "string", default: parts.join(",") },
      servers: { type: "string", default: allSubjects },
      "sync-extra-us": { type: "string", default: "0" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const only = values.only.split(",");
  const unknown = only.find((part) => !parts.some((each) => each === part));
  if (unknown !== undefined) throw new Error(`--only takes ${parts.join(", ")}, got '${unknown}'`);
  const sizes = values.sizes.split(",").map((each) => wholeNumber("sizes", each));
  return {
    rounds: wholeNumber("rounds", values.rounds),
    seconds: wholeNumber("seconds", values.seconds),
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    only,
    chosen: values.servers.split(",").map(subject),
    syncExtraUs: microseconds("sync-extra-us", values["sync-extra-us"]),
    folder: values.dir,
  };
}

/** A server that fails leaves a problem behind and doesn't keep the others from being measured. */
async function measureRounds(
  { rounds, seconds, chosen }: Options,
  scratch: Scratch,
  postgres: Postgres,
  { runs, problems }: Findings,
): Promise<void> {
  const replicas = Math.max(...chosen.map((each) => each.replicas));
  const requests = await prepareRequests(scratch, seconds, replicas);
  for (let round = 1; round <= rounds; round++) {
    for (const each of chosen) {
      const problem = (what: string) => `${each.name}, round ${round}: ${what}`;
      try {
        const run = await measureIngest(scratch, postgres, requests, each, round);
        console.error(`bench: round ${round}, ${each.name}: ${Math.round(run.load.requestsPerSecond)}/s`);
        runs.push(run);
        problems.push(...run.problems.map(problem));
      } catch (error) {
        killChildren(scratch);
        problems.push(problem(reason(error)));
      }
    }
  }
}

/** A size that fails leaves a problem behind and doesn't keep the others from being measured. */
async function measureSizes(
  { sizes }: Options,
  scratch: Scratch,
  postgres: Postgres,
  { figures, problems }: Findings,
): Promise<void> {
  const series: Series = { seed: 1, ids: "random", senders: 10_000, source: openText() };
  for (const size of sizes) {
    console.error(`bench: reads at ${size}`);
    try {
      const found = await measureReads(scratch, postgres, series, size);
      figures.push(...found.figures);
      problems.push(...found.problems.map((problem) => `reads at ${size}: ${problem}`));
    } catch (error) {
      killChildren(scratch);
      problems.push(`reads at ${size}: ${reason(error)}`);
    }
  }
}

function report({ rounds, seconds, sizes }: Options, { runs, figures, problems }: Findings): string {
  const plan = `${rounds} rounds of ${seconds} s after ${warmUpSeconds} s of warm-up, ${connections} connections a process`;
  return [
    ...(runs.length > 0 ? [plan, ingestReport(runs)] : []),
    ...(figures.length > 0 ? [growthReport(figures, sizes, readTargets(figures, sizes))] : []),
    ...problems.map((problem) => `INVALID: ${problem}`),
  ].join("\n\n");
}
