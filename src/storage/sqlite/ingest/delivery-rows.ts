/**
 * Rows of destinations, failures and replays, as the file keeps them. Whatever changes failures
 * leaves each queue with a time for its first row, and for no other.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { ChangesFilter } from "../../../core/changes.ts";
import type {
  DeliveryCommit,
  Destination,
  DestinationReport,
  Failure,
  FailureFilter,
  FailureKey,
  Replay,
} from "../../../core/deliveries.ts";
import { parsePosition } from "../../../core/position.ts";
import { systemClock } from "../../../lib/clock.ts";
import { FAILURE_COLUMNS, selected } from "../../columns.ts";

/** What is written, in this order. */
export type DeliveryWrite =
  | { readonly do: "put"; readonly destination: Destination }
  /** With its failures and replays. */
  | { readonly do: "delete"; readonly name: string }
  | ({ readonly do: "rows"; readonly name: string } & Omit<DeliveryCommit, "from" | "to">)
  | { readonly do: "put-replay"; readonly replay: Replay }
  | { readonly do: "delete-replay"; readonly name: string; readonly id: string };

/** One part of a change of many rows. */
export interface FailureSlice {
  readonly change: "retry" | "drop";
  readonly name: string;
  readonly filter: FailureFilter;
  readonly now: string;
  /** The last row that was looked at; undefined at the beginning. */
  readonly after?: FailureKey | undefined;
}

export interface SliceReport {
  /** How many were changed. */
  readonly rows: number;
  /** Where the next part begins; null when this was the last one. */
  readonly next: FailureKey | null;
}

/** A destination with its replays. */
export interface DestinationRows {
  readonly destination: Destination;
  readonly replays: readonly Replay[];
}

/** What waits behind each other. */
type Queue = Pick<Failure, "replay" | "sender">;
type Changed = Queue & Pick<Failure, "state">;

export const FAILURE = `select ${selected(FAILURE_COLUMNS)} from failures`;

const COLUMNS = Object.values(FAILURE_COLUMNS);
const VALUES = COLUMNS.map(() => "?").join(", ");
const PUT_FAILURE = `
  insert into failures (destination, ${COLUMNS.join(", ")}) values (?, ${VALUES})
  on conflict (destination, seq, replay) do update set
    ${COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ")}`;
const UPDATE_FAILURE = `
  update failures set (${COLUMNS.join(", ")}) = (${VALUES}) where destination = ? and seq = ? and replay = ?`;

/** Rows of which a part looks at once, and how long it goes on: messages wait for the writer. */
const SLICE_ROWS = 50;
const SLICE_MS = 3;
const NO_SEQ = -1;
const FIRST: FailureKey = { seq: NO_SEQ, replay: "" };
const LAST: FailureKey = { seq: Number.MAX_SAFE_INTEGER, replay: "" };

/**
 * In the order in which the next of a queue seldom changes: who is tried again is first from the
 * first part on, and who is dropped goes before those that it waits behind.
 */
const WALKS = {
  retry: {
    from: FIRST,
    to: LAST,
    range: "(seq, replay) > (?, ?) and (seq, replay) <= (?, ?)",
    last: lastOfSome(">", "asc"),
    change: "update failures set state = 'waiting', attempts = 0, next_at = case sender when '' then ? end",
  },
  drop: {
    from: LAST,
    to: FIRST,
    range: "(seq, replay) < (?, ?) and (seq, replay) >= (?, ?)",
    last: lastOfSome("<", "desc"),
    change: "delete from failures",
  },
};

function lastOfSome(side: "<" | ">", order: "asc" | "desc"): string {
  return `select seq, replay from failures where destination = ? and (seq, replay) ${side} (?, ?)
    order by seq ${order}, replay ${order} limit 1 offset ${SLICE_ROWS - 1}`;
}

export function readDestinations(db: Database): readonly DestinationRows[] {
  const rows = db
    .query<Record<keyof Destination, string | null> & { version: number }, []>(
      `select name, position, paused, probe_asked_at as probeAskedAt, version, report from destinations`,
    )
    .all();
  return rows.map(({ name, position, paused, probeAskedAt, version, report }) => ({
    destination: {
      name: name ?? "",
      position: position ?? "",
      paused: paused === null ? null : (JSON.parse(paused) as Destination["paused"]),
      probeAskedAt,
      version,
      report: report === null ? null : (JSON.parse(report) as DestinationReport),
    },
    replays: readReplays(db, name ?? ""),
  }));
}

function readReplays(db: Database, name: string): readonly Replay[] {
  const rows = db
    .query<Omit<Replay, "filter" | "newIds"> & { filter: string; newIds: number }, [string]>(
      `select id, destination, position, until, filter, rate, new_ids as newIds, records, done,
         created_at as createdAt
       from replays where destination = ?`,
    )
    .all(name);
  return rows.map(({ filter, newIds, ...replay }) => ({
    ...replay,
    filter: JSON.parse(filter) as ChangesFilter,
    newIds: newIds === 1,
  }));
}

/** In one transaction, on stable storage when it returns. */
export function writeDeliveries(db: Database, writes: readonly DeliveryWrite[]): void {
  db.transaction(() => {
    for (const write of writes) writeOne(db, write);
  }).immediate();
}

function writeOne(db: Database, write: DeliveryWrite): void {
  switch (write.do) {
    case "put":
      putDestination(db, write.destination);
      return;
    case "delete":
      for (const table of ["failures", "replays"])
        db.query(`delete from ${table} where destination = ?`).run(write.name);
      db.query("delete from destinations where name = ?").run(write.name);
      return;
    case "rows":
      writeRows(db, write);
      return;
    case "put-replay":
      putReplay(db, write.replay);
      return;
    case "delete-replay":
      db.query("delete from replays where destination = ? and id = ?").run(write.name, write.id);
      return;
  }
}

function putDestination(db: Database, destination: Destination): void {
  const { name, position, paused, probeAskedAt, version, report } = destination;
  db.query(
    `insert into destinations (name, position, paused, probe_asked_at, version, report) values (?, ?, ?, ?, ?, ?)
     on conflict (name) do update set position = excluded.position, paused = excluded.paused,
       probe_asked_at = excluded.probe_asked_at, version = excluded.version, report = excluded.report`,
  ).run(
    name,
    position,
    paused && JSON.stringify(paused),
    probeAskedAt,
    version,
    report && JSON.stringify(report),
  );
}

function putReplay(db: Database, replay: Replay): void {
  const { destination, id, position, until, filter, rate, newIds, records, done, createdAt } = replay;
  db.query(
    `insert into replays (destination, id, position, until, filter, rate, new_ids, records, done, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (destination, id) do update set position = excluded.position, done = excluded.done`,
  ).run(
    ...[
      destination,
      id,
      position,
      until,
      JSON.stringify(filter),
      rate,
      newIds ? 1 : 0,
      records,
      done,
      createdAt,
    ],
  );
}

function writeRows(
  db: Database,
  { name, at, insert, update, remove }: Extract<DeliveryWrite, { do: "rows" }>,
): void {
  const queues = new Queues(db, name);
  const put = db.query<unknown, SQLQueryBindings[]>(PUT_FAILURE);
  for (const row of insert) {
    put.run(name, ...valuesOf(row, at));
    queues.add(row);
  }
  const change = db.query<unknown, SQLQueryBindings[]>(UPDATE_FAILURE);
  for (const row of update) {
    change.run(...valuesOf(row, at), name, row.seq, row.replay);
    queues.add(row);
  }
  const drop = db.query<Changed, [string, number, string]>(
    "delete from failures where destination = ? and seq = ? and replay = ? returning replay, sender, state",
  );
  for (const { seq, replay } of remove) for (const gone of drop.all(name, seq, replay)) queues.left(gone);
  queues.settle(at, true);
}

function valuesOf(row: Failure, at: string): (string | number | null)[] {
  const due = row.sender === "" ? (row.next_at ?? at) : row.next_at;
  const kept = { ...row, next_at: row.state === "dead" ? null : due };
  return (Object.keys(FAILURE_COLUMNS) as (keyof Failure)[]).map((field) => kept[field]);
}

/** Queues of one destination in which something was changed. */
class Queues {
  readonly #db: Database;
  readonly #name: string;
  readonly #changed = new Map<string, Queue>();

  constructor(db: Database, name: string) {
    this.#db = db;
    this.#name = name;
  }

  /** Dead ones were in none. */
  left(row: Changed): void {
    if (row.state === "waiting") this.add(row);
  }

  /** A row of nobody's order is a queue by itself, and always in order. */
  add({ replay, sender }: Queue): void {
    if (sender !== "") this.#changed.set(JSON.stringify([replay, sender]), { replay, sender });
  }

  /** `mayHaveTimes`: rows that aren't first may have been given a time. */
  settle(at: string, mayHaveTimes: boolean): void {
    const waiting = "destination = ? and replay = ? and sender = ? and state = 'waiting'";
    const first = this.#db.query<{ seq: number; next_at: string | null }, string[]>(
      `select seq, next_at from failures where ${waiting} order by seq limit 1`,
    );
    const start = this.#db.query(
      "update failures set next_at = ? where destination = ? and replay = ? and seq = ?",
    );
    const wait = this.#db.query(
      `update failures set next_at = null where ${waiting} and seq > ? and next_at is not null`,
    );
    for (const { replay, sender } of this.#changed.values()) {
      const found = first.get(this.#name, replay, sender);
      if (found === null) continue;
      if (found.next_at === null) start.run(at, this.#name, replay, found.seq);
      if (mayHaveTimes || found.next_at === null) wait.run(this.#name, replay, sender, found.seq);
    }
  }
}

/**
 * Changes some of the rows that match, in one transaction that is on stable storage when this
 * returns; the others are for the next part.
 */
export function changeFailures(db: Database, slice: FailureSlice): SliceReport {
  return db.transaction(() => changeSome(db, slice)).immediate();
}

function changeSome(db: Database, { change, name, filter, now, after }: FailureSlice): SliceReport {
  const walk = WALKS[change];
  const { conditions, values } = failureConditions(filter);
  const where = ["destination = ?", ...conditions, walk.range].join(" and ");
  const first = change === "drop" ? [name, ...values] : [now, name, ...values];
  const some = db.query<Changed, SQLQueryBindings[]>(
    `${walk.change} where ${where} returning replay, sender, state`,
  );
  const last = db.query<FailureKey, [string, number, string]>(walk.last);
  const queues = new Queues(db, name);
  const overAt = systemClock.elapsed() + SLICE_MS;
  let rows = 0;
  let from = after ?? walk.from;
  for (;;) {
    // Those that are named are few, and all looked at here.
    const next = filter.positions === undefined ? last.get(name, from.seq, from.replay) : null;
    const to = next ?? walk.to;
    const changed = some.all(...first, from.seq, from.replay, to.seq, to.replay);
    for (const row of changed) queues.left(row);
    rows += changed.length;
    if (next === null || systemClock.elapsed() > overAt) {
      queues.settle(now, false);
      return { rows, next };
    }
    from = next;
  }
}

/** What a filter asks of a row of `failures`, to be combined with AND, and its values. */
export function failureConditions({ positions, state, cause, from }: FailureFilter): {
  readonly conditions: readonly string[];
  readonly values: readonly string[];
} {
  const conditions: string[] = [];
  const values: string[] = [];
  const add = (condition: string, value: string) => {
    conditions.push(condition);
    values.push(value);
  };
  if (positions !== undefined) {
    add("seq in (select value from json_each(?))", JSON.stringify(positions.map(seqOf)));
    add("position in (select value from json_each(?))", JSON.stringify(positions));
  }
  if (state !== undefined) add("state = ?", state);
  if (cause !== undefined) add("cause = ?", cause);
  if (from !== undefined) add("from_msisdn = ?", from);
  return { conditions, values };
}

function seqOf(position: string): number {
  return parsePosition(position)?.seq ?? NO_SEQ;
}
