// `bun bench/follow.ts`: what it takes to follow the log: how soon a stream has a message, what
// streams cost those who send, and pages of long logs. A message that a stream lacks, or a lost
// one, makes the exit code 1.

import { loadavg, tmpdir } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readOptions, reason, requirePackages, wholeNumber, withScratch } from "./command-line.ts";
import { type Engine, postgres, sqlite } from "./follow/engines.ts";
import { Findings } from "./follow/findings.ts";
import { measureIdle } from "./follow/idle.ts";
import { measureArrival, measureFanOut } from "./follow/live.ts";
import { measurePages } from "./follow/pages.ts";
import { targetTable } from "./growth/report.ts";
import { fileSystemType, isMemory, machineLine } from "./machine.ts";
import type { Series } from "./messages.ts";
import { startPostgres, stopPostgres } from "./postgres/server.ts";
import { killChildren, type Scratch } from "./scratch.ts";
import { openText } from "./text.ts";

const engineNames = ["sqlite", "postgres"] as const;
const parts = ["arrival", "idle", "fan-out", "pages"] as const;
const usage =
  `usage: bun bench/follow.ts [--engines ${engineNames.join(",")}] [--only ${parts.join(",")}] [--rounds 3] [--pairs 7] ` +
  "[--seconds 10] [--sizes 10000,1000000] [--keep FOLDER] [--dir FOLDER]";
/** More than the loads write in a second. */
const walMiBPerSecond = 96;

type Options = {
  engines: string[];
  only: string[];
  rounds: number;
  pairs: number;
  seconds: number;
  sizes: number[];
  keep: string | undefined;
  folder: string;
};

await main(readOptions(parseOptions, usage));

async function main(options: Options): Promise<void> {
  requirePackages([]);
  await withScratch(options.folder, async (scratch) => {
    const header = machineLine(scratch.folder, new Date());
    const findings = new Findings();
    const series: Series = { seed: 1, ids: "random", senders: 10_000, source: openText() };
    const more: string[] = [];
    if (options.engines.includes("sqlite"))
      await measureAll(options, scratch, sqlite(scratch, series, options.keep ?? scratch.folder), findings);
    if (options.engines.includes("postgres")) {
      const running = await startPostgres(options.folder, walMiBPerSecond * options.seconds, {});
      more.push(running.line);
      try {
        await measureAll(options, scratch, postgres(scratch, series, running), findings);
      } finally {
        killChildren(scratch);
        await stopPostgres(running);
      }
    }
    if (isMemory(fileSystemType(options.folder)))
      findings.problems.push("the databases were in memory, where an fsync costs nothing");
    const plan = `${options.rounds} rounds, ${options.pairs} of ingest, of ${options.seconds} s; load average at the end ${loadavg()[0]?.toFixed(2)}`;
    console.log(
      [[header, ...more, plan].join(" · "), findings.table(), targetTable(findings.targets())].join("\n\n"),
    );
    for (const problem of findings.problems) console.log(`\nINVALID: ${problem}`);
    return findings.problems.length > 0 ? 1 : 0;
  });
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      engines: { type: "string", default: engineNames.join(",") },
      only: { type: "string", default: parts.join(",") },
      rounds: { type: "string", default: "3" },
      pairs: { type: "string", default: "7" },
      seconds: { type: "string", default: "10" },
      sizes: { type: "string", default: "10000,1000000" },
      keep: { type: "string" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const sizes = values.sizes.split(",").map((each) => wholeNumber("sizes", each));
  return {
    engines: listOf("engines", engineNames, values.engines),
    only: listOf("only", parts, values.only),
    rounds: wholeNumber("rounds", values.rounds),
    pairs: wholeNumber("pairs", values.pairs),
    seconds: wholeNumber("seconds", values.seconds),
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    keep: values.keep === undefined ? undefined : resolve(values.keep),
    folder: values.dir,
  };
}

function listOf(flag: string, words: readonly string[], text: string): string[] {
  const given = text.split(",");
  const unknown = given.find((word) => !words.includes(word));
  if (unknown !== undefined) throw new Error(`--${flag} takes ${words.join(", ")}, got '${unknown}'`);
  return given;
}

/** A part that fails leaves a problem behind and doesn't keep the others from being measured. */
async function measureAll(
  options: Options,
  scratch: Scratch,
  engine: Engine,
  findings: Findings,
): Promise<void> {
  const { only, rounds, pairs, seconds, sizes } = options;
  const measures: Record<(typeof parts)[number], () => Promise<void>> = {
    arrival: () => measureArrival(scratch, engine, { rounds, seconds }, findings),
    idle: () => measureIdle(scratch, engine, { pairs, seconds }, findings),
    "fan-out": () => measureFanOut(scratch, engine, { rounds, seconds }, findings),
    pages: () => measurePages(engine, { rounds, sizes }, findings),
  };
  for (const part of parts.filter((each) => only.includes(each))) {
    console.error(`bench: ${part} on ${engine.name}`);
    try {
      await measures[part]();
    } catch (error) {
      killChildren(scratch);
      findings.problems.push(`${part} on ${engine.name}: ${reason(error)}`);
    }
  }
}
