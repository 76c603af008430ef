/**
 * The index file: everything that is derived from the log, in a database of its own beside it. It
 * holds nothing that the log doesn't, so it may be deleted at any time while no server runs: it is
 * then built anew. Its own write-ahead log is not synced at each commit; after a power failure its
 * followers go on from an earlier position.
 */
import { Database } from "bun:sqlite";
import { readdirSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { FOLD_VERSION } from "../../../core/fold-table.ts";
import type { OnUpgrade, Upgrade } from "../../../core/upgrade.ts";
import { systemClock } from "../../../lib/clock.ts";
import { PIECES_VERSION, SEARCH_CHECKSUMS, SEARCH_TABLES } from "../../../search/search.ts";
import { indexDamage, rowsDeleted } from "../connection/damage.ts";
import { countDeletions } from "../connection/deletions.ts";
import { makePrivate } from "../connection/private-files.ts";
import { EVENT_TABLES } from "./event-order.ts";
import { FOLLOWERS, type FollowerName, INDEX_LIMITS, type Positions } from "./followers.ts";
import { SENDER_TABLES } from "./sender-order.ts";
import { addStretches } from "./stretches.ts";
import { TIME_TABLES } from "./time-order.ts";

/** Another version means another layout: the file is then made anew. */
const INDEX_VERSION = 10;
/**
 * Of files that don't tell types apart, or know no sender's last message: they serve until one that
 * does has been made beside them.
 */
const WITHOUT_TYPES = 8;
const WITHOUT_LAST_MESSAGES = 9;
/** What the content depends on besides the log. */
const RULES = `fold ${FOLD_VERSION}, pieces ${PIECES_VERSION}`;
/**
 * A larger log would be synced at one go, and acknowledgements wait for the same disk meanwhile.
 */
const AUTOCHECKPOINT_PAGES = 1_000;

const TABLES = `
  create table followers (name text primary key, row integer not null, message_id text) without rowid;
  ${TIME_TABLES}
  ${SENDER_TABLES}
  ${SEARCH_TABLES}
  ${EVENT_TABLES}
  ${SEARCH_CHECKSUMS}
`;
/** The position of the follower of events, which counts in events. */
const EVENTS = "events";
/** What earlier versions lacked is added in place, by the version that lacked it. */
const COMPLETIONS: Readonly<Record<number, string>> = {
  5: `${EVENT_TABLES} insert into followers values ('${EVENTS}', 0, null);`,
  6: SEARCH_CHECKSUMS,
  7: `${addStretches(INDEX_LIMITS.stretchRows)}
    alter table identity add column deletions integer not null default 0;`,
};

/** The name of an index file; a rebuild makes the next number beside the one in use. */
export function indexPath(logPath: string, number: number): string {
  return `${logPath}-index${number}`;
}

/** Numbers of the index files that are there. */
export function indexNumbers(logPath: string): number[] {
  const prefix = `${basename(logPath)}-index`;
  return readdirSync(dirname(logPath))
    .filter((name) => name.startsWith(prefix) && /^[0-9]+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

/** Deletes an index file that nobody has open. */
export function removeIndex(logPath: string, number: number): void {
  for (const end of ["", "-wal", "-shm", "-journal"])
    rmSync(indexPath(logPath, number) + end, { force: true });
}

/**
 * Opens or makes an index file, the log attached to it as `log`; undefined when it can't serve this
 * log. `onUpgrade` is told of one of an earlier version, also when it can't serve any more. Throws
 * `Damaged`.
 */
export function openIndex(
  log: Database,
  logPath: string,
  number: number,
  cacheKib: number,
  onUpgrade: OnUpgrade = () => undefined,
): Database | undefined {
  const path = indexPath(logPath, number);
  makePrivate(path, logPath);
  const index = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    index.run("pragma busy_timeout = 5000");
    index.run("pragma journal_mode = wal");
    index.run("pragma synchronous = normal");
    index.run(`pragma wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`);
    index.run("pragma temp_store = memory");
    index.run(`pragma cache_size = -${cacheKib}`);
    if (index.query("select 1 from sqlite_schema limit 1").get() === null) create(log, index);
    const completed = complete(index);
    if (completed !== undefined) onUpgrade({ file: path, ...completed });
    const deleted = isDerivedFrom(index, log) ? deletedSince(index, countDeletions(log)) : 0;
    if (deleted > 0) throw rowsDeleted(deleted);
    if (deleted === 0 && serves(index, log)) {
      index.run("attach ? as log", [logPath]);
      return index;
    }
    const other = otherRules(index);
    if (other !== undefined) onUpgrade({ file: path, ...other });
  } catch (error) {
    index.close();
    throw indexDamage(error) ?? error;
  }
  index.close();
  return undefined;
}

function create(log: Database, index: Database): void {
  index.transaction(() => {
    index.run(TABLES);
    index.run(
      "create table identity (log_id text not null, rules text not null, deletions integer not null default 0)",
    );
    index.run("insert into identity values (?, ?, ?)", [logId(log), RULES, countDeletions(log)]);
    for (const name of [...FOLLOWERS, EVENTS]) index.run("insert into followers values (?, 0, null)", [name]);
    index.run(`pragma user_version = ${INDEX_VERSION}`);
  })();
}

function complete(index: Database): Upgrade | undefined {
  const startedAt = systemClock.elapsed();
  const from = versionOf(index) ?? 0;
  let to = from;
  for (; COMPLETIONS[to] !== undefined; to++) {
    index.transaction(() => {
      index.run(COMPLETIONS[to] ?? "");
      index.run(`pragma user_version = ${to + 1}`);
    })();
  }
  return to === from ? undefined : { from, to, ms: Math.round(systemClock.elapsed() - startedAt) };
}

/** What the file was made by, where this program makes it by other versions or rules. */
export function otherRules(index: Database): Upgrade | undefined {
  const from = versionOf(index) ?? 0;
  if (from !== INDEX_VERSION) return { from, to: INDEX_VERSION };
  const rules = index.query<{ rules: string }, []>("select rules from identity").get()?.rules ?? "";
  return rules === RULES ? undefined : { from: rules, to: RULES };
}

/** Whether messages can be found by their type; `schema` is the index file's. */
export function hasTypes(db: Database, schema = "main"): boolean {
  return versionOf(db, schema) !== WITHOUT_TYPES;
}

/** Whether each sender's last message is known, as nothing but the latest version tells it. */
export function hasLastMessages(db: Database, schema = "main"): boolean {
  return versionOf(db, schema) === INDEX_VERSION;
}

function versionOf(index: Database, schema = "main"): number | undefined {
  return index.query<{ user_version: number }, []>(`pragma ${schema}.user_version`).get()?.user_version;
}

/**
 * Whether the file was derived from this very log, by this program's rules, and the log is not an
 * older copy.
 */
export function serves(index: Database, log: Database): boolean {
  if (!isDerivedFrom(index, log)) return false;
  const message = log.query<{ id: string }, [number]>(
    "select message_id as id from messages where rowid = ?",
  );
  const event = log.query<{ id: string }, [number]>("select event_key as id from events where event = ?");
  return index
    .query<{ name: string; row: number; id: string | null }, []>(
      "select name, row, message_id as id from followers",
    )
    .all()
    .every(({ name, row, id }) => row === 0 || (name === EVENTS ? event : message).get(row)?.id === id);
}

function isDerivedFrom(index: Database, log: Database): boolean {
  const version = versionOf(index) ?? 0;
  if (![INDEX_VERSION, WITHOUT_LAST_MESSAGES, WITHOUT_TYPES].includes(version)) return false;
  const identity = index
    .query<{ log_id: string; rules: string }, []>("select log_id, rules from identity")
    .get();
  return identity?.log_id === logId(log) && identity.rules === RULES;
}

/**
 * Of so many deletions from the log, those since the index was made; less than none for an older
 * copy of the log.
 */
function deletedSince(index: Database, deletions: number): number {
  const sql = "select deletions from identity";
  return deletions - (index.query<{ deletions: number }, []>(sql).get()?.deletions ?? 0);
}

/**
 * Throws `Damaged` when rows of the log were deleted since the index was made. One connection has
 * both; `schema` is that of the log.
 */
export function checkDeletions(db: Database, schema: "main" | "log"): void {
  const deleted = deletedSince(db, countDeletions(db, schema));
  if (deleted !== 0) throw rowsDeleted(deleted);
}

function logId(log: Database): string {
  return log.query<{ value: string }, []>("select value from meta where key = 'log_id'").get()?.value ?? "";
}

/** How far each follower of messages is. */
export function positionsOf(db: Database): Positions {
  const rows = db
    .query<{ name: FollowerName; row: number }, [string]>("select name, row from followers where name <> ?")
    .all(EVENTS);
  return Object.fromEntries(rows.map(({ name, row }) => [name, row])) as Positions;
}

/** The last event that was taken. */
export function eventPosition(db: Database): number {
  const sql = "select row from followers where name = ?";
  return db.query<{ row: number }, [string]>(sql).get(EVENTS)?.row ?? 0;
}

/** The follower of messages that is furthest behind. */
export function leastOf(positions: Positions): number {
  return Math.min(...Object.values(positions));
}
