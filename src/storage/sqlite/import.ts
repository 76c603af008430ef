/**
 * Takes messages into a database file without a server: large transactions, checkpoints in between. It holds the
 * file's lock for as long as it runs, and whatever stops it leaves a file that the next run goes on with.
 */
import type { Database } from "bun:sqlite";
import { dirname, resolve } from "node:path";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/store.ts";
import { type Clock, isoTicker } from "../../lib/clock.ts";
import { syncFolder } from "../../lib/sync-folder.ts";
import { checkpoint, openForWriting, prepareFolder, WAL_PAGES_MAX } from "./files.ts";
import { follow } from "./follow.ts";
import { type FileLock, lockFile } from "./lock.ts";
import { MessageLog } from "./message-log.ts";
import { migrate } from "./schema.ts";

const TRANSACTION_ROWS = 25_000;
const CACHE_KIB = 64 * 1024;

/** A message with what it may bring along from the log that it was exported from. */
export interface ImportRecord {
  readonly message: Message;
  /** Taken over when later than every other in the log, else the record gets the next one. */
  readonly seq?: number;
  /** Taken over; without it the time of the import stands in its place. */
  readonly createdAt?: string;
}

/** Opens the database of an import, which is made when missing; throws `StartRefused` while a server has it. */
export function openImport(databasePath: string, clock: Clock): Import {
  const path = resolve(databasePath);
  prepareFolder(path);
  const lock = lockFile(path);
  try {
    const db = openForWriting(path);
    db.run(`pragma cache_size = -${CACHE_KIB}`);
    migrate(db, path);
    syncFolder(dirname(path));
    return new Import(path, db, lock, clock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

export class Import {
  /** Outcomes of what is on stable storage. */
  readonly committed: Record<Outcome, number> = { created: 0, duplicate: 0, differs: 0, conflict: 0 };
  #uncommitted: Outcome[] = [];
  readonly #path: string;
  readonly #db: Database;
  readonly #lock: FileLock;
  readonly #log: MessageLog;
  readonly #now: () => string;

  constructor(path: string, db: Database, lock: FileLock, clock: Clock) {
    this.#path = path;
    this.#db = db;
    this.#lock = lock;
    this.#log = new MessageLog(db);
    this.#now = isoTicker(clock);
  }

  /** Adds a record; it is on stable storage after the next `commit`, which comes by itself now and then. */
  append({ message, seq, createdAt }: ImportRecord): Outcome {
    if (this.#uncommitted.length === 0) this.#log.begin();
    const outcome = this.#log.append(message, createdAt ?? this.#now(), seq);
    this.#uncommitted.push(outcome);
    if (this.#uncommitted.length >= TRANSACTION_ROWS) this.commit();
    return outcome;
  }

  /** Returns once everything that was added is on stable storage. */
  commit(): void {
    if (this.#uncommitted.length === 0) return;
    this.#log.commit();
    for (const outcome of this.#uncommitted) this.committed[outcome]++;
    this.#uncommitted = [];
    if (checkpoint(this.#db, "noop").walPages >= WAL_PAGES_MAX) checkpoint(this.#db, "passive");
  }

  /** Brings the index up to what is stored, so that the next server need not; yields the row that it has come to. */
  follow(): Generator<number, void> {
    return follow(this.#path);
  }

  /** Closes the file; what was added since the last commit is taken back. Nothing that is stored depends on it. */
  close(): void {
    try {
      this.#log.rollback(this.#db);
      this.#log.close();
      this.#db.close();
    } catch {
      // After a failure of the disk, which the caller knows.
    } finally {
      this.#lock.release();
    }
  }
}
