// Measures parts on each engine that is asked for, and prints what was found. A part that fails
// leaves a problem behind and doesn't keep the others from being measured.

import { loadavg, tmpdir } from "node:os";
import { resolve } from "node:path";
import { listOf, reason, requirePackages, wholeNumber, withScratch } from "../command-line.ts";
import { targetTable } from "../growth/report.ts";
import { fileSystemType, isMemory, machineLine } from "../machine.ts";
import type { Series } from "../messages.ts";
import { startPostgres, stopPostgres } from "../postgres/server.ts";
import { killChildren, type Scratch } from "../scratch.ts";
import { openText } from "../text.ts";
import { type Engine, postgres, sqlite } from "./engines.ts";
import { Findings } from "./findings.ts";

export const engineNames = ["sqlite", "postgres"] as const;
/** More than the loads write in a second. */
const walMiBPerSecond = 96;

/** What all messages come from. */
const series: Series = { seed: 1, ids: "random", senders: 10_000, source: openText() };

type Plan = {
  engines: string[];
  /** Of the longest load. */
  seconds: number;
  folder: string;
  /** Where SQLite's built databases stay, if they do. */
  keep: string | undefined;
  /** What the header says of rounds and times. */
  line: string;
};
/** The flags that all such benchmarks have, for `parseArgs`. */
export const engineFlags = {
  engines: { type: "string", default: engineNames.join(",") },
  only: { type: "string" },
  rounds: { type: "string", default: "3" },
  seconds: { type: "string", default: "10" },
  keep: { type: "string" },
  dir: { type: "string", default: tmpdir() },
} as const;
type EngineFlags = Record<"engines" | "rounds" | "seconds" | "dir", string> & {
  only?: string;
  keep?: string;
};

/** What they say; without `only` it is every part. */
export function readEngineFlags(flags: EngineFlags, parts: readonly string[]) {
  return {
    engines: listOf("engines", engineNames, flags.engines),
    only: listOf("only", parts, flags.only ?? parts.join(",")),
    rounds: wholeNumber("rounds", flags.rounds),
    seconds: wholeNumber("seconds", flags.seconds),
    keep: flags.keep === undefined ? undefined : resolve(flags.keep),
    folder: flags.dir,
  };
}

/** Each part by its name. */
type Measures = Record<string, () => Promise<void>>;

/** Ends with exit code 1 when anything was invalid. */
export async function measureOnEngines(
  plan: Plan,
  measuresOf: (scratch: Scratch, engine: Engine, findings: Findings) => Measures,
): Promise<void> {
  const { engines, seconds, folder, keep, line } = plan;
  requirePackages([]);
  await withScratch(folder, async (scratch) => {
    const header = [machineLine(scratch.folder, new Date())];
    const findings = new Findings();
    const measureAll = async (engine: Engine) => {
      for (const [part, measure] of Object.entries(measuresOf(scratch, engine, findings))) {
        console.error(`bench: ${part} on ${engine.name}`);
        const before = findings.problems.length;
        try {
          await measure();
        } catch (error) {
          killChildren(scratch);
          findings.problems.push(reason(error));
        }
        const problems = findings.problems.splice(before);
        findings.problems.push(...problems.map((each) => `${part} on ${engine.name}: ${each}`));
      }
    };
    if (engines.includes("sqlite")) await measureAll(sqlite(scratch, series, keep ?? scratch.folder));
    if (engines.includes("postgres")) {
      const running = await startPostgres(folder, walMiBPerSecond * seconds, {});
      header.push(running.line);
      try {
        await measureAll(postgres(scratch, series, running));
      } finally {
        killChildren(scratch);
        await stopPostgres(running);
      }
    }
    if (isMemory(fileSystemType(folder)))
      findings.problems.push("the databases were in memory, where an fsync costs nothing");
    header.push(`${line}; load average at the end ${loadavg()[0]?.toFixed(2)}`);
    console.log([header.join(" · "), findings.table(), targetTable(findings.targets())].join("\n\n"));
    for (const problem of findings.problems) console.log(`\nINVALID: ${problem}`);
    return findings.problems.length > 0 ? 1 : 0;
  });
}

/** The parts that are asked for, in their own order. */
export function only(names: readonly string[], measures: Measures): Measures {
  return Object.fromEntries(Object.entries(measures).filter(([name]) => names.includes(name)));
}
