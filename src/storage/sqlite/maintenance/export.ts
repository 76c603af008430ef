/**
 * Reads the whole log in the order of `seq`, for an export beside a running server. It is read in
 * pages, each a snapshot of its own, because one long snapshot would keep the write-ahead log from
 * starting anew; the end is fixed when it begins, and a `seq` at or below it is never given later,
 * so that no row that was there is missed. Damage is never carried over in silence: what is damaged
 * is told, and what stands on both sides of it is exported.
 */

import type { Database } from "bun:sqlite";
import { StartRefused } from "../../../core/errors.ts";
import type { BodyRecord, EventRecord, LogRecord, MessageRecord } from "../../../core/log-record.ts";
import type { ExportOptions } from "../../../core/maintenance.ts";
import { deliveryOf } from "../../changes-page.ts";
import { type DamagedRow, describeRow, isUnreadable, REMEDY } from "../connection/damage.ts";
import { openForReading } from "../connection/files.ts";
import { endOfLog, type LogEnd } from "../connection/log-end.ts";
import { hasPosts } from "../connection/schema.ts";
import { type CheckedRow, LogReader, type LogTable, type RowRange } from "../reads/log-reader.ts";
import { readablePages } from "./readable-rows.ts";

const PAGE_ROWS = 1000;
/** Each costs a walk over the primary key. */
const GAPS_MAX = 100;

/** What is wrong with the log, as an export meets it. */
type LogDamage =
  | { readonly row: DamagedRow; readonly exported: boolean }
  /** `last` is undefined for all rows up to the end. */
  | { readonly table: "messages" | "events"; readonly first: number; readonly last: number | undefined };

interface ReadOptions {
  readonly onDamage: (damage: LogDamage) => void;
  readonly includeDamaged: boolean;
}

/** In words. */
function describeDamage(damage: LogDamage): string {
  if ("row" in damage) {
    const end = damage.exported ? ", and exported as it is" : ", and left out";
    return `${describeRow(damage.row)}${end}`;
  }
  const { table, first, last } = damage;
  const rows = last === undefined ? `from ${first} on` : first === last ? `${first}` : `${first} to ${last}`;
  return `${table}: rows ${rows} can't be read, and are left out`;
}

/**
 * Everything from `seq` `since` on that is stored now, in pieces. Throws `StartRefused` when the
 * file can't be read, and at the first damage if nobody wants to be told.
 */
export function* exportSlices(
  path: string,
  since: number,
  { onDamage = refuseDamage(path), includeDamaged = false }: ExportOptions = {},
): Generator<readonly LogRecord[]> {
  const options = { includeDamaged, onDamage: (damage: LogDamage) => onDamage(describeDamage(damage)) };
  const db = openForReading(path);
  try {
    yield* pieces(new Export(db, since, options).records());
  } finally {
    db.close();
  }
}

function refuseDamage(path: string): (description: string) => never {
  return (description) => {
    throw new StartRefused(`${path}: ${description}; ${REMEDY}`);
  };
}

class Export {
  readonly #db: Database;
  readonly #since: number;
  readonly #options: ReadOptions;
  readonly #log: LogReader;
  /** The last row and event that belong to the export. */
  readonly #last: Pick<LogEnd, "row" | "event">;

  constructor(db: Database, since: number, options: ReadOptions) {
    this.#db = db;
    this.#since = since;
    this.#options = options;
    this.#log = new LogReader(db);
    const endless = { row: Number.MAX_SAFE_INTEGER, event: Number.MAX_SAFE_INTEGER };
    this.#last = hasPosts(db) ? readable(() => endOfLog(db), endless) : endless;
  }

  /** A POST's bytes come before the first of its parts: those are neighbours in the log. */
  *records(): Generator<LogRecord> {
    let written: number | undefined;
    let post: Omit<BodyRecord, "delivery"> | undefined;
    for (const record of this.#inOrder()) {
      const delivery = deliveryOf(record);
      if (delivery !== undefined) {
        if (delivery !== written) {
          post = this.#postOf(delivery, record);
          if (post !== undefined) yield { delivery, ...post } satisfies BodyRecord;
        } else if (post === undefined) this.#tell("deliveries", record, false);
        written = delivery;
        if (post === undefined) continue;
      }
      yield record;
    }
  }

  /** Both kinds of rows become one sequence. */
  *#inOrder(): Generator<MessageRecord | EventRecord> {
    const events = this.#sound(this.#rows("events", (range) => this.#log.events(range)));
    let event = events.next();
    for (const message of this.#sound(this.#rows("messages", (range) => this.#log.messages(range)))) {
      for (; !event.done && event.value.seq < message.seq; event = events.next()) yield event.value;
      yield message;
    }
    for (; !event.done; event = events.next()) yield event.value;
  }

  /** What of the rows is exported. */
  *#sound<T extends MessageRecord | EventRecord>(rows: Iterable<CheckedRow<T>>): Generator<T> {
    for (const { record, damaged } of rows)
      if (damaged.every((table) => this.#tell(table, record, true))) yield record;
  }

  /** Pages of a table by its row number, in whose order `seq` ascends too. */
  *#rows<T extends MessageRecord | EventRecord>(
    table: LogTable,
    read: (range: RowRange) => readonly CheckedRow<T>[],
  ): Generator<CheckedRow<T>> {
    const unreadable = new Set<number>();
    const last = table === "messages" ? this.#last.row : this.#last.event;
    const first = readable(() => this.#log.firstRow(table, this.#since), undefined);
    const pages = readablePages({
      read: (from, limit) => read({ first: from, last, limit }),
      from: first ?? 1,
      pageRows: PAGE_ROWS,
      onUnreadable: (from, to) => {
        unreadable.add(from);
        this.#options.onDamage({ table, first: from, last: to });
      },
    });
    let next = first;
    const gaps: [first: number, last: number][] = [];
    for (const rows of pages) {
      for (const row of rows) {
        if (next !== undefined && row.row > next && !unreadable.has(next)) gaps.push([next, row.row - 1]);
        next = row.row + 1;
        if (first !== undefined || row.record.seq >= this.#since) yield row;
      }
    }
    if (table === "messages") this.#tellLost(gaps);
  }

  /**
   * Rows are numbered without gaps: where there is one, the primary key tells whether there were
   * any.
   */
  #tellLost(gaps: readonly (readonly [first: number, last: number])[]): void {
    const keys = this.#db.query<{ n: number }, [number, number]>(
      `select count(*) as n from messages indexed by sqlite_autoindex_messages_1 where rowid >= ? and rowid <= ?`,
    );
    for (const [first, last] of gaps.slice(0, GAPS_MAX))
      if (readable(() => keys.get(first, last)?.n ?? 0, 1) > 0)
        this.#options.onDamage({ table: "messages", first, last });
  }

  /** Undefined when it is damaged and is to be left out. */
  #postOf(delivery: number, record: MessageRecord | EventRecord): Omit<BodyRecord, "delivery"> | undefined {
    const found = readable(() => this.#log.post(delivery), undefined);
    if (found === undefined) {
      this.#tell("deliveries", record, false);
      return undefined;
    }
    if (!found.isSound && !this.#tell("deliveries", record, true)) return undefined;
    const { body, headers } = found;
    return { body_base64: Buffer.from(body).toString("base64"), ...(headers !== null && { headers }) };
  }

  /** Tells of a damaged row; whether it is exported all the same, if it can be. */
  #tell(table: DamagedRow["table"], record: MessageRecord | EventRecord, readable: boolean): boolean {
    const exported = readable && this.#options.includeDamaged;
    const { seq, message_id: messageId } = record;
    this.#options.onDamage({ row: { table, seq, messageId }, exported });
    return exported;
  }
}

/** What a read gives, or else what stands in for it where the file can't be read. */
function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (isUnreadable(error)) return otherwise;
    throw error;
  }
}

/** So many records, or so many characters of bodies, at once. */
const PIECE_CHARS = 1024 * 1024;

function* pieces(records: Iterable<LogRecord>): Generator<readonly LogRecord[]> {
  let piece: LogRecord[] = [];
  let chars = 0;
  for (const record of records) {
    piece.push(record);
    chars += "body_base64" in record ? record.body_base64.length : 0;
    if (piece.length < PAGE_ROWS && chars < PIECE_CHARS) continue;
    yield piece;
    piece = [];
    chars = 0;
  }
  if (piece.length > 0) yield piece;
}
