// `bun bench/search-designs.ts`: what a search index costs to build and to keep, and what a search
// costs then: Postern's segments, FTS5's trigrams and a scan, on the same texts. Every count is
// held to what the generator counted.

import type { Database } from "bun:sqlite";
import { rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fold } from "../src/core/fold.ts";
import { openForReading, openForWriting } from "../src/storage/sqlite/connection/files.ts";
import { migrate } from "../src/storage/sqlite/connection/schema.ts";
import { INDEX_LIMITS } from "../src/storage/sqlite/derived/followers.ts";
import { indexPath, openIndex } from "../src/storage/sqlite/derived/index-file.ts";
import { readOptions, wholeNumber, withScratch } from "./command-line.ts";
import { type SearchDesign, type SearchIndex, searchDesigns } from "./designs/search.ts";
import { storedMessages } from "./growth/build.ts";
import { rareWord } from "./growth/read-cases.ts";
import { machineLine } from "./machine.ts";
import { median, spread } from "./report.ts";
import { databaseName } from "./servers.ts";
import { openText } from "./text.ts";

const usage = "usage: bun bench/search-designs.ts [--size 1000000] [--rounds 3] [--dir FOLDER]";
const senders = 10_000;
/** As the follower has. */
const cacheKib = 16 * 1024;
const warmUps = 3;
const samples = 20;
/** A slow search gets fewer samples. */
const searchMsMax = 3_000;

type Word = { title: string; q: string };
const words: readonly Word[] = [
  { title: `a rare word (\`${rareWord}\`)`, q: rareWord },
  { title: "a word that isn't there", q: "bergamotta" },
  { title: "a frequent word (`you`)", q: "you" },
  { title: "a part of words (`mor`)", q: "mor" },
  { title: "one character (`e`)", q: "e" },
  { title: "two characters (`th`)", q: "th" },
];

/** `counts`: how many texts hold each of the words. */
type Log = { path: string; textBytes: number; counts: Map<Word, number> };
type Measured = {
  usRow: number;
  cpuUsRow: number;
  liveBytes: number;
  fileBytes: number;
  /** Null: the design can't. */
  ms: Map<Word, number | null>;
};

const options = readOptions(() => {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "3" },
      dir: { type: "string", default: tmpdir() },
    },
  });
  return {
    size: wholeNumber("size", values.size),
    rounds: wholeNumber("rounds", values.rounds),
    dir: values.dir,
  };
}, usage);

await withScratch(options.dir, async (scratch) => {
  const header = machineLine(scratch.folder, new Date());
  const log = writeLog(join(scratch.folder, databaseName));
  const found = new Map<SearchDesign, Measured[]>(searchDesigns.map((design) => [design, []]));
  const problems: string[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const [design, measured] of found) {
      console.error(`bench: round ${round}, ${design.name}`);
      measured.push(measure(log, design, problems));
    }
  }
  print(header, log, found);
  for (const problem of problems) console.log(`INVALID: ${problem}`);
  return problems.length === 0 ? 0 : 1;
});

/** The messages of the growth benchmark, in tables of Postern's. */
function writeLog(path: string): Log {
  console.error(`bench: writing ${options.size} messages`);
  const counts = new Map(words.map((word) => [word, 0]));
  let [seq, textBytes] = [0, 0];
  using db = openForWriting(path);
  db.run("pragma synchronous = off");
  migrate(db, path);
  const insert = db.query(
    `insert into messages (message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const series = { seed: 1, ids: "random" as const, senders, source: openText() };
  db.transaction(() => {
    for (const { message_id, from, to, ts, text } of storedMessages(series, options.size)) {
      insert.run(message_id, from, to, ts, text, ts, ++seq, ts.slice(0, -1));
      textBytes += Buffer.byteLength(text);
      const folded = fold(text);
      for (const [word, count] of counts) if (folded.includes(word.q)) counts.set(word, count + 1);
    }
  })();
  db.run("pragma wal_checkpoint(truncate)");
  return { path, textBytes, counts };
}

function measure(log: Log, design: SearchDesign, problems: string[]): Measured {
  using source = openForReading(log.path);
  const db = openIndex(source, log.path, 1, cacheKib);
  if (db === undefined) throw new Error("the index file can't be made");
  const index = design.open(db);
  const path = indexPath(log.path, 1);
  try {
    const built = build(index);
    db.run("pragma wal_checkpoint(truncate)");
    const sizes = { liveBytes: bytesOf(db, design), fileBytes: statSync(path).size };
    const ms = new Map(
      [...log.counts].map(([word, expected]) => {
        const { count, ms } = search(index, word.q);
        if (count !== null && count !== expected)
          problems.push(`${design.name}: ${count} instead of ${expected} for ${word.title}`);
        return [word, ms];
      }),
    );
    return { ...built, ...sizes, ms };
  } finally {
    db.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  }
}

/** In steps as large as a follower's that is behind. */
function build(index: SearchIndex): Pick<Measured, "usRow" | "cpuUsRow"> {
  const [startedNs, cpuBefore] = [Bun.nanoseconds(), process.cpuUsage()];
  for (let after = 0; after < options.size; after += INDEX_LIMITS.stepRows.search)
    index.take(after, Math.min(options.size, after + INDEX_LIMITS.stepRows.search));
  const { user, system } = process.cpuUsage(cpuBefore);
  const us = (Bun.nanoseconds() - startedNs) / 1000;
  return { usRow: us / options.size, cpuUsRow: (user + system) / options.size };
}

function bytesOf(db: Database, design: SearchDesign): number {
  const sql = "select name, sum(pgsize) as bytes from dbstat group by name";
  const tables = db.query<{ name: string; bytes: number }, []>(sql).all();
  return tables.filter(({ name }) => design.owns(name)).reduce((sum, { bytes }) => sum + bytes, 0);
}

function search(index: SearchIndex, word: string): { count: number | null; ms: number | null } {
  const count = index.count(fold(word));
  if (count === null) return { count, ms: null };
  const times: number[] = [];
  const deadline = performance.now() + searchMsMax;
  for (let done = 0; done < warmUps + samples; done++) {
    if (performance.now() > deadline && times.length > 0) break;
    const startedNs = Bun.nanoseconds();
    index.count(fold(word));
    if (done >= warmUps || performance.now() > deadline)
      times.push((Bun.nanoseconds() - startedNs) / 1_000_000);
  }
  return { count, ms: median(times) };
}

function print(header: string, log: Log, found: ReadonlyMap<SearchDesign, Measured[]>): void {
  const size = options.size.toLocaleString("en-US");
  const mean = (log.textBytes / options.size).toFixed(1);
  console.log(`${header} · ${size} texts of ${mean} bytes, ${options.rounds} rounds, median (min–max)\n`);
  const all = [...found];
  const row = (title: string, cell: (measured: Measured[], design: SearchDesign) => string) =>
    console.log(`| ${[title, ...all.map(([design, measured]) => cell(measured, design))].join(" | ")} |`);
  const figure = (title: string, digits: number, of: (measured: Measured) => number) =>
    row(title, (measured, { name }) => (name === "instr scan" ? "–" : spread(measured.map(of), digits)));
  row("", (_, { name }) => name);
  console.log(`|---|${"--:|".repeat(all.length)}`);
  figure("to build, µs a row", 1, ({ usRow }) => usRow);
  figure("… of processor time", 1, ({ cpuUsRow }) => cpuUsRow);
  figure("bytes ÷ the texts' bytes", 2, ({ liveBytes }) => liveBytes / log.textBytes);
  figure("… with the file's free pages", 2, ({ fileBytes }) => fileBytes / log.textBytes);
  for (const [word, count] of log.counts) {
    row(`${word.title}, in ${count.toLocaleString("en-US")} texts, ms`, (measured) => {
      const times = measured.flatMap(({ ms }) => ms.get(word) ?? []);
      return times.length === 0 ? "can't" : spread(times, 2);
    });
  }
  console.log("");
  for (const [{ name, what }] of all) console.log(`- ${name}: ${what}`);
}
