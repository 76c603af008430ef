/**
 * Reads what was stored after a position of the log, from the log itself. A page costs what is in
 * it, or what it looks at, and a few binary searches, however long the log is.
 */
import type { Database } from "bun:sqlite";
import {
  type Beginning,
  type Changes,
  type ChangesFilter,
  type ChangesQuery,
  LAG_RECORDS_MAX,
  LAG_ROWS_MAX,
  type Lag,
  type LagQuery,
  LOOKED_AT_MAX,
  matchesAny,
} from "../../../core/changes.ts";
import type { EventRecord, MessageRecord } from "../../../core/log-record.ts";
import type { KeptHeaders } from "../../../core/parsed-body.ts";
import { startOf } from "../../../core/position.ts";
import type { ChangesCounts } from "../../../core/series.ts";
import type { Clock } from "../../../lib/clock.ts";
import { deliveryOf, withRoom } from "../../changes-page.ts";
import { Damaged, type OnDamagedRow } from "../connection/damage.ts";
import { LogPlaces } from "./log-places.ts";
import { type CheckedRow, LogReader, type LogTable } from "./log-reader.ts";

type Row = CheckedRow<MessageRecord | EventRecord>;

/** What a row takes in memory, about. */
const ROW_BYTES = 600;
/** Counted at once: other reads wait meanwhile. */
const COUNTED_ROWS = 8192;
type Contents = Pick<Changes, "bodies" | "headers">;
const NO_CONTENTS: Contents = { bodies: new Map() };

export class ChangeReader {
  readonly #db: Database;
  readonly #log: LogReader;
  readonly #places: LogPlaces;
  readonly #onDamagedRow: OnDamagedRow;
  #bytesRead = 0;

  constructor(db: Database, clock: Clock, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#log = new LogReader(db);
    this.#places = new LogPlaces(db, this.#log, clock);
    this.#onDamagedRow = onDamagedRow;
  }

  /** Since it was made. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** From one snapshot. A damaged row is told, and given as it is read. */
  read(query: ChangesQuery): Changes {
    return this.#inSnapshot(() => this.#page(query));
  }

  /** From one snapshot, without looking at what rows hold besides. */
  counts({ after, mark }: Pick<ChangesQuery, "after" | "mark">): ChangesCounts {
    return this.#inSnapshot(() => {
      if (mark !== undefined && !this.#places.holds(mark, after))
        return { minutes: [], position: startOf(this.#places.log), more: false, isLost: true };
      const tables = tablesOf(undefined);
      const until = Math.min(this.#lookUntil(tables, after, COUNTED_ROWS), Number.MAX_SAFE_INTEGER);
      const minutes = tables.flatMap((table) =>
        this.#log.minutes(
          table,
          this.#log.firstRow(table, after + 1),
          this.#log.firstRow(table, until + 1) - 1,
        ),
      );
      const position = this.#places.upTo(until);
      return { minutes, position, more: this.#places.end !== position, isLost: false };
    });
  }

  /** Throws `TimeIsOver`. */
  positionAt(beginning: Beginning, deadline: number): string {
    return this.#inSnapshot(() => this.#places.at(beginning, deadline));
  }

  lag(query: LagQuery): Lag | undefined {
    const { after, mark, filter } = query;
    return this.#inSnapshot(() => {
      if (mark !== undefined && !this.#places.holds(mark, after)) return undefined;
      const counted = tablesOf(filter).map((table) => this.#lagOf(table, query));
      const records = counted.reduce((sum, each) => sum + each.records, 0);
      return {
        records: Math.min(records, LAG_RECORDS_MAX),
        isBound: records > LAG_RECORDS_MAX || counted.some(({ isBound }) => isBound),
        oldest: counted.flatMap(({ oldest }) => oldest ?? []).sort()[0],
      };
    });
  }

  #lagOf(table: LogTable, { after, until, filter }: LagQuery) {
    const first = this.#log.firstRow(table, after + 1);
    const end = until === undefined ? this.#log.lastRow(table) : this.#log.firstRow(table, until + 1) - 1;
    const last = Math.min(end, first + LAG_ROWS_MAX - 1);
    const counted = this.#log.count(table, { first, last, limit: LAG_RECORDS_MAX + 1, filter });
    return { ...counted, isBound: end > last };
  }

  #inSnapshot<T>(read: () => T): T {
    this.#db.run("begin");
    try {
      return read();
    } finally {
      this.#db.run("rollback");
    }
  }

  #page({ after, mark, limit, filter, bodies: wanted = false }: ChangesQuery): Changes {
    const { log } = this.#places;
    if (mark !== undefined && !this.#places.holds(mark, after))
      return { log, records: [], ...NO_CONTENTS, position: startOf(log), more: false, isLost: true };
    const tables = tablesOf(filter);
    const until = filter === undefined ? Number.POSITIVE_INFINITY : this.#lookUntil(tables, after);
    const found = tables
      .flatMap((table) => this.#rows(table, { after, until, limit: limit + 1, filter }))
      .sort((a, b) => a.record.seq - b.record.seq);
    const rows = found.slice(0, limit);
    this.#bytesRead += rows.length * ROW_BYTES;
    for (const { record, damaged } of rows)
      for (const table of damaged)
        this.#onDamagedRow({ table, seq: record.seq, messageId: record.message_id });
    const all = rows.map(({ record }) => record);
    const records = wanted ? withRoom(all, (delivery) => this.#log.bodyBytes(delivery)) : all;
    const contents = wanted ? this.#contents(records) : NO_CONTENTS;
    const last = records.at(-1);
    if (last !== undefined && records.length < found.length)
      return { log, records, ...contents, position: this.#places.of(last), more: true, isLost: false };
    const position = this.#places.upTo(Math.min(until, Number.MAX_SAFE_INTEGER));
    const more = Number.isFinite(until) && this.#places.end !== position;
    // Beyond the end nothing is looked at.
    return { log, records, ...contents, position, more, isLost: false };
  }

  /** The number up to which a page looks, so that it looks at so many rows at most. */
  #lookUntil(tables: readonly LogTable[], after: number, rowsMax = LOOKED_AT_MAX): number {
    const rows = Math.floor(rowsMax / Math.max(1, tables.length));
    const ends = tables.map(
      (table) => this.#log.recordFrom(table, this.#log.firstRow(table, after + 1) + rows - 1)?.seq,
    );
    return Math.min(...ends.map((seq) => seq ?? Number.POSITIVE_INFINITY));
  }

  #rows(table: LogTable, { after, until, limit, filter }: Span): readonly Row[] {
    const first = this.#log.firstRow(table, after + 1);
    const last = Number.isFinite(until) ? this.#log.firstRow(table, until + 1) - 1 : Number.MAX_SAFE_INTEGER;
    const range = { first, last, limit, filter };
    const rows = table === "messages" ? this.#log.messages(range) : this.#log.events(range);
    refuseDisorder(table, after, rows);
    return rows;
  }

  #contents(records: readonly (MessageRecord | EventRecord)[]): Contents {
    const bodies = new Map<number, Uint8Array>();
    const headers = new Map<number, KeptHeaders>();
    for (const record of records) {
      const delivery = deliveryOf(record);
      if (delivery === undefined || bodies.has(delivery)) continue;
      const found = this.#log.post(delivery);
      if (found?.isSound !== true)
        this.#onDamagedRow({ table: "deliveries", seq: record.seq, messageId: record.message_id });
      const body = found?.body ?? new Uint8Array();
      this.#bytesRead += body.length;
      bodies.set(delivery, body);
      if (found?.headers) headers.set(delivery, found.headers);
    }
    return { bodies, headers };
  }
}

interface Span {
  readonly after: number;
  readonly until: number;
  readonly limit: number;
  readonly filter: ChangesFilter | undefined;
}

/** Those in which the filter can match anything. */
function tablesOf(filter: ChangesFilter | undefined): readonly LogTable[] {
  const { messages, events } = matchesAny(filter);
  return [...(messages ? (["messages"] as const) : []), ...(events ? (["events"] as const) : [])];
}

/** A number that the disk has changed would take whoever follows past the records behind it. */
function refuseDisorder(table: LogTable, after: number, rows: readonly Row[]): void {
  let last = after;
  for (const { row, record } of rows) {
    if (record.seq <= last) throw new Damaged("log", `the row ${row} of ${table} is not in the order of seq`);
    last = record.seq;
  }
}
