// `bun bench/designs.ts`: designs of the acknowledging transaction, in tables of different sizes.
// They take turns on the same growing table, so that only their ratios count; what the service does
// around the transaction isn't in it.

import { Database } from "bun:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readOptions, withScratch } from "./command-line.ts";
import { type Design, designs, keyStore, type Row, tables } from "./designs/stores.ts";
import { type Measured, measureDesign } from "./designs/writer-loop.ts";
import { machineLine } from "./machine.ts";
import { firstInstantMs, type IdKind, idKinds, messages, type Series } from "./messages.ts";
import { median } from "./report.ts";
import type { Scratch } from "./scratch.ts";
import { openText } from "./text.ts";

const usage =
  "usage: bun bench/designs.ts [--sizes 0,1000000,5000000,10000000] [--ids random,time] [--senders 10000] [--rounds 3] " +
  "[--only key,inbox 16k,…] [--dir FOLDER]";

type Options = {
  sizes: number[];
  ids: IdKind[];
  senders: number;
  rounds: number;
  only: Design[];
  folder: string;
};

const options = readOptions(parseOptions, usage);
await withScratch(options.folder, async (scratch) => {
  console.log(
    `${machineLine(scratch.folder, new Date())} · ${options.senders} senders, ${options.rounds} rounds\n`,
  );
  console.log(
    "| ids | messages | design | rows/s (min–max) | ÷ key | p50 ms | p99.9 ms | bytes/row | CPU µs/row |",
  );
  console.log("|---|--:|---|--:|--:|--:|--:|--:|--:|");
  for (const ids of options.ids) await measureIds(scratch, ids);
  console.log("");
  for (const { name, what } of options.only) console.log(`- ${name}: ${what}`);
  return 0;
});

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "0,1000000,5000000,10000000" },
      ids: { type: "string", default: idKinds.join(",") },
      senders: { type: "string", default: "10000" },
      rounds: { type: "string", default: "3" },
      only: { type: "string", default: designs.map(({ name }) => name).join(",") },
      dir: { type: "string", default: tmpdir() },
    },
  });
  const number = (text: string): number => {
    if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`'${text}' is no whole number`);
    return Number(text);
  };
  const among = <T>(all: readonly T[], nameOf: (one: T) => string, text: string): T => {
    const found = all.find((one) => nameOf(one) === text);
    if (found === undefined) throw new Error(`'${text}' is none of ${all.map(nameOf).join(", ")}`);
    return found;
  };
  return {
    sizes: values.sizes
      .split(",")
      .map(number)
      .sort((a, b) => a - b),
    ids: values.ids.split(",").map((text) => among(idKinds, (kind) => kind, text)),
    senders: number(values.senders),
    rounds: number(values.rounds),
    only: values.only.split(",").map((text) => among(designs, ({ name }) => name, text)),
    folder: values.dir,
  };
}

async function measureIds(scratch: Scratch, ids: IdKind): Promise<void> {
  const rows = endlessRows({ seed: 1, ids, senders: options.senders, source: openText(undefined) });
  const paths = new Map<Design["table"], string>();
  for (const { table } of options.only) {
    const path = join(scratch.folder, `${table}-${ids}.db`);
    if (paths.has(table)) continue;
    paths.set(table, path);
    using db = openUnsafe(path);
    db.run(tables[table]);
  }
  for (const size of options.sizes) {
    for (const path of paths.values()) grow(path, size, rows);
    const found = new Map<Design, Measured[]>(options.only.map((design) => [design, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (const [design, measured] of found)
        measured.push(await measureDesign(paths.get(design.table) as string, design, rows));
    }
    report(ids, size, found);
  }
}

function report(ids: IdKind, size: number, found: ReadonlyMap<Design, Measured[]>): void {
  const rates = [...found].map(([, measured]) => measured.map(({ perSecond }) => perSecond));
  for (const [index, [{ name }, measured]] of [...found].entries()) {
    const own = rates[index] as number[];
    const ratios = own.map((rate, round) => rate / (rates[0]?.[round] as number));
    const middle = (figure: keyof Measured) => median(measured.map((each) => each[figure]));
    const whole = (value: number) => Math.round(value).toLocaleString("en-US");
    const cells = [
      ids,
      size.toLocaleString("en-US"),
      name,
      `${whole(median(own))} (${whole(Math.min(...own))}–${whole(Math.max(...own))})`,
      median(ratios).toFixed(2),
      middle("p50").toFixed(2),
      middle("p999").toFixed(1),
      whole(middle("bytesRow")),
      middle("cpuUsRow").toFixed(1),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function* endlessRows(series: Series): Generator<Row> {
  const stretch = { first: 0, count: Number.MAX_SAFE_INTEGER, firstInstantMs, msPerMessage: 350 };
  let seq = 0;
  for (const { message_id, from, to, ts, text } of messages(series, stretch)) {
    yield [message_id, from, to, ts, text, ts, ++seq, ts.slice(0, -1)];
  }
}

/** Message by message, as the table would have grown, but without syncs. */
function grow(path: string, size: number, rows: Iterator<Row>): void {
  using db = openUnsafe(path);
  const { n } = db.query("select count(*) as n from messages").get() as { n: number };
  const { insert } = keyStore(db);
  db.run("begin");
  for (let count = n; count < size; count++) insert([rows.next().value as Row]);
  db.run("commit");
}

function openUnsafe(path: string): Database {
  const db = new Database(path, { create: true, readwrite: true });
  for (const pragma of ["journal_mode = off", "synchronous = off", "cache_size = -1000000"])
    db.run(`pragma ${pragma}`);
  return db;
}
