// Measures parts on each engine that is asked for, and prints what was found. A part that fails
// leaves a problem behind and doesn't keep the others from being measured.

import { loadavg } from "node:os";
import { reason, requirePackages, withScratch } from "../command-line.ts";
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
        try {
          await measure();
        } catch (error) {
          killChildren(scratch);
          findings.problems.push(`${part} on ${engine.name}: ${reason(error)}`);
        }
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
