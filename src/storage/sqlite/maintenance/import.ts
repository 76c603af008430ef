/**
 * Takes messages into a database file without a server: large transactions, checkpoints in between.
 * It holds the file's lock for as long as it runs, and whatever stops it leaves a file that the
 * next run goes on with.
 */
import type { Database } from "bun:sqlite";
import { dirname } from "node:path";
import type { EventToImport, Import, ImportRecord, MessageToImport } from "../../../core/maintenance.ts";
import type { Outcome } from "../../../core/store.ts";
import type { OnUpgrade } from "../../../core/upgrade.ts";
import { type Clock, isoTicker } from "../../../lib/clock.ts";
import { syncFolder } from "../../../lib/sync-folder.ts";
import {
  CHECKPOINT_AT_PAGES,
  checkpoint,
  isNew,
  openForWriting,
  prepareFolder,
} from "../connection/files.ts";
import { FilesInPlace } from "../connection/files-in-place.ts";
import { type FileLock, lockFile } from "../connection/lock.ts";
import { migrate } from "../connection/schema.ts";
import { follow } from "../derived/offline-index.ts";
import { claimedNames } from "../ingest/claims.ts";
import { Logs } from "../ingest/logs.ts";
import type { PostBody } from "../ingest/post-log.ts";

const TRANSACTION_ROWS = 25_000;
const CACHE_KIB = 64 * 1024;

/**
 * Opens the database of an import, which is made when missing; throws `DatabaseInUse` while a
 * server has it.
 */
export function openImport(path: string, clock: Clock, onUpgrade: OnUpgrade): Import {
  prepareFolder(path);
  const lock = lockFile(path);
  try {
    // A log without its database is refused.
    isNew(path);
    const db = openForWriting(path);
    db.run(`pragma cache_size = -${CACHE_KIB}`);
    const upgrade = migrate(db, path);
    if (upgrade !== undefined) onUpgrade(upgrade);
    syncFolder(dirname(path));
    return new SqliteImport({ path, db, lock, clock, onUpgrade });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Opened {
  readonly path: string;
  readonly db: Database;
  readonly lock: FileLock;
  readonly clock: Clock;
  readonly onUpgrade: OnUpgrade;
}

/**
 * All that a method does is done when it returns, so that an interruption has nothing to wait for.
 */
class SqliteImport implements Import {
  readonly committed = { messages: noCounts(), events: noCounts() };
  #uncommitted: { readonly of: "messages" | "events"; readonly outcome: Outcome }[] = [];
  readonly #path: string;
  readonly #onUpgrade: OnUpgrade;
  readonly #db: Database;
  readonly #lock: FileLock;
  readonly #files: FilesInPlace;
  readonly #logs: Logs;
  readonly #now: () => string;
  readonly #claimed: ReadonlySet<string>;
  #body: { readonly delivery: number; readonly body: PostBody } | undefined;

  constructor({ path, db, lock, clock, onUpgrade }: Opened) {
    this.#path = path;
    this.#onUpgrade = onUpgrade;
    this.#db = db;
    this.#lock = lock;
    this.#files = new FilesInPlace(path);
    this.#logs = new Logs(db);
    this.#now = isoTicker(clock);
    this.#claimed = claimedNames(db);
  }

  async append(record: ImportRecord): Promise<Outcome | { readonly problem: string } | undefined> {
    if ("body" in record) {
      this.#commitFull();
      this.#body = { delivery: record.delivery, body: { read: () => record.body, headers: record.headers } };
      return undefined;
    }
    const problem = this.#problemOf(record);
    if (problem !== undefined) return { problem };
    if (this.#uncommitted.length === 0) this.#logs.messages.begin();
    const outcome = "event" in record ? this.#event(record) : this.#message(record);
    this.#uncommitted.push({ of: "event" in record ? "events" : "messages", outcome });
    // A POST's parts become visible together, as a server stores them.
    if ("message" in record && record.part === undefined) this.#commitFull();
    return outcome;
  }

  #commitFull(): void {
    if (this.#uncommitted.length >= TRANSACTION_ROWS) this.#commit();
  }

  #problemOf(record: MessageToImport | EventToImport): string | undefined {
    const part = "event" in record ? { ...record, span: record.event.span } : record.part;
    if (part === undefined) {
      const { message_id } = (record as MessageToImport).message;
      const name = message_id.slice(0, Math.max(0, message_id.indexOf(":")));
      return this.#claimed.has(name)
        ? `message_id: what begins with ${name}: is the source ${name}'s`
        : undefined;
    }
    if (this.#body?.delivery !== part.delivery)
      return `delivery: ${part.delivery} did not come right before it`;
    const { start, end } = part.span;
    return start <= end && end <= this.#body.body.read().length
      ? undefined
      : `stop: the delivery has no bytes from ${start} to ${end}`;
  }

  #message({ message, seq, createdAt = this.#now(), part }: MessageToImport): Outcome {
    if (part === undefined || this.#body === undefined)
      return this.#logs.messages.append(message, createdAt, null, seq);
    return this.#logs.posts.appendMessage(message, createdAt, { ...part, body: this.#body.body }, seq);
  }

  #event({ event, source, seq, createdAt }: EventToImport): Outcome {
    const body = this.#body?.body ?? { read: () => new Uint8Array() };
    return this.#logs.posts.appendEvent(event, createdAt, { source, body }, seq);
  }

  async commit(): Promise<void> {
    this.#commit();
  }

  #commit(): void {
    if (this.#uncommitted.length === 0) return;
    this.#logs.messages.commit();
    this.#files.check();
    for (const { of, outcome } of this.#uncommitted) this.committed[of][outcome]++;
    this.#uncommitted = [];
    if (checkpoint(this.#db, "noop").walPages >= CHECKPOINT_AT_PAGES) checkpoint(this.#db, "passive");
  }

  async *follow(): AsyncGenerator<number, void> {
    yield* follow(this.#path, this.#onUpgrade);
  }

  /** Nothing that is stored depends on it. */
  async close(): Promise<void> {
    try {
      this.#logs.messages.rollback(this.#db);
      this.#logs.close();
      this.#db.close();
    } catch {
      // After a failure of the disk, which the caller knows.
    } finally {
      this.#lock.release();
    }
  }
}

function noCounts(): Record<Outcome, number> {
  return { created: 0, duplicate: 0, differs: 0, conflict: 0 };
}
