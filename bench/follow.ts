// `bun bench/follow.ts`: what it takes to follow the log: how soon a stream has a message, what
// streams cost those who send, and pages of long logs. A message that a stream lacks, or a lost
// one, makes the exit code 1.

import { parseArgs } from "node:util";
import { ascending, readOptions, wholeNumber } from "./command-line.ts";
import { measureIdle } from "./follow/idle.ts";
import { measureArrival, measureFanOut } from "./follow/live.ts";
import { engineFlags, engineNames, measureOnEngines, only, readEngineFlags } from "./follow/on-engines.ts";
import { measurePages } from "./follow/pages.ts";

const parts = ["arrival", "idle", "fan-out", "pages"] as const;
const usage =
  `usage: bun bench/follow.ts [--engines ${engineNames.join(",")}] [--only ${parts.join(",")}] [--rounds 3] [--pairs 7] ` +
  "[--seconds 10] [--sizes 10000,1000000] [--keep FOLDER] [--dir FOLDER]";

const options = readOptions(parseOptions, usage);
const { rounds, pairs, seconds, sizes } = options;
const line = `${rounds} rounds, ${pairs} of ingest, of ${seconds} s`;
await measureOnEngines({ ...options, line }, (scratch, engine, findings) =>
  only(options.only, {
    arrival: () => measureArrival(scratch, engine, { rounds, seconds }, findings),
    idle: () => measureIdle(scratch, engine, { pairs, seconds }, findings),
    "fan-out": () => measureFanOut(scratch, engine, { rounds, seconds }, findings),
    pages: () => measurePages(engine, { rounds, sizes }, findings),
  }),
);

function parseOptions() {
  const { values } = parseArgs({
    options: {
      ...engineFlags,
      pairs: { type: "string", default: "7" },
      sizes: { type: "string", default: "10000,1000000" },
    },
  });
  return {
    ...readEngineFlags(values, parts),
    pairs: wholeNumber("pairs", values.pairs),
    sizes: ascending("sizes", values.sizes),
  };
}
