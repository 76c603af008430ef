/**
 * The tables and their migrations. Each step is one transaction together with the version that it
 * reaches, so a kill at any instruction leaves a file that opens.
 */
import type { Database } from "bun:sqlite";
import { StartRefused } from "../../../core/errors.ts";
import type { Upgrade } from "../../../core/upgrade.ts";
import { systemClock } from "../../../lib/clock.ts";
import { COUNT_DELETIONS } from "./deletions.ts";

/** "Post" in ASCII: tells a file of ours from somebody else's. */
const APPLICATION_ID = 0x506f7374;

/**
 * What providers' POSTs hold besides the fields of their messages. The bytes of a POST are kept
 * once, under the `seq` of the first of its rows; messages and events are parts of them (`start` up
 * to `stop`). A message of the native source has no row here, so it costs nothing. `event` numbers
 * the events without gaps. `sources` are the names whose identifiers (`NAME:…`) no message of the
 * native source can have.
 */
const POSTS = `
  create table deliveries (delivery integer primary key, body blob not null);
  create table details (
    seq      integer primary key,
    source   text not null,
    type     text not null,
    delivery integer not null,
    start    integer not null,
    stop     integer not null
  );
  create table events (
    event      integer primary key,
    seq        integer not null,
    source     text not null,
    kind       text not null,
    event_key  text not null,
    message_id text,
    ts         text not null,
    ts_key     text not null,
    created_at text not null,
    delivery   integer not null,
    start      integer not null,
    stop       integer not null,
    unique (source, event_key)
  );
  create table sources (name text primary key) without rowid;
`;

/** What tells a damaged row from a sound one; null in rows of versions before 4. */
const CHECKSUMS = ["messages", "deliveries", "details", "events"]
  .map((table) => `alter table ${table} add column checksum integer;`)
  .join("\n");

/** The provider's own name of an event; null in rows of versions before 8. */
const EVENT_TYPES = "alter table events add column type text;";
/** What is kept of a POST's headers, as JSON; null where none are known. */
const POST_HEADERS = "alter table deliveries add column headers text;";

/** Positions that the service keeps; `filter` is JSON, and `seq` the position's. */
const CONSUMERS = `
  create table consumers (
    name            text primary key,
    filter          text not null,
    position        text not null,
    seq             integer not null,
    acknowledged_at text
  ) without rowid;
`;

/**
 * What is kept of deliveries, without any content. `paused`, `report` and `filter` are JSON. A row
 * of `failures` is what couldn't be handed on yet, or at all; `waiting` and `dead` count those of a
 * destination, because there may be a million.
 */
const DELIVERIES = `
  create table destinations (
    name           text primary key,
    position       text not null,
    paused         text,
    probe_asked_at text,
    version        integer not null,
    report         text,
    waiting        integer not null default 0,
    dead           integer not null default 0
  ) without rowid;
  create table failures (
    destination text not null,
    seq         integer not null,
    replay      text not null,
    position    text not null,
    kind        text not null,
    source      text not null,
    message_id  text,
    from_msisdn text,
    sender      text not null,
    state       text not null,
    attempts    integer not null,
    last_status integer,
    cause       text,
    excerpt     text,
    first_at    text,
    last_at     text,
    next_at     text,
    unique (destination, seq, replay)
  );
  create index failures_by_state on failures (destination, state, seq, replay);
  create index failures_due on failures (destination, next_at, seq, replay) where next_at is not null;
  create index failures_by_sender on failures (destination, replay, sender, seq, next_at) where state = 'waiting';
  create trigger count_failure after insert on failures begin
    update destinations set waiting = waiting + (new.state = 'waiting'), dead = dead + (new.state = 'dead')
    where name = new.destination;
  end;
  create trigger count_no_failure after delete on failures begin
    update destinations set waiting = waiting - (old.state = 'waiting'), dead = dead - (old.state = 'dead')
    where name = old.destination;
  end;
  create trigger count_other_failure after update of state on failures when new.state <> old.state begin
    update destinations set
      waiting = waiting + (new.state = 'waiting') - (old.state = 'waiting'),
      dead = dead + (new.state = 'dead') - (old.state = 'dead')
    where name = new.destination;
  end;
  create table replays (
    destination text not null,
    id          text not null,
    position    text not null,
    until       integer not null,
    filter      text not null,
    rate        real not null,
    new_ids     integer not null,
    records     integer not null,
    done        integer not null,
    created_at  text not null,
    primary key (destination, id)
  ) without rowid;
`;

/**
 * Numbers over time. `step` and `at` are seconds: how long a step is, and when it began since 1970.
 * The single row of `series_state` says up to where records are counted; a row of `series_writes`
 * which write of a process was the last, so that none is taken twice.
 */
const SERIES = `
  create table record_counts (
    step   integer not null,
    at     integer not null,
    source text not null,
    what   text not null,
    rows   integer not null,
    primary key (step, at, source, what)
  ) without rowid;
  create table request_counts (
    step   integer not null,
    at     integer not null,
    source text not null,
    what   text not null,
    rows   integer not null,
    primary key (step, at, source, what)
  ) without rowid;
  create table series_state (id integer primary key, position text, at text);
  insert into series_state values (1, null, null);
  create table series_writes (holder text primary key, number integer not null, at integer not null) without rowid;
  create table last_records (source text, what text, at text not null, primary key (source, what)) without rowid;
  create table refusals (
    id     integer primary key,
    source text not null,
    at     text not null,
    client text not null,
    reason text not null,
    method text not null,
    path   text not null
  );
  create index refusals_by_source on refusals (source, id);
`;

/**
 * Of a log that an earlier version wrote nobody knows where `created_at` went back: as far as it
 * goes it is taken for one where it did.
 */
const DISORDER_BEFORE = `
  insert into meta select 'received_disorder', json_object('seq', seq, 'latest', rtrim(created_at, 'Z')) from (
    select * from (select seq, created_at from messages order by rowid desc limit 1)
    union all
    select * from (select seq, created_at from events order by event desc limit 1)
  ) order by seq desc limit 1;
`;

/**
 * `ts_key` is what `core` makes of `ts`, and `seq` the row's position in the log, counted by the
 * writer. The rowid gives the same order without an index of its own: rows are only ever appended,
 * and VACUUM keeps their order. Every other index would be paid by each acknowledgement; they live
 * in a file of their own and follow the log.
 */
const SCHEMA = `
  create table messages (
    message_id  text primary key,
    from_msisdn text not null,
    to_msisdn   text not null,
    ts          text not null,
    text        text,
    created_at  text not null,
    seq         integer not null,
    ts_key      text not null
  );
  create table meta (key text primary key, value text not null) without rowid;
  insert into meta values ('probe', '0'), ('log_id', lower(hex(randomblob(16))));
  ${POSTS}
  ${CHECKSUMS}
  ${COUNT_DELETIONS}
  ${CONSUMERS}
  ${DELIVERIES}
  ${EVENT_TYPES}
  ${POST_HEADERS}
  ${SERIES}
`;

/**
 * What leads from a version to the next one, quickly whatever the file's size. Version 1 had the
 * index `messages_by_time`, which serves pages until the index file has caught up (see
 * `dropOldIndex`), and a column `folded`, which stays in such files and is no longer written.
 */
const UPGRADES: readonly string[] = [
  `
  drop index messages_by_seq;
  delete from meta where key = 'fold_version' or key like 'refold\\_%' escape '\\';
  insert into meta values ('log_id', lower(hex(randomblob(16))));
  `,
  POSTS,
  CHECKSUMS,
  COUNT_DELETIONS,
  `${CONSUMERS} ${DISORDER_BEFORE}`,
  DELIVERIES,
  EVENT_TYPES,
  POST_HEADERS,
  SERIES,
];

const SCHEMA_VERSION = UPGRADES.length + 1;
const WITH_POSTS = 3;
const WITH_CHECKSUMS = 4;
const WITH_CONSUMERS = 6;
const WITH_DELIVERIES = 7;
const WITH_EVENT_TYPES = 8;
const WITH_POST_HEADERS = 9;
const WITH_SERIES = 10;

/**
 * Brings a file to this program's schema; undefined when it is new, or was of it. Throws
 * `StartRefused` for a newer file or a stranger's.
 */
export function migrate(db: Database, path: string): Upgrade | undefined {
  checkFile(db, path);
  const from = pragma(db, "user_version");
  if (from === SCHEMA_VERSION) return undefined;
  if (from === 0) {
    reach(db, SCHEMA_VERSION, SCHEMA);
    return undefined;
  }
  const startedAt = systemClock.elapsed();
  for (let version = from; version < SCHEMA_VERSION; version++)
    reach(db, version + 1, UPGRADES[version - 1] ?? "");
  return { file: path, from, to: SCHEMA_VERSION, ms: Math.round(systemClock.elapsed() - startedAt) };
}

function reach(db: Database, version: number, statements: string): void {
  db.transaction(() => {
    db.run(statements);
    db.run(`pragma user_version = ${version}`);
    db.run(`pragma application_id = ${APPLICATION_ID}`);
  }).immediate();
}

/** Drops what only a file of version 1 has, once nobody needs it; whether there was any. */
export function dropOldIndex(db: Database): boolean {
  const found = db.query("select 1 from sqlite_schema where name = 'messages_by_time'").get() !== null;
  if (found) db.run("drop index messages_by_time");
  return found;
}

/** Throws `StartRefused` when this program can't read the file. */
export function checkFile(db: Database, path: string): void {
  const version = pragma(db, "user_version");
  const strange = pragma(db, "application_id") !== APPLICATION_ID && hasTables(db);
  if (strange) throw new StartRefused(`${path} is a database of another program`);
  if (version > SCHEMA_VERSION) {
    throw new StartRefused(
      `${path} has schema version ${version}; this Postern knows up to ${SCHEMA_VERSION}: run the newer Postern that wrote it`,
    );
  }
}

/**
 * Whether a file that was only opened for reading has the tables of providers' POSTs: versions
 * before 3 have none.
 */
export function hasPosts(db: Database): boolean {
  return pragma(db, "user_version") >= WITH_POSTS;
}

/** The same of the table of consumers: versions before 6 have none. */
export function hasConsumers(db: Database): boolean {
  return pragma(db, "user_version") >= WITH_CONSUMERS;
}

/** The same of destinations, failures and replays: versions before 7 have none. */
export function hasDeliveries(db: Database): boolean {
  return pragma(db, "user_version") >= WITH_DELIVERIES;
}

/** The same of numbers over time: versions before 10 have none. */
export function hasSeries(db: Database): boolean {
  return pragma(db, "user_version") >= WITH_SERIES;
}

/**
 * The column of checksums, as a file that was only opened for reading has it: `log` where it is
 * attached as that.
 */
export function checksumColumn(db: Database, schema: "main" | "log" = "main"): string {
  return pragma(db, `${schema}.user_version`) >= WITH_CHECKSUMS ? "checksum" : "null";
}

/** The same of the column of events' types. */
export function eventTypeColumn(db: Database, schema: "main" | "log" = "main"): string {
  return pragma(db, `${schema}.user_version`) >= WITH_EVENT_TYPES ? "type" : "null";
}

/** The same of the column of POSTs' headers. */
export function headersColumn(db: Database): string {
  return pragma(db, "user_version") >= WITH_POST_HEADERS ? "headers" : "null";
}

function pragma(db: Database, name: string): number {
  const [[value] = [0]] = db.query(`pragma ${name}`).values() as [number][];
  return value;
}

function hasTables(db: Database): boolean {
  return db.query("select 1 from sqlite_schema limit 1").get() !== null;
}
