// Databases of a given size, each built once by `postern import` and only ever copied from then on.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { firstInstantMs, type Message, messages, type Series } from "../messages.ts";
import { writePieces } from "../pieces.ts";
import { type Scratch, track } from "../scratch.ts";
import { databaseName, posternCommand, serverKind, startServer, stopServer } from "../servers.ts";
import { type Facts, Tally } from "./facts.ts";
import { type Findings, Notebook } from "./figures.ts";
import { untilCaughtUp } from "./lag.ts";
import { rareTimes, rareWord, readCases, yearMs } from "./read-cases.ts";

const importMsMax = 7_200_000;
/** A kept database may have to be brought to a newer schema first. */
const settleMsMax = 1_800_000;
const factsName = "facts.json";

export type Built = { folder: string; facts: Facts };
/** Kept with the facts, because a database that is used again isn't timed again. */
type Kept = Facts & { importSeconds: number; caughtUpSeconds: number };

/**
 * Builds what `parent` doesn't hold yet of a size; the database is caught up and closed when this
 * resolves.
 */
export async function build(
  scratch: Scratch,
  parent: string,
  series: Series,
  size: number,
): Promise<{ built: Built; findings: Findings }> {
  const folder = join(parent, folderName(series, size));
  const factsPath = join(folder, factsName);
  const notebook = new Notebook(size);
  const imported = existsSync(factsPath) ? null : await importAll(scratch, folder, series, size);
  const sizes = await settle(scratch, folder, notebook);
  if (imported !== null) writeFileSync(factsPath, JSON.stringify(imported satisfies Kept));
  const { importSeconds, caughtUpSeconds, ...facts } = JSON.parse(readFileSync(factsPath, "utf8")) as Kept;
  const note = imported === null ? "when it was built" : undefined;
  notebook.note("import, stored", size / importSeconds, "/s", note);
  notebook.note("import, caught up", size / caughtUpSeconds, "/s", note);
  noteSizes(notebook, facts, sizes);
  return { built: { folder, facts }, findings: notebook };
}

/** Different messages are never taken for each other's, whatever the folder holds. */
function folderName({ seed, ids, senders, source }: Series, size: number): string {
  const recipe = Bun.hash(JSON.stringify([seed, senders, source.digest])).toString(16);
  return `${ids}-${size}-${recipe}`;
}

/** The messages of a database of that size. */
export function storedMessages(series: Series, size: number): Generator<Message> {
  const planted = { word: rareWord, times: rareTimes };
  const stretch = { first: 0, count: size, firstInstantMs, msPerMessage: yearMs / size, planted };
  return messages(series, stretch);
}

async function importAll(scratch: Scratch, folder: string, series: Series, size: number): Promise<Kept> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const path = join(scratch.folder, `${size}.ndjson`);
  const tally = new Tally(readCases(size, series.senders));
  console.error(`bench: writing ${size} messages`);
  await writePieces(path, tally.lines(storedMessages(series, size)));
  const times = await runImport(scratch, path, join(folder, databaseName));
  rmSync(path);
  return { ...tally.facts(), ...times };
}

/**
 * The seconds until everything was stored, and until it was indexed too, as the command itself
 * says.
 */
async function runImport(
  scratch: Scratch,
  path: string,
  databasePath: string,
): Promise<Pick<Kept, "importSeconds" | "caughtUpSeconds">> {
  const child = Bun.spawn(posternCommand("import", path), {
    env: { DATABASE_URL: `sqlite:///${databasePath}` },
    stdout: "pipe",
    stderr: "inherit",
    timeout: importMsMax,
  });
  const output = (await track(scratch, child).stdout.text()).trim();
  if ((await child.exited) !== 0) throw new Error(`postern import failed: ${output}`);
  console.error(`bench: import: ${output.replaceAll("\n", "; ")}`);
  const [, stored, indexed] = /^stored in ([\d.]+) s, indexed in ([\d.]+) s$/m.exec(output) ?? [];
  if (stored === undefined || indexed === undefined) throw new Error(`postern import said ${output}`);
  return { importSeconds: Number(stored), caughtUpSeconds: Number(stored) + Number(indexed) };
}

/** Serves the database until nothing lags behind, so that no copy of it has to make up for that. */
async function settle(scratch: Scratch, folder: string, notebook: Notebook): Promise<FileSizes> {
  const server = await startServer(serverKind("postern"), scratch, folder, { msMax: settleMsMax });
  await untilCaughtUp(server);
  const sizes = fileSizes(folder);
  notebook.complain(await stopServer(server));
  return sizes;
}

type FileSizes = Record<"database" | "side files" | "log", number>;

/** Bytes of the database, of the files beside it and of the write-ahead logs. */
function fileSizes(folder: string): FileSizes {
  const sizes: FileSizes = { database: 0, "side files": 0, log: 0 };
  for (const name of readdirSync(folder).filter((each) => each.startsWith(databaseName))) {
    const kind = name === databaseName ? "database" : name.endsWith("-wal") ? "log" : "side files";
    sizes[kind] += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sizes;
}

function noteSizes(notebook: Notebook, { size, jsonBytes }: Facts, sizes: FileSizes): void {
  notebook.note("JSON bytes/message", jsonBytes / size, "B");
  for (const kind of ["database", "side files", "log"] as const) {
    const note = `${(sizes[kind] / 2 ** 20).toFixed(1)} MiB, ${(sizes[kind] / jsonBytes).toFixed(2)} × JSON`;
    notebook.note(`${kind} bytes/message`, sizes[kind] / size, "B", note);
  }
  const ratio = (sizes.database + sizes["side files"]) / jsonBytes;
  notebook.note("database and side files ÷ JSON", ratio, "×");
}

/**
 * Lets a part work on a copy of a closed database that it may change; the copy is on the disk
 * before it begins.
 */
export async function withCopy<Result>(
  scratch: Scratch,
  built: Built,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(scratch.folder, "copy-"));
  try {
    const names = readdirSync(built.folder).filter((name) => name.startsWith(databaseName));
    const paths = names.map((name) => join(built.folder, name));
    const argv = ["cp", "--reflink=auto", ...paths, folder];
    const child = track(scratch, Bun.spawn(argv, { stderr: "inherit" }));
    if ((await child.exited) !== 0) throw new Error("the database couldn't be copied");
    for (const name of names) await syncFile(join(folder, name));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the system has not written yet would be written during a measurement. */
async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}
