// `bun bench/deliver.ts`: what destinations get and what they cost: records a second against a bare
// loop of the same client, how soon a message alone is there, what those who send notice, and
// memory while a long log is caught up with. A record that a receiver lacks, or got twice, makes
// the exit code 1.

import { parseArgs } from "node:util";
import { ascending, readOptions, wholeNumber } from "./command-line.ts";
import { measureAlone, measureIngest } from "./deliver/live.ts";
import { measureMemory, measureRate } from "./deliver/rate.ts";
import { engineFlags, engineNames, measureOnEngines, only, readEngineFlags } from "./follow/on-engines.ts";

const parts = ["rate", "alone", "ingest", "memory"] as const;
const usage =
  `usage: bun bench/deliver.ts [--engines ${engineNames.join(",")}] [--only ${parts.join(",")}] [--rounds 3] [--pairs 5] ` +
  "[--seconds 10] [--records 100000] [--behind 10000,1000000] [--keep FOLDER] [--dir FOLDER]";

const options = readOptions(parseOptions, usage);
const { rounds, pairs, seconds, records, behind } = options;
const line = `${rounds} rounds of ${records} records, ${pairs} pairs of ingest, loads of ${seconds} s`;
await measureOnEngines({ ...options, line }, (scratch, engine, findings) =>
  only(options.only, {
    rate: () => measureRate(scratch, engine, { rounds, records }, findings),
    alone: () => measureAlone(scratch, engine, { rounds, seconds }, findings),
    ingest: () => measureIngest(scratch, engine, { rounds: pairs, seconds }, findings),
    memory: () => measureMemory(scratch, engine, { behind }, findings),
  }),
);

function parseOptions() {
  const { values } = parseArgs({
    options: {
      ...engineFlags,
      pairs: { type: "string", default: "5" },
      records: { type: "string", default: "100000" },
      behind: { type: "string", default: "10000,1000000" },
    },
  });
  return {
    ...readEngineFlags(values, parts),
    pairs: wholeNumber("pairs", values.pairs),
    records: wholeNumber("records", values.records),
    behind: ascending("behind", values.behind),
  };
}
