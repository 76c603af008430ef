/**
 * The database's files and their folder. Inside the serving process they are only ever looked at
 * with `stat`.
 */
import { Database, type DatabaseOptions } from "bun:sqlite";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { StartRefused } from "../../../core/errors.ts";
import type { StoreFigures } from "../../../core/store.ts";
import { syncFolder } from "../../../lib/sync-folder.ts";
import { openFailure } from "./damage.ts";
import { makePrivate } from "./private-files.ts";
import { checkFile } from "./schema.ts";

/**
 * Only statements of this cache are freed when a database is closed; one that is left keeps the
 * file open.
 */
Database.MAX_QUERY_CACHE_SIZE = 200;

/**
 * Makes the folder of a new database, durably and for its owner alone; one that is there keeps its
 * mode. Throws `StartRefused` when it can't.
 */
export function prepareFolder(path: string): void {
  const folder = dirname(resolve(path));
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
  } catch (error) {
    throw new StartRefused(
      `can't make the folder ${folder}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** A checkpoint begins when the log holds so many. */
export const CHECKPOINT_AT_PAGES = 8192;
/** A page of 4,096 bytes and what the log says of it. */
const PAGE_IN_LOG_BYTES = 4120;
/**
 * What the log's file has room for from the start: it goes on growing until the checkpoint is done.
 */
const WAL_BYTES = 2 * CHECKPOINT_AT_PAGES * PAGE_IN_LOG_BYTES;
/** When the log holds so many, reads wait until it has started over. */
export const WAL_PAGES_MAX = 4 * CHECKPOINT_AT_PAGES;
/** What the writer copies itself, in a few milliseconds. */
export const REST_PAGES_MAX = 200;

/**
 * Gives the write-ahead log its full size before the first connection opens it. A sync of a file
 * that grows waits for the file system's journal, and for everybody else's data in it; overwriting
 * what is there does not. Zeros after the last valid frame mean nothing to SQLite, and what the log
 * holds stays. Without room for it the log is left as it is: it then grows as it is used.
 */
export function extendLog(path: string): void {
  makePrivate(`${path}-wal`, path);
  const descriptor = openSync(`${path}-wal`, "a");
  const { size } = fstatSync(descriptor);
  try {
    const zeros = Buffer.alloc(1024 * 1024);
    for (let end = size; end < WAL_BYTES; end += zeros.length) writeSync(descriptor, zeros);
    fdatasyncSync(descriptor);
  } catch {
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether the database has to be made. Throws `StartRefused` when its log is there without it:
 * SQLite would throw the log away for a new database, and with it what was acknowledged.
 */
export function isNew(path: string): boolean {
  if (sizeOf(path) > 0) return false;
  const log = `${path}-wal`;
  if (sizeOf(log) === 0) return true;
  throw new StartRefused(
    `there is ${log}, but no database ${path}: put the database back, or remove the log to begin with nothing`,
  );
}

/** Bytes of a file; 0 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

const LOG_HEADER_BYTES = 32;
/** How a log begins, but for the last bit, which is the order of bytes in its checksums. */
const LOG_MAGIC = 0x377f0682;

/**
 * Whether a log that shrank to so many bytes can still hold so many pages: who cuts it off leaves
 * it without its head, also when the writer has written beyond the cut since. SQLite has no locks
 * on this file that closing it would drop.
 */
export function holdsLog(path: string, bytes: number, pages: number): boolean {
  if (bytes < LOG_HEADER_BYTES + pages * PAGE_IN_LOG_BYTES) return false;
  const descriptor = openSync(`${path}-wal`, "r");
  try {
    const head = Buffer.alloc(4);
    readSync(descriptor, head);
    return ((head.readUInt32BE() ^ LOG_MAGIC) & ~1) === 0;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens the file, which is made when missing, for writing with the pragmas that the promise rests
 * on.
 */
export function openForWriting(path: string, create = true): Database {
  if (create) makePrivate(path);
  return opened(path, { create, readwrite: true, strict: true }, (db) => {
    db.run("pragma busy_timeout = 5000");
    db.run("pragma journal_mode = wal");
    db.run("pragma synchronous = full");
    db.run("pragma wal_autocheckpoint = 0");
    db.run("pragma cache_size = -16384");
  });
}

/**
 * The same with a file that is known to be there: where it isn't any more, none is made in its
 * place.
 */
export function openExisting(path: string): Database {
  return openForWriting(path, false);
}

/** Opens the file for reading only; needs no lock and may be done beside a running server. */
export function openForReading(path: string): Database {
  if (!existsSync(path)) throw new StartRefused(`there is no database at ${path}`);
  return opened(path, { readonly: true, strict: true }, (db) => {
    db.run("pragma busy_timeout = 5000");
    db.run("pragma query_only = on");
    // Without it a page of garbage may be taken for one that holds nothing.
    db.run("pragma cell_size_check = on");
    checkFile(db, path);
  });
}

/** Throws `StartRefused` where it is the file that is damaged. */
function opened(path: string, options: DatabaseOptions, prepare: (db: Database) => void): Database {
  const db = new Database(path, options);
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw openFailure(path, error);
  }
}

type CheckpointMode = "noop" | "passive" | "full" | "truncate";

export interface Checkpoint {
  readonly busy: boolean;
  /** Pages in the log. */
  readonly walPages: number;
  /** Those of them that are in the database file. */
  readonly copied: number;
  /** Those that are not in it yet. */
  readonly remaining: number;
}

/**
 * Copies the write-ahead log into the database file as far as the mode allows; reports what the log
 * holds.
 */
export function checkpoint(db: Database, mode: CheckpointMode): Checkpoint {
  const row = db
    .query<{ busy: number; log: number; checkpointed: number }, []>(`pragma wal_checkpoint(${mode})`)
    .get();
  const walPages = Math.max(0, row?.log ?? 0);
  const copied = Math.max(0, row?.checkpointed ?? 0);
  return { busy: row?.busy === 1, walPages, copied, remaining: walPages - copied };
}

/** Of the file system that holds the file; undefined where it doesn't say. */
export function diskOf(path: string): StoreFigures["disk"] {
  try {
    const { bsize, blocks, bavail } = statfsSync(dirname(resolve(path)));
    return { bytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
