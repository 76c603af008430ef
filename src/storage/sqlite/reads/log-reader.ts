/**
 * Reads the log's rows in their order, and says of each which of its parts aren't what was written.
 * It reads a file of any schema, and never asks the index: what follows the log must not depend on
 * what is derived from it.
 */

import type { Database, SQLQueryBindings } from "bun:sqlite";
import { type ChangesFilter, matchesAny, RECORD_KINDS } from "../../../core/changes.ts";
import type { EventRecord, MessageRecord, ProviderMessageRecord } from "../../../core/log-record.ts";
import type { LoggedMessage } from "../../../core/message.ts";
import type { KeptHeaders } from "../../../core/parsed-body.ts";
import type { Marked } from "../../../core/position.ts";
import type { MinuteCount } from "../../../core/series.ts";
import { NATIVE } from "../../../core/source.ts";
import { DETAIL_COLUMNS, EVENT_COLUMNS, headersOf, MESSAGE_COLUMNS, selected } from "../../columns.ts";
import { secondsOf } from "../../minutes.ts";
import type { DamagedRow } from "../connection/damage.ts";
import {
  detailChecksum,
  eventChecksum,
  isSound,
  messageChecksum,
  postChecksum,
} from "../connection/row-checksum.ts";
import { checksumColumn, eventTypeColumn, hasPosts, headersColumn } from "../connection/schema.ts";

export type LogTable = "messages" | "events";

/** Rows by their number, in whose order `seq` ascends too. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
  readonly limit: number;
  /** What it leaves out isn't read, and doesn't count towards `limit`. */
  readonly filter?: ChangesFilter | undefined;
}

export interface CheckedRow<T> {
  /** Its number in its table. */
  readonly row: number;
  readonly record: T;
  /** What of it differs from its checksum; mostly nothing. */
  readonly damaged: readonly DamagedRow["table"][];
}

type Checked<T> = T & { readonly row: number; readonly checksum: number | null };
type MessageRow = Checked<LoggedMessage> & { readonly detailChecksum: number | null } & (
    | Omit<ProviderMessageRecord, keyof LoggedMessage>
    | { readonly source: null; readonly type: null; readonly delivery: null }
  );

interface PostRow {
  readonly body: Uint8Array;
  readonly headers: string | null;
  readonly checksum: number | null;
}

interface StoredPost {
  readonly body: Uint8Array;
  readonly headers: KeptHeaders | null;
  readonly isSound: boolean;
}

const SOUND: readonly DamagedRow["table"][] = [];
const NUMBER: Readonly<Record<LogTable, string>> = { messages: "messages.rowid", events: "event" };
/** The values are JSON. */
const AMONG = "in (select value from json_each(?))";
const NO_DETAILS = "null as source, null as type, null as delivery, null as detailChecksum";

export class LogReader {
  readonly #db: Database;
  readonly #hasPosts: boolean;
  readonly #messages: string;
  readonly #events: string;
  readonly #body: string;

  constructor(db: Database) {
    this.#db = db;
    this.#hasPosts = hasPosts(db);
    const column = checksumColumn(db);
    const of = (table: string) => (column === "null" ? column : `${table}.${column}`);
    const details = this.#hasPosts
      ? `${selected(DETAIL_COLUMNS)}, ${of("details")} as detailChecksum`
      : NO_DETAILS;
    this.#messages = `select messages.rowid as row, seq, ${selected(MESSAGE_COLUMNS)},
      ${of("messages")} as checksum, ${details}
      from ${this.#joined("messages")}`;
    this.#events = `select event as row, seq, ${selected({ ...EVENT_COLUMNS, type: eventTypeColumn(db) })},
      ${column} as checksum from events`;
    this.#body = `select body, ${headersColumn(db)} as headers, ${column} as checksum
      from deliveries where delivery = ?`;
  }

  messages(range: RowRange): CheckedRow<MessageRecord>[] {
    if (!matchesAny(range.filter).messages) return [];
    return this.#rows<MessageRow>(this.#messages, "messages", range).map(checkedMessage);
  }

  events(range: RowRange): CheckedRow<EventRecord>[] {
    if (!this.#hasPosts || !matchesAny(range.filter).events) return [];
    return this.#rows<Checked<EventRecord>>(this.#events, "events", range).map(checkedEvent);
  }

  /**
   * The number of the first row with this `seq` or a later one; one more than the last row's when
   * there is none.
   */
  firstRow(table: LogTable, seq: number): number {
    if (seq <= 1 || (table === "events" && !this.#hasPosts)) return 1;
    const number = NUMBER[table];
    const next = this.#db.query<{ seq: number }, [number]>(
      `select seq from ${table} where ${number} > ? order by ${number} limit 1`,
    );
    const isBefore = (row: number) => (next.get(row - 1)?.seq ?? Number.POSITIVE_INFINITY) < seq;
    let low = 0;
    let high = this.lastRow(table);
    // Followers look near the end, where no more rows can stand than `seq` leaves numbers.
    const lastSeq = this.recordUpTo(table, high)?.seq ?? 0;
    const bound = high - Math.max(0, lastSeq - seq + 1);
    if (bound > 0 && isBefore(bound)) low = bound;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(middle + 1)) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }

  /** The number of the last row; 0 when there is none. */
  lastRow(table: LogTable): number {
    if (table === "events" && !this.#hasPosts) return 0;
    const sql = `select max(${NUMBER[table]}) as row from ${table}`;
    return this.#db.query<{ row: number | null }, []>(sql).get()?.row ?? 0;
  }

  /** What a position is made of, of the row with this number or the last one before it. */
  recordUpTo(table: LogTable, row: number): Marked | undefined {
    return this.#marked(table, row, "<=", "desc");
  }

  /** The same of the row with this number or the first one after it. */
  recordFrom(table: LogTable, row: number): Marked | undefined {
    return this.#marked(table, row, ">=", "asc");
  }

  /** How many bytes a POST has; 0 when they are gone. */
  bodyBytes(delivery: number): number {
    const sql = "select length(body) as bytes from deliveries where delivery = ?";
    return this.#db.query<{ bytes: number }, [number]>(sql).get(delivery)?.bytes ?? 0;
  }

  /** The bytes and headers of a POST; undefined when they are gone. */
  post(delivery: number): StoredPost | undefined {
    const found = this.#db.query<PostRow, [number]>(this.#body).get(delivery);
    if (found === null) return undefined;
    const { body, headers, checksum } = found;
    return {
      body,
      headers: headersOf(headers),
      isSound: isSound(checksum, () => postChecksum(body, headers)),
    };
  }

  /** How many rows of the range match, up to its limit, and when the first of them was received. */
  count(table: LogTable, range: RowRange): { readonly records: number; readonly oldest: string | null } {
    const nothing = { records: 0, oldest: null };
    if (!matchesAny(range.filter)[table] || (table === "events" && !this.#hasPosts)) return nothing;
    const { sql, values } = this.#ranged(`select created_at from ${this.#joined(table)}`, table, range);
    const counting = `select count(*) as records, min(created_at) as oldest from (${sql})`;
    const query = this.#db.query<{ records: number; oldest: string | null }, SQLQueryBindings[]>(counting);
    return query.get(...values) ?? nothing;
  }

  /** How many of each kind were received in each minute, of rows `first` to `last`. */
  minutes(table: LogTable, first: number, last: number): MinuteCount[] {
    if (table === "events" && !this.#hasPosts) return [];
    const source = this.#hasPosts ? `coalesce(source, '${NATIVE}')` : `'${NATIVE}'`;
    const query = this.#db.query<Omit<MinuteCount, "minute"> & { minute: string }, [number, number]>(
      `select substr(created_at, 1, 16) as minute, ${source} as source,
         ${table === "events" ? "kind" : "'message'"} as what, count(*) as rows, max(created_at) as at
       from ${this.#joined(table)} where ${NUMBER[table]} between ? and ? group by 1, 2, 3`,
    );
    return query.all(first, last).map((count) => ({ ...count, minute: secondsOf(count.minute) }));
  }

  #marked(table: LogTable, row: number, side: "<=" | ">=", order: "asc" | "desc"): Marked | undefined {
    if (table === "events" && !this.#hasPosts) return undefined;
    const number = NUMBER[table];
    const key = table === "messages" ? "message_id" : "source, event_key";
    const sql = `select seq, ${key}, created_at from ${table} where ${number} ${side} ? order by ${number} ${order} limit 1`;
    return this.#db.query<Marked, [number]>(sql).get(row) ?? undefined;
  }

  #rows<T>(select: string, table: LogTable, range: RowRange): T[] {
    const { sql, values } = this.#ranged(select, table, range);
    return this.#db.query<T, SQLQueryBindings[]>(sql).all(...values);
  }

  #ranged(
    select: string,
    table: LogTable,
    { first, last, limit, filter }: RowRange,
  ): { readonly sql: string; readonly values: readonly SQLQueryBindings[] } {
    const number = NUMBER[table];
    const { conditions, values } = this.#conditions(table, filter);
    const where = [`${number} >= ?`, `${number} <= ?`, ...conditions].join(" and ");
    return {
      sql: `${select} where ${where} order by ${number} limit ?`,
      values: [first, last, ...values, limit],
    };
  }

  #joined(table: LogTable): string {
    return table === "messages" && this.#hasPosts ? "messages left join details using (seq)" : table;
  }

  #conditions(table: LogTable, { kinds, sources, from, to }: ChangesFilter = {}) {
    const conditions: string[] = [];
    const values: string[] = [];
    const add = (condition: string, value: string) => {
      conditions.push(condition);
      values.push(value);
    };
    if (table === "events") {
      if (kinds !== undefined && kinds.length < RECORD_KINDS.length)
        add(`kind ${AMONG}`, JSON.stringify(kinds));
      if (sources !== undefined) add(`source ${AMONG}`, JSON.stringify(sources));
    } else {
      if (from !== undefined) add(`${MESSAGE_COLUMNS.from} = ?`, from);
      if (to !== undefined) add(`${MESSAGE_COLUMNS.to} = ?`, to);
      // Before there were sources all messages were the native one's.
      const source = this.#hasPosts ? `coalesce(source, '${NATIVE}')` : `'${NATIVE}'`;
      if (sources !== undefined) add(`${source} ${AMONG}`, JSON.stringify(sources));
    }
    return { conditions, values };
  }
}

function checkedMessage(found: MessageRow): CheckedRow<MessageRecord> {
  const isMessageSound = isSound(found.checksum, () => messageChecksum(found));
  if (found.source === null) {
    const { row, seq, message_id, from, to, ts, text, created_at } = found;
    const native = { seq, message_id, from, to, ts, text, created_at };
    return { row, record: native, damaged: isMessageSound ? SOUND : ["messages"] };
  }
  const { row, checksum: _, detailChecksum: stored, ...record } = found;
  const provider = record as ProviderMessageRecord;
  const areDetailsSound = isSound(stored, () => detailChecksum(provider));
  if (isMessageSound && areDetailsSound) return { row, record: provider, damaged: SOUND };
  const damaged: DamagedRow["table"][] = [];
  if (!isMessageSound) damaged.push("messages");
  if (!areDetailsSound) damaged.push("details");
  return { row, record: provider, damaged };
}

function checkedEvent({ row, checksum, ...record }: Checked<EventRecord>): CheckedRow<EventRecord> {
  return { row, record, damaged: isSound(checksum, () => eventChecksum(record)) ? SOUND : ["events"] };
}
