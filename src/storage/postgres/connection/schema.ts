/**
 * The tables and their migrations. `messages` can be distributed by `message_id`: nothing is unique
 * without it, and no table refers to another by a foreign key.
 */

import { StartRefused } from "../../../core/errors.ts";
import { FOLD_VERSION } from "../../../core/fold-table.ts";
import type { Upgrade } from "../../../core/upgrade.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { Connection, Session } from "./connection.ts";
import type { Direct } from "./direct.ts";
import { MAKE_LOG_NAME } from "./log-name.ts";
import { commitSafely } from "./safe-commit.ts";

/**
 * From a batch to its rows, for whoever follows the log. An earlier version's database gets them
 * beside the service; no statement needs them to be there, so the schema's version doesn't tell.
 */
export const BATCH_INDEXES = [
  { name: "messages_by_batch", table: "messages", definition: "messages_by_batch on messages (batch)" },
  { name: "events_by_batch", table: "events", definition: "events_by_batch on events (batch)" },
] as const;

/** The same of events of a type, which none of version 1 has. */
const TYPE_INDEX = {
  name: "events_by_type",
  table: "events",
  definition: "events_by_type on events (type, ts_key) where type is not null",
} as const;

/** What an earlier version's database may lack. */
export const LATER_INDEXES = [...BATCH_INDEXES, TYPE_INDEX];

/**
 * Texts are compared by their bytes, whatever the database's collation. `batch` and `place` say
 * where a row stands in the log: the rows of one transaction are a batch, and batches are numbered
 * once they are committed (see `numbering.ts`), so that no number can appear behind one that a
 * follower has passed. `folded` is `core`'s folding of the text.
 */
const TABLES = `
  create table messages (
    message_id  text collate "C" primary key,
    from_msisdn text collate "C" not null,
    to_msisdn   text collate "C" not null,
    ts          text collate "C" not null,
    ts_key      text collate "C" not null,
    text        text collate "C",
    folded      text collate "C",
    created_at  text collate "C" not null,
    batch       uuid not null,
    place       integer not null,
    source      text collate "C",
    type        text collate "C",
    delivery    integer,
    start       integer,
    stop        integer
  );
  create index messages_by_time on messages (ts_key, message_id);
  create index messages_by_sender on messages (from_msisdn, ts_key, message_id);
  create table events (
    source      text collate "C" not null,
    event_key   text collate "C" not null,
    kind        text collate "C" not null,
    message_id  text collate "C",
    ts          text collate "C" not null,
    ts_key      text collate "C" not null,
    created_at  text collate "C" not null,
    batch       uuid not null,
    place       integer not null,
    delivery    integer not null,
    start       integer not null,
    stop        integer not null,
    primary key (event_key, source)
  );
  create index events_by_time on events (ts_key);
  create index events_by_source on events (source, ts_key);
  create index events_by_kind on events (kind, ts_key);
  create index events_by_message on events (message_id, ts_key) where message_id is not null;
  ${BATCH_INDEXES.map(({ definition }) => `create index ${definition};`).join(" ")}
  create table deliveries (batch uuid not null, delivery integer not null, body bytea not null, primary key (batch, delivery));
  create table batches (
    batch uuid primary key,
    -- When it was made: those that are numbered at once come in this order.
    at    timestamptz not null default clock_timestamp(),
    -- Of its first row, 0 where it has none; null until it is numbered.
    seq   bigint,
    -- How many numbers it takes; -1 when its name was taken so that nothing could be committed under it any more.
    rows  integer not null,
    -- Places of its rows, when they have gaps: what was not new has none.
    places integer[],
    -- What counts are made from, as JSON; null once they are.
    items text collate "C"
  );
  create index batches_unfolded on batches (at) where seq is null;
  create index batches_by_seq on batches (seq);
  create table totals (
    id integer primary key, seq bigint not null, messages bigint not null, senders bigint not null, events bigint not null
  );
  insert into totals values (1, 0, 0, 0, 0);
  create table senders (sender text collate "C" primary key, rows bigint not null);
  create index senders_by_rows on senders (rows desc, sender);
  create table hours (hour text collate "C" primary key, rows bigint not null);
  create table event_counts (
    source text collate "C" not null, kind text collate "C" not null, rows bigint not null, primary key (source, kind)
  );
  create table sources (name text collate "C" primary key);
  create table lease (name text collate "C" primary key, holder uuid not null, expires_at timestamptz not null);
  create table meta (key text collate "C" primary key, value text not null);
  insert into meta values ('probe', '0'), ('fold_version', '${FOLD_VERSION}');
`;

/** What searches need; not a part of `TABLES`, because the server may refuse the extension. */
export const SEARCH_INDEX = {
  name: "messages_folded",
  table: "messages",
  extension: "create extension if not exists pg_trgm",
  definition: "messages_folded on messages using gin (folded gin_trgm_ops)",
} as const;

/**
 * Numbers over time. `step` and `at` are seconds: how long a step is, and when it began since 1970.
 * The single row of `series_state` says up to where records are counted; a row of `series_writes`
 * which write of a process was the last, so that none is taken twice. `holder`, `number` and
 * `place` say with which write a refusal came, and where in it. The rows of the moment are changed
 * every second: a part of each page is left for their next versions.
 */
const SERIES = `
  ${["record_counts", "request_counts"]
    .map(
      (table) => `create table if not exists ${table} (
        step   integer not null,
        at     bigint not null,
        source text collate "C" not null,
        what   text collate "C" not null,
        rows   bigint not null,
        primary key (step, at, source, what)
      ) with (fillfactor = 80);`,
    )
    .join("\n")}
  create table if not exists series_state (id integer primary key, position text, at text collate "C");
  insert into series_state values (1, null, null) on conflict do nothing;
  create table if not exists series_writes (
    holder uuid primary key, number bigint not null, at timestamptz not null default now()
  );
  create table if not exists last_records (
    source text collate "C", what text collate "C", at text collate "C" not null, primary key (source, what)
  );
  create table if not exists refusals (
    holder uuid not null,
    number bigint not null,
    place  integer not null,
    source text collate "C" not null,
    at     text collate "C" not null,
    client text not null,
    reason text not null,
    method text not null,
    path   text not null,
    primary key (holder, number, place)
  );
  create index if not exists refusals_by_source on refusals (source, at);
`;

/** In `meta`: up to which number the last messages of senders are known. */
export const LAST_MESSAGES_POSITION = "last_messages";

/**
 * Each sender's last message in the order of pages. It changes with nearly every message of a
 * sender: a part of each page is left for the next versions of its rows.
 */
const LAST_MESSAGES = `
  create table if not exists last_messages (
    sender     text collate "C" primary key,
    ts_key     text collate "C" not null,
    message_id text collate "C" not null
  ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
  create index if not exists last_messages_by_time on last_messages (ts_key, message_id);
  insert into meta values ('${LAST_MESSAGES_POSITION}', '0') on conflict do nothing;
`;

/**
 * What came after version 1 and nothing of that version minds, so that the schema's version doesn't
 * tell: a replica of an earlier Postern can be started beside this one, and instead of it.
 * `consumers` keeps of each its filter as JSON, and `seq` of its position. `headers` is JSON.
 *
 * The row of a destination is changed ten times a second while its position moves: no index is on
 * what changes, and half of each page is left for its next versions. `moved_by` names the commit
 * that moved it last; `waiting` and `dead` count its `failures`. A row of those is changed by each
 * attempt, so it is in two indexes only while it waits.
 */
const ADDITIONS = `
  alter table events add column if not exists type text collate "C";
  alter table deliveries add column if not exists headers text;
  create table if not exists consumers (
    name            text collate "C" primary key,
    filter          text not null,
    position        text not null,
    seq             bigint not null,
    acknowledged_at text collate "C"
  );
  create table if not exists destinations (
    name           text collate "C" primary key,
    position       text not null,
    moved_by       uuid,
    paused         text,
    probe_asked_at text,
    version        bigint not null default 0,
    report         text,
    waiting        bigint not null default 0,
    dead           bigint not null default 0
  ) with (fillfactor = 50);
  create table if not exists failures (
    destination text collate "C" not null,
    seq         bigint not null,
    replay      text collate "C" not null,
    position    text collate "C" not null,
    kind        text collate "C" not null,
    source      text collate "C" not null,
    message_id  text collate "C",
    from_msisdn text collate "C",
    sender      text collate "C" not null,
    state       text collate "C" not null,
    attempts    integer not null,
    last_status integer,
    cause       text collate "C",
    excerpt     text,
    first_at    text collate "C",
    last_at     text collate "C",
    next_at     text collate "C",
    primary key (destination, seq, replay)
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
  create index if not exists failures_due on failures (destination, next_at, seq, replay) where next_at is not null;
  create index if not exists failures_waiting on failures (destination, seq, replay) where state = 'waiting';
  create index if not exists failures_by_sender on failures (destination, replay, sender, seq)
    where state = 'waiting' and sender > '';
  create table if not exists replays (
    destination text collate "C" not null,
    id          text collate "C" not null,
    position    text not null,
    until       bigint not null,
    filter      text not null,
    rate        float8 not null,
    new_ids     boolean not null,
    records     bigint not null,
    done        bigint not null,
    created_at  text collate "C" not null,
    primary key (destination, id)
  );
  ${SERIES}
  ${LAST_MESSAGES}
  ${MAKE_LOG_NAME}`;
/** By what the log calls it, whether it is there. */
const ADDED: Readonly<Record<string, string>> = {
  consumers: "to_regclass('consumers') is not null",
  replays: "to_regclass('replays') is not null",
  refusals: "to_regclass('refusals') is not null",
  last_messages: "to_regclass('last_messages') is not null",
  log_id: "exists (select 1 from meta where key = 'log_id')",
  "events.type": hasColumn("events", "type"),
  "deliveries.headers": hasColumn("deliveries", "headers"),
};
const MISSING = `select concat_ws(', ', ${Object.entries(ADDED)
  .map(([name, isThere]) => `case when not (${isThere}) then '${name}' end`)
  .join(", ")}) as missing`;

function hasColumn(table: string, column: string): string {
  return `exists (select 1 from pg_attribute where attrelid = to_regclass('${table}') and attname = '${column}')`;
}

const MIGRATIONS: readonly string[] = [TABLES];
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The `seq` of a row of a table, joined with its batch. */
export function seqOf(row: string, batch: string): string {
  return `(${batch}.seq + coalesce(array_position(${batch}.places, ${row}.place) - 1, ${row}.place))::float8`;
}

/**
 * Below it `insert … on conflict` and what else is needed here is there too, but nobody tests it.
 */
const SERVER_VERSION_MIN = 140_000;
/** "Postern" as a number: replicas that start at once migrate one after the other. */
const MIGRATION_LOCK = 0x506f7374;

/** Longer than any migration takes, other replicas' included. */
const MIGRATION_HANG_MS = 600_000;

interface MigrateOptions {
  readonly newer?: "refuse" | "bear";
  readonly hangMs?: number;
  /** Where a migration runs, if there is one to do. */
  readonly direct?: Direct;
}

/**
 * Brings the database to this program's schema; undefined when it is new, was of it, or another
 * replica did. Throws `StartRefused` for a newer one or a server that won't do. A replica that has
 * used the database before bears a newer schema: it is there because replicas are being replaced.
 */
export async function migrate(
  connection: Connection,
  { newer = "refuse", hangMs, direct }: MigrateOptions = {},
): Promise<Upgrade | undefined> {
  const { version, isComplete } = await connection.transaction("read write", look, hangMs);
  if (version > SCHEMA_VERSION && newer === "bear") return undefined;
  let upgrade: Upgrade | undefined;
  if (version !== SCHEMA_VERSION || !isComplete) {
    const migrating = (on: Connection) => on.transaction("read write", bringUp, MIGRATION_HANG_MS);
    upgrade = await (direct === undefined ? migrating(connection) : direct.use(migrating));
  }
  await connection.transaction("read write", checkFolding, hangMs);
  return upgrade;
}

async function look(session: Session): Promise<{ version: number; isComplete: boolean }> {
  await checkServer(session);
  const version = await versionOf(session);
  if (version === 0) return { version, isComplete: false };
  return { version, isComplete: (await missing(session)) === "" };
}

/** Of what is added to a database without another version. */
async function missing(session: Session): Promise<string> {
  const [row] = await session.run<{ missing: string }>(MISSING);
  return row?.missing ?? "";
}

/** The version of the schema that is there; 0 when none is. */
export async function versionOf(session: Session): Promise<number> {
  const [table] = await session.run<{ there: boolean }>(
    "select to_regclass('postern_schema') is not null as there",
  );
  return table?.there === true ? readVersion(session) : 0;
}

async function readVersion(session: Session): Promise<number> {
  const [row] = await session.run<{ version: number | null }>(
    "select max(version) as version from postern_schema",
  );
  return row?.version ?? 0;
}

async function bringUp(session: Session): Promise<Upgrade | undefined> {
  const startedAt = systemClock.elapsed();
  await commitSafely(session);
  await session.run("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await session.run("create table if not exists postern_schema (version integer primary key)");
  const version = await readVersion(session);
  refuseNewer(version);
  const added = version === 0 ? "" : await missing(session);
  for (let next = version; next < SCHEMA_VERSION; next++) {
    await session.script(MIGRATIONS[next] ?? "");
    await session.run("insert into postern_schema values ($1)", [next + 1]);
  }
  await session.script(ADDITIONS);
  if (version > 0) {
    if (version === SCHEMA_VERSION && added === "") return undefined;
    const ms = Math.round(systemClock.elapsed() - startedAt);
    return { from: version, to: SCHEMA_VERSION, ms, added };
  }
  await session.script(`create index ${TYPE_INDEX.definition}`);
  await addSearchIndex(session);
  return undefined;
}

/** For tables that were made in the same transaction, and are nobody else's yet. */
async function addSearchIndex(session: Session): Promise<void> {
  await session.script("savepoint search_index");
  try {
    await session.script(`${SEARCH_INDEX.extension}; create index ${SEARCH_INDEX.definition}`);
  } catch {
    await session.script("rollback to savepoint search_index");
  }
}

/**
 * For who only reads. Throws `StartRefused` for a database that is not Postern's, and for a newer
 * one.
 */
export async function checkVersion(session: Session): Promise<void> {
  const version = await versionOf(session);
  if (version === 0) throw new StartRefused("there is no database of Postern's at the URL");
  refuseNewer(version);
}

function refuseNewer(version: number): void {
  if (version > SCHEMA_VERSION)
    throw new StartRefused(
      `the database has schema version ${version}; this Postern knows up to ${SCHEMA_VERSION}: run the newer Postern that wrote it`,
    );
}

async function checkServer(session: Session): Promise<void> {
  const [row] = await session.run<{ version: string; encoding: string; fsync: string }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
       current_setting('fsync') as fsync`,
  );
  if (Number(row?.version) < SERVER_VERSION_MIN)
    throw new StartRefused("the database's server is older than PostgreSQL 14");
  if (row?.encoding !== "UTF8")
    throw new StartRefused(`the database's encoding is ${row?.encoding}: it takes UTF8`);
  if (row.fsync !== "on")
    throw new StartRefused("the database's server runs with fsync=off: it can't keep a message safe");
}

/** Texts that an older table folded would be searched wrongly. */
async function checkFolding(session: Session): Promise<void> {
  const [row] = await session.run<{ value: string }>("select value from meta where key = 'fold_version'");
  if (row?.value !== FOLD_VERSION)
    throw new StartRefused(
      `the texts were folded by version ${row?.value} of the Unicode table, this Postern has ${FOLD_VERSION}`,
    );
}
