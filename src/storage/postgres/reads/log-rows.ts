/** The rows of the log by their numbers: all of a range, the first or last of one, a single one. */
import { LOOKED_AT_MAX } from "../../../core/changes.ts";
import type { EventRecord } from "../../../core/log-record.ts";
import { MESSAGE_COLUMNS, selected } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import { Filter } from "./filter.ts";
import {
  type Batch,
  endOf,
  type NumberRange,
  numbersOf,
  placeAt,
  rangeAfter,
  rangeUpTo,
} from "./log-batches.ts";

interface Row extends Omit<EventRecord, "seq" | "kind" | "event_key" | "delivery" | "source" | "message_id"> {
  readonly message_id: string | null;
  readonly from: string;
  readonly to: string;
  readonly text: string | null;
  readonly source: string | null;
  /** Null in events that have none. */
  readonly type: string | null;
  readonly kind: EventRecord["kind"];
  /** Null in messages alone. */
  readonly event_key: string | null;
  readonly batch: string;
  readonly place: number;
  readonly delivery: number | null;
}

export type NumberedRow = Row & { readonly seq: number };

/**
 * Of messages and of events, with the same names. Where an earlier version's table, which nobody
 * has completed yet, has no types, the name means that of the row beside it.
 */
export const MESSAGES = `select ${selected(MESSAGE_COLUMNS)}, source, type,
  null as kind, null as event_key, batch, place, delivery, start, stop from messages`;
export const EVENTS = `select message_id, null as "from", null as "to", ts, null as text, created_at, source,
  own_type as type, kind, event_key, batch, place, delivery, start, stop
  from (select null::text as type) none cross join lateral (
    select message_id, ts, created_at, source, type as own_type, kind, event_key, batch, place, delivery, start, stop from events
  ) events`;

/** Looked back over at once, once the last one had no row. */
const BATCHES_BACK = 1000;

/** Makes a table's conditions anew; undefined where no row of it is wanted. */
export interface WantedRows {
  readonly messages: (() => Filter) | undefined;
  readonly events: (() => Filter) | undefined;
}

export const ALL_ROWS: WantedRows = { messages: () => new Filter(), events: () => new Filter() };

/** Those that are wanted of the range, in the order of their numbers. */
export async function rowsIn(
  session: Session,
  range: NumberRange,
  wanted: WantedRows = ALL_ROWS,
): Promise<readonly NumberedRow[]> {
  const found = await onBoth(range, wanted, (table, { where, values }) =>
    session.run<Row>(`${table === "messages" ? MESSAGES : EVENTS} where ${where}`, values),
  );
  return numbered(range, found).sort((a, b) => a.seq - b.seq);
}

/** The first, or the last, number of the range that has a row that is wanted. */
export async function numberIn(
  session: Session,
  which: "first" | "last",
  range: NumberRange,
  wanted: WantedRows = ALL_ROWS,
): Promise<number | undefined> {
  const extreme = which === "first" ? "min" : "max";
  const found = await onBoth(range, wanted, (table, { where, values }) =>
    session.run<{ batch: string; place: number }>(
      `select batch, ${extreme}(place) as place from ${table} where ${where} group by batch`,
      values,
    ),
  );
  if (found.length === 0) return undefined;
  return Math[extreme](...numbered(range, found).map(({ seq }) => seq));
}

/** The row with the number; undefined when there is none. */
export async function rowAt(session: Session, number: number): Promise<NumberedRow | undefined> {
  const { batches } = await rangeAfter(session, number - 1, 1);
  const rows = await rowsIn(session, { batches, after: number - 1, until: number });
  return rows.find(({ seq }) => seq === number);
}

/** The last row whose number isn't above this one; numbers without a row are passed over. */
export async function lastRowUpTo(session: Session, number: number): Promise<NumberedRow | undefined> {
  let range = await rangeUpTo(session, number, 1);
  while (range.batches.length > 0) {
    const last = await numberIn(session, "last", range);
    if (last !== undefined) return rowAt(session, last);
    range = await rangeUpTo(session, range.after, BATCHES_BACK);
  }
  return undefined;
}

/**
 * Where to read on behind a range in which nothing was found: within a batch that has more numbers
 * than are read at once, before the next one with a row. The log of another database can have left
 * a gap of a thousand million.
 */
export async function endOfGap(session: Session, { batches, until }: NumberRange): Promise<number> {
  const batch = batches.at(-1);
  if (batch === undefined || endOf(batch) - until <= LOOKED_AT_MAX) return until;
  const rest = { batches: [batch], after: until, until: endOf(batch) };
  return ((await numberIn(session, "first", rest)) ?? endOf(batch) + 1) - 1;
}

/** Of the range's part of each table, in which something is wanted. */
async function onBoth<T>(
  { batches, after, until }: NumberRange,
  wanted: WantedRows,
  read: (table: keyof WantedRows, filter: Filter) => Promise<readonly T[]>,
): Promise<T[]> {
  const first = batches[0];
  const last = batches.at(-1);
  if (first === undefined || last === undefined) return [];
  const readFrom = async (table: keyof WantedRows) => {
    const filter = wanted[table]?.();
    if (filter === undefined) return [];
    filter.add(
      arrayOf(batches, ({ batch }) => batch),
      // Not by way of text: a scan of the table would read the array anew for each of its rows.
      (names) => `batch = any(${names}::uuid[])`,
    );
    bound(filter, first, ">=", Math.max(first.seq, after + 1));
    bound(filter, last, "<=", until);
    return read(table, filter);
  };
  return (await Promise.all([readFrom("messages"), readFrom("events")])).flat();
}

function bound(filter: Filter, batch: Batch, comparison: ">=" | "<=", number: number): void {
  const name = filter.parameter(batch.batch);
  const place = filter.parameter(placeAt(batch, number));
  filter.addRaw(`(batch <> ${name}::text::uuid or place ${comparison} ${place})`);
}

function numbered<T extends { readonly batch: string; readonly place: number }>(
  { batches }: NumberRange,
  rows: readonly T[],
): (T & { readonly seq: number })[] {
  const byName = new Map(batches.map((batch) => [batch.batch, numbersOf(batch)]));
  return rows.map((row) => ({ ...row, seq: byName.get(row.batch)?.(row.place) ?? 0 }));
}

/** As the server writes one. */
export function arrayOf<T>(items: readonly T[], value: (item: T) => string | number): string {
  return `{${items.map(value).join()}}`;
}
