// `bun bench/growth.ts`: how start, reads, ingest and files change from ten thousand messages to
// ten million. Every answer is held to what the generator knows; a wrong one, or a lost message,
// makes the exit code 1.

import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readOptions, reason, requirePackages, wholeNumber, withScratch } from "./command-line.ts";
import { type Built, build, storedMessages, withCopy } from "./growth/build.ts";
import type { Findings } from "./growth/figures.ts";
import { measureIngest, measureReference } from "./growth/ingest.ts";
import { type Prepared, prepareLoads } from "./growth/loads.ts";
import { measureMixed } from "./growth/mixed.ts";
import { readCases } from "./growth/read-cases.ts";
import { measureReads, measureStarts } from "./growth/reads.ts";
import { growthReport } from "./growth/report.ts";
import { referenceSize, targets } from "./growth/targets.ts";
import { fileSystemType, isMemory, machineLine } from "./machine.ts";
import { idKinds, type Series } from "./messages.ts";
import { killChildren, type Scratch } from "./scratch.ts";
import { openText } from "./text.ts";

const parts = ["start", "reads", "ingest", "mixed"] as const;
type Part = (typeof parts)[number];

const usage =
  "usage: bun bench/growth.ts [--sizes 10000,1000000,10000000] [--only start,reads,ingest,mixed] [--seconds 120] " +
  "[--ids random|time] [--senders 10000] [--seed 1] [--text FILE] [--keep FOLDER] [--rate 60000] [--dir FOLDER]";

type Options = {
  sizes: number[];
  only: Part[];
  seconds: number;
  rate: number;
  series: Series;
  keep: string | undefined;
  folder: string;
};

type Run = Findings & { options: Options; scratch: Scratch; prepared: Prepared | null };

await main(readOptions(parseOptions, usage));

async function main(options: Options): Promise<void> {
  requirePackages(options.only.includes("ingest") ? ["fastapi"] : []);
  await withScratch(options.folder, async (scratch) => {
    const header = machineLine(scratch.folder, new Date());
    const { figures, problems } = await measureAll(options, scratch);
    if (isMemory(fileSystemType(options.folder)))
      problems.push("the databases were in memory, where an fsync costs nothing");
    const { ids, senders } = options.series;
    console.log(`${header} · ids by ${ids}, ${senders} senders, ${options.seconds} s sustained\n`);
    console.log(growthReport(figures, options.sizes, targets(figures, options.sizes, ids)));
    for (const problem of problems) console.log(`\nINVALID: ${problem}`);
    return problems.length > 0 ? 1 : 0;
  });
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "10000,1000000,10000000" },
      only: { type: "string", default: parts.join(",") },
      seconds: { type: "string", default: "120" },
      ids: { type: "string", default: "random" },
      senders: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      rate: { type: "string", default: "60000" },
      text: { type: "string" },
      keep: { type: "string" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const sizes = values.sizes.split(",").map((each) => wholeNumber("sizes", each));
  return {
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    only: values.only.split(",").map((each) => oneOf("only", parts, each)),
    seconds: wholeNumber("seconds", values.seconds),
    rate: wholeNumber("rate", values.rate),
    series: {
      seed: wholeNumber("seed", values.seed),
      ids: oneOf("ids", idKinds, values.ids),
      senders: wholeNumber("senders", values.senders),
      source: openText(values.text),
    },
    keep: values.keep === undefined ? undefined : resolve(values.keep),
    folder: values.dir,
  };
}

function oneOf<Word extends string>(flag: string, words: readonly Word[], text: string): Word {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new Error(`--${flag} takes ${words.join(", ")}, got '${text}'`);
  return word;
}

async function measureAll(options: Options, scratch: Scratch): Promise<Findings> {
  const { series, only, seconds, rate } = options;
  const sends = only.includes("ingest") || only.includes("mixed");
  const prepared = sends ? await prepareLoads(scratch, series, seconds, rate) : null;
  const run: Run = { options, scratch, prepared, figures: [], problems: [] };
  if (prepared && only.includes("ingest"))
    await attempt(run, 0, "ingest", () => measureIngest(scratch, join(scratch.folder, "empty"), 0, prepared));
  for (const size of options.sizes) await measureSize(run, size);
  return run;
}

async function measureSize(run: Run, size: number): Promise<void> {
  const { options, scratch } = run;
  let built: Built | undefined;
  await attempt(run, size, "build", async () => {
    const made = await build(scratch, options.keep ?? scratch.folder, options.series, size);
    built = made.built;
    return made.findings;
  });
  if (built === undefined) return;
  await measureBuilt(run, built);
  if (options.keep === undefined) rmSync(built.folder, { recursive: true });
}

async function measureBuilt(run: Run, built: Built): Promise<void> {
  const { options, scratch, prepared } = run;
  const { facts } = built;
  const cases = readCases(facts.size, options.series.senders);
  const onCopy = (part: Part, work: (folder: string) => Promise<Findings>): Promise<void> =>
    options.only.includes(part)
      ? attempt(run, facts.size, part, () => withCopy(scratch, built, work))
      : Promise.resolve();
  await onCopy("start", (folder) => measureStarts(scratch, folder, facts));
  await onCopy("reads", (folder) => measureReads(scratch, folder, facts, cases));
  if (prepared === null) return;
  await onCopy("ingest", (folder) => measureIngest(scratch, folder, facts.size, prepared));
  if (options.only.includes("ingest") && facts.size === referenceSize(options.sizes)) {
    const rows = storedMessages(options.series, facts.size);
    await attempt(run, facts.size, "reference", () =>
      measureReference(scratch, facts.size, rows, prepared, run.figures),
    );
  }
  await onCopy("mixed", (folder) => measureMixed(scratch, folder, facts, cases, prepared));
}

/**
 * Takes what a part finds; a part that fails leaves a problem behind and doesn't keep the others
 * from running.
 */
async function attempt(run: Run, size: number, part: string, work: () => Promise<Findings>): Promise<void> {
  console.error(`bench: ${part} at ${size}`);
  const problem = (what: string): string => `${part} at ${size}: ${what}`;
  try {
    const { figures, problems } = await work();
    run.figures.push(...figures);
    run.problems.push(...problems.map(problem));
  } catch (error) {
    killChildren(run.scratch);
    run.problems.push(problem(reason(error)));
  }
}
