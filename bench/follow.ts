// `bun bench/follow.ts`: what it takes to follow the log: how soon a stream has a message, what
// streams cost those who send, and pages of long logs. A message that a stream lacks, or a lost
// one, makes the exit code 1.

import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ascending, listOf, readOptions, wholeNumber } from "./command-line.ts";
import { measureIdle } from "./follow/idle.ts";
import { measureArrival, measureFanOut } from "./follow/live.ts";
import { engineNames, measureOnEngines, only } from "./follow/on-engines.ts";
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
  return {
    engines: listOf("engines", engineNames, values.engines),
    only: listOf("only", parts, values.only),
    rounds: wholeNumber("rounds", values.rounds),
    pairs: wholeNumber("pairs", values.pairs),
    seconds: wholeNumber("seconds", values.seconds),
    sizes: ascending("sizes", values.sizes),
    keep: values.keep === undefined ? undefined : resolve(values.keep),
    folder: values.dir,
  };
}
