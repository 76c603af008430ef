/**
 * Rows of destinations, failures and replays, as statements without values. Whoever changes
 * failures holds the lock of their destination's row, leaves each queue with a time for its first
 * row and for no other, and keeps the counts.
 */
import type {
  DeliveryCommit,
  Destination,
  Failure,
  FailureFilter,
  FailureKey,
  Replay,
} from "../../../core/deliveries.ts";
import type { KeptDeliveries } from "../../../core/maintenance.ts";
import { parsePosition } from "../../../core/position.ts";
import { FAILURE_COLUMNS } from "../../columns.ts";
import { literal, type Session } from "../connection/connection.ts";

/** A row that a change is about, as it was before. */
export type KeptRow = Pick<Failure, "seq" | "replay" | "sender" | "state">;

/** By how much the kept counts change. */
interface CountChange {
  readonly waiting: number;
  readonly dead: number;
}

const NONE: CountChange = { waiting: 0, dead: 0 };

const COLUMN_TYPES: Readonly<Partial<Record<keyof Failure, string>>> = {
  seq: "bigint",
  attempts: "integer",
  last_status: "integer",
};
const FIELDS = Object.keys(FAILURE_COLUMNS) as (keyof Failure)[];
const COLUMNS = Object.values(FAILURE_COLUMNS);
const GIVEN = FIELDS.map((field) => `${FAILURE_COLUMNS[field]} ${COLUMN_TYPES[field] ?? "text"}`).join(", ");
const KEYS = "given (seq bigint, replay text)";
/** Of one key everything else never changes. */
const CHANGING = ["state", "attempts", "last_status", "cause", "excerpt", "first_at", "last_at", "next_at"];

/**
 * Statements that have the destination stand at `to` if it stands at `from`, once for each `id`.
 */
export function moving(name: string, { from, to }: DeliveryCommit, id: string): string {
  return `
    update destinations set position = ${literal(to)}, moved_by = '${id}'
    where name = ${literal(name)} and position = ${literal(from)} and moved_by is distinct from '${id}'
      and current_setting('fsync') = 'on'
    returning true as moved;
    select true as moved from destinations where name = ${literal(name)} and moved_by = '${id}'`;
}

/** A statement that gives the rows that the change is about. */
export function keptRows(name: string, { insert, update, remove }: DeliveryCommit): string {
  const keys = [...insert, ...update, ...remove].map(({ seq, replay }) => ({ seq, replay }));
  return `
    select seq::float8 as seq, replay, sender, state from failures
    where destination = ${literal(name)} and (seq, replay) in (
      select seq, replay from ${recordset(keys)} ${KEYS})`;
}

/** Statements that change rows as the change says, of which `kept` are there. */
export function changingRows(name: string, change: DeliveryCommit, kept: readonly KeptRow[]): string {
  const before = byKey(kept);
  const after = new Map<string, Pick<Failure, "sender" | "state">>(before);
  const touched = new Map<string, KeptRow>();
  for (const row of change.insert) {
    after.set(keyOf(row), row);
    touched.set(keyOf(row), row);
  }
  for (const row of change.update)
    if (after.has(keyOf(row))) {
      after.set(keyOf(row), row);
      touched.set(keyOf(row), row);
    }
  for (const key of change.remove) {
    const row = after.get(keyOf(key));
    if (row !== undefined) touched.set(keyOf(key), { ...key, sender: row.sender, state: row.state });
    after.delete(keyOf(key));
  }
  return script([
    change.insert.length > 0 ? inserting(name, change.insert, change.at) : "",
    change.update.length > 0 ? updating(name, change.update, change.at) : "",
    change.remove.length > 0 ? removing(name, change.remove) : "",
    settling(name, [...touched.values()], change.at),
    counting(name, difference(countOf(after), countOf(before))),
  ]);
}

/** The last one of each key. One that is there takes its values. */
function inserting(name: string, rows: readonly Failure[], at: string): string {
  return `
    insert into failures (destination, ${COLUMNS.join(", ")})
    select ${literal(name)}, ${COLUMNS.join(", ")} from ${given(rows, at)}
    on conflict (destination, seq, replay) do update set
      ${CHANGING.map((column) => `${column} = excluded.${column}`).join(", ")}`;
}

function updating(name: string, rows: readonly Failure[], at: string): string {
  return `
    update failures f set ${CHANGING.map((column) => `${column} = given.${column}`).join(", ")}
    from ${given(rows, at)}
    where f.destination = ${literal(name)} and f.seq = given.seq and f.replay = given.replay`;
}

function removing(name: string, keys: readonly FailureKey[]): string {
  return `
    delete from failures f using ${recordset(keys.map(({ seq, replay }) => ({ seq, replay })))} ${KEYS}
    where f.destination = ${literal(name)} and f.seq = given.seq and f.replay = given.replay`;
}

function given(rows: readonly Failure[], at: string): string {
  const values = [...byKey(rows).values()].map((row) => {
    const due = row.sender === "" ? (row.next_at ?? at) : row.next_at;
    const kept = { ...row, next_at: row.state === "dead" ? null : due };
    return Object.fromEntries(FIELDS.map((field) => [FAILURE_COLUMNS[field], kept[field]]));
  });
  return `${recordset(values)} given (${GIVEN})`;
}

/**
 * A statement that gives the first row of each queue in which rows were touched its time, and takes
 * it from the others; empty where nobody's order is kept. A time in the wrong place can only have a
 * row that was touched, or the first of those that weren't.
 */
function settling(name: string, touched: readonly KeptRow[], at: string): string {
  const rows = touched.filter(({ sender }) => sender !== "");
  if (rows.length === 0) return "";
  const ofQueue = `f.destination = ${literal(name)} and f.replay = q.replay and f.sender = q.sender
    and f.sender > '' and f.state = 'waiting'`;
  return `
    with queues as materialized (
      select replay, sender, array_agg(distinct seq) as seqs
      from ${recordset(rows.map(({ seq, replay, sender }) => ({ seq, replay, sender })))}
        given (seq bigint, replay text, sender text)
      group by replay, sender
    ), candidates as (
      select f.seq, f.replay, f.sender, f.next_at from queues q cross join lateral unnest(q.seqs) touched (seq)
        join failures f on ${ofQueue} and f.seq = touched.seq
      union all
      select other.seq, q.replay, q.sender, other.next_at from queues q cross join lateral (
        select f.seq, f.next_at from failures f where ${ofQueue} and f.seq <> all (q.seqs) order by f.seq limit 1
      ) other
    ), settled as (
      select *, seq = min(seq) over (partition by replay, sender) as is_first from candidates
    )
    update failures f set next_at = case when s.is_first then ${literal(at)} end
    from settled s
    where f.destination = ${literal(name)} and f.seq = s.seq and f.replay = s.replay
      and s.is_first = (s.next_at is null)`;
}

function counting(name: string, { waiting, dead }: CountChange): string {
  if (waiting === 0 && dead === 0) return "";
  return `update destinations set waiting = waiting + ${waiting}, dead = dead + ${dead} where name = ${literal(name)}`;
}

/** One part of a change of many rows. */
interface FailureSlice {
  readonly name: string;
  readonly filter: FailureFilter;
  readonly now: string;
  /** The last row of the part before. */
  readonly after: FailureKey;
}

/** Rows that are changed in one transaction, while commits of the destination wait. */
export const SLICE_ROWS = 1000;
export const START: FailureKey = { seq: -1, replay: "" };

/** The next ones that match, as they were, in their order; all of them are changed. */
export async function changeSome(
  session: Session,
  change: "retry" | "drop",
  { name, filter, now, after }: FailureSlice,
): Promise<readonly KeptRow[]> {
  if (!(await lockDestination(session, name))) return [];
  const { where, values } = failureConditions(name, filter);
  const place = values.length;
  const changed =
    change === "drop"
      ? "delete from failures f using found"
      : `update failures f set state = 'waiting', attempts = 0,
           next_at = case when f.sender = '' then ${literal(now)} end
         from found`;
  const rows = await session.run<KeptRow>(
    `with found as materialized (
       select seq, replay, state from failures
       where ${where} and (seq, replay) > ($${place + 1}::text::bigint, $${place + 2})
       order by seq, replay limit ${SLICE_ROWS}
     ), changed as (
       ${changed} where f.destination = $1 and f.seq = found.seq and f.replay = found.replay
       returning f.seq, f.replay, f.sender, found.state
     )
     select seq::float8 as seq, replay, sender, state from changed order by changed.seq, replay`,
    [...values, String(after.seq), after.replay],
  );
  if (rows.length === 0) return rows;
  const before = countOf(byKey(rows));
  const left = change === "drop" ? NONE : { waiting: rows.length, dead: 0 };
  await session.script(
    script([
      settling(name, rows, now),
      counting(name, difference(left, before)),
      `update destinations set version = version + 1 where name = ${literal(name)}`,
    ]),
  );
  return rows;
}

/**
 * Deletes some rows, those behind others of their queue first, so that what is left is in order;
 * whether there may be more.
 */
export async function deleteSome(session: Session, name: string): Promise<boolean> {
  if (!(await lockDestination(session, name))) return false;
  const rows = await session.run<KeptRow>(
    `with found as materialized (
       select seq, replay from failures where destination = $1 order by seq desc, replay desc limit ${SLICE_ROWS}
     )
     delete from failures f using found where f.destination = $1 and f.seq = found.seq and f.replay = found.replay
     returning f.seq::float8 as seq, f.replay, f.sender, f.state`,
    [name],
  );
  if (rows.length > 0) await session.script(counting(name, difference(NONE, countOf(byKey(rows)))));
  return rows.length === SLICE_ROWS;
}

/** With what little there still is of it. Whether there was one. */
export async function deleteDestination(session: Session, name: string): Promise<boolean> {
  const there = await lockDestination(session, name);
  for (const table of ["failures", "replays"])
    await session.run(`delete from ${table} where destination = $1`, [name]);
  await session.run("delete from destinations where name = $1", [name]);
  return there;
}

/** Until the transaction ends nobody else changes its rows. Whether there is one. */
export async function lockDestination(session: Session, name: string): Promise<boolean> {
  const rows = await session.run("select 1 from destinations where name = $1 for no key update", [name]);
  return rows.length > 0;
}

/** What a filter asks of a destination's failures; the destination is the first value. */
export function failureConditions(
  name: string,
  { positions, state, cause, from }: FailureFilter,
): { readonly where: string; readonly values: readonly string[] } {
  const values = [name];
  const conditions = ["destination = $1"];
  const add = (value: string | undefined, condition: (parameter: string) => string) => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}`));
  };
  add(positions && JSON.stringify(positions.flatMap(numbered)), (parameter) => {
    return `(seq, position) in (
      select (given ->> 0)::bigint, given ->> 1 from json_array_elements(${parameter}::text::json) given)`;
  });
  add(state, (parameter) => `state = ${parameter}`);
  add(cause, (parameter) => `cause = ${parameter}`);
  add(from, (parameter) => `${FAILURE_COLUMNS.from} = ${parameter}`);
  return { where: conditions.join(" and "), values };
}

/** What is no position has no number. */
function numbered(position: string): [number, string][] {
  const { seq } = parsePosition(position) ?? {};
  return seq !== undefined && Number.isSafeInteger(seq) ? [[seq, position]] : [];
}

export interface DestinationRow {
  readonly name: string;
  readonly position: string;
  readonly paused: string | null;
  readonly probe_asked_at: string | null;
  readonly version: number;
  readonly report: string | null;
}

export const DESTINATION = "name, position, paused, probe_asked_at, version::float8 as version, report";

export function destinationOf({
  name,
  position,
  paused,
  probe_asked_at,
  ...row
}: DestinationRow): Destination {
  return {
    name,
    position,
    paused: paused === null ? null : (JSON.parse(paused) as Destination["paused"]),
    probeAskedAt: probe_asked_at,
    version: row.version,
    report: row.report === null ? null : (JSON.parse(row.report) as Destination["report"]),
  };
}

export interface ReplayRow extends Omit<Replay, "filter"> {
  readonly filter: string;
}

export const REPLAY = `
  select id, destination, position, until::float8 as until, filter, rate, new_ids as "newIds",
    records::float8 as records, done::float8 as done, created_at as "createdAt"
  from replays`;

/** One that is there already stays; none where there is no such destination. */
export async function insertReplay(session: Session, replay: Replay): Promise<void> {
  const { destination, id, position, until, filter, rate, newIds, records, done, createdAt } = replay;
  await session.run(
    `insert into replays (destination, id, position, until, filter, rate, new_ids, records, done, created_at)
     select name, $2, $3, $4::text::bigint, $5, $6, $7, $8::text::bigint, $9::text::bigint, $10
     from destinations where name = $1
     on conflict (destination, id) do nothing`,
    [
      ...[destination, id, position, String(until), JSON.stringify(filter), rate, newIds],
      ...[String(records), String(done), createdAt],
    ],
  );
}

/** Into tables that have nothing of the destination. */
export async function insertDeliveries(
  session: Session,
  { destination, replays, failures }: KeptDeliveries,
): Promise<void> {
  const { name, position, paused, probeAskedAt, version, report } = destination;
  await session.run(
    `insert into destinations (name, position, paused, probe_asked_at, version, report)
     values ($1, $2, $3, $4, $5::text::bigint, $6)`,
    [
      ...[name, position, paused && JSON.stringify(paused), probeAskedAt],
      ...[String(version), report && JSON.stringify(report)],
    ],
  );
  for (const replay of replays) await insertReplay(session, replay);
  const counts = { waiting: 0, dead: 0 };
  for (const rows of failures) {
    // Their queues are in order, and so are their times.
    await session.script(inserting(name, rows, ""));
    for (const { state } of rows) counts[state]++;
  }
  await session.script(
    `update destinations set waiting = ${counts.waiting}, dead = ${counts.dead} where name = ${literal(name)}`,
  );
}

function script(statements: readonly string[]): string {
  return statements.filter((each) => each !== "").join("; ");
}

function recordset(rows: readonly object[]): string {
  const text = JSON.stringify(rows, (_, value) => (typeof value === "string" ? value.toWellFormed() : value));
  return `json_to_recordset(${literal(text)}::json)`;
}

function keyOf({ seq, replay }: FailureKey): string {
  return `${seq} ${replay}`;
}

/** The last one of each key. */
function byKey<Row extends FailureKey>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}

function countOf(rows: ReadonlyMap<string, Pick<Failure, "state">>): CountChange {
  const dead = [...rows.values()].filter(({ state }) => state === "dead").length;
  return { waiting: rows.size - dead, dead };
}

function difference(after: CountChange, before: CountChange): CountChange {
  return { waiting: after.waiting - before.waiting, dead: after.dead - before.dead };
}
