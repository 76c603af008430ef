/**
 * Reads the whole log in the order of `seq`, for an export beside a running server. It is read in pages, each a
 * snapshot of its own, because one long snapshot would keep the write-ahead log from starting anew; the end is fixed
 * when it begins, and a `seq` at or below it is never given later, so that no row that was there is missed. Damage is
 * never carried over in silence: what is damaged is told, and what stands on both sides of it is exported.
 */

import type { Database } from "bun:sqlite";
import { StartRefused } from "../../../core/errors.ts";
import type {
  BodyRecord,
  BodySpan,
  EventRecord,
  LogRecord,
  MessageRecord,
  ProviderMessageRecord,
} from "../../../core/log-record.ts";
import type { ExportOptions } from "../../../core/maintenance.ts";
import type { LoggedMessage } from "../../../core/message.ts";
import { bytesChecksum } from "../../../lib/bytes-checksum.ts";
import { type DamagedRow, describeRow, isUnreadable, REMEDY } from "../connection/damage.ts";
import { openForReading } from "../connection/files.ts";
import { endOfLog, type LogEnd } from "../connection/log-end.ts";
import { detailChecksum, eventChecksum, isSound, messageChecksum } from "../connection/row-checksum.ts";
import { checksumColumn, hasPosts } from "../connection/schema.ts";
import { readablePages } from "./readable-rows.ts";

const PAGE_ROWS = 1000;
/** Each costs a walk over the primary key. */
const GAPS_MAX = 100;

type Checked<T> = T & { readonly row: number; readonly checksum: number | null };
type MessageRow = Checked<LoggedMessage> & { readonly detailChecksum: number | null } & (
    | Omit<ProviderMessageRecord, keyof LoggedMessage>
    | { readonly source: null; readonly type: null; readonly delivery: null }
  );

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
 * Everything from `seq` `since` on that is stored now, in pieces. Throws `StartRefused` when the file can't be read, and
 * at the first damage if nobody wants to be told.
 */
export function* exportSlices(
  path: string,
  since: number,
  { onDamage = refuseDamage(path), includeDamaged = false }: ExportOptions = {},
): Generator<readonly LogRecord[]> {
  const options = { includeDamaged, onDamage: (damage: LogDamage) => onDamage(describeDamage(damage)) };
  const db = openForReading(path);
  try {
    yield* pieces(new LogReader(db, since, options).records());
  } finally {
    db.close();
  }
}

function refuseDamage(path: string): (description: string) => never {
  return (description) => {
    throw new StartRefused(`${path}: ${description}; ${REMEDY}`);
  };
}

class LogReader {
  readonly #db: Database;
  readonly #since: number;
  readonly #options: ReadOptions;
  readonly #checksum: string;
  /** The last row and event that belong to the export. */
  readonly #last: Pick<LogEnd, "row" | "event">;

  constructor(db: Database, since: number, options: ReadOptions) {
    this.#db = db;
    this.#since = since;
    this.#options = options;
    this.#checksum = checksumColumn(db);
    const endless = { row: Number.MAX_SAFE_INTEGER, event: Number.MAX_SAFE_INTEGER };
    this.#last = hasPosts(db) ? readable(() => endOfLog(db), endless) : endless;
  }

  /** A POST's bytes come before the first of its parts: those are neighbours in the log. */
  *records(): Generator<LogRecord> {
    let written: number | undefined;
    let body: string | undefined;
    for (const record of this.#inOrder()) {
      const part: Partial<BodySpan> = "delivery" in record ? record : {};
      if (part.delivery !== undefined) {
        const delivery = part.delivery;
        if (delivery !== written) {
          body = this.#bodyOf(delivery, record);
          if (body !== undefined) yield { delivery, body_base64: body } satisfies BodyRecord;
        } else if (body === undefined) this.#tell("deliveries", record, false);
        written = delivery;
        if (body === undefined) continue;
      }
      yield record;
    }
  }

  /** Both kinds of rows become one sequence. */
  *#inOrder(): Generator<MessageRecord | EventRecord> {
    const events = hasPosts(this.#db) ? this.#events() : [].values();
    let event = events.next();
    for (const message of this.#messages()) {
      for (; !event.done && event.value.seq < message.seq; event = events.next()) yield event.value;
      yield message;
    }
    for (; !event.done; event = events.next()) yield event.value;
  }

  *#messages(): Generator<MessageRecord> {
    const details = hasPosts(this.#db)
      ? {
          columns: `source, type, delivery, start, stop, ${this.#of("details")}`,
          join: "left join details using (seq)",
        }
      : { columns: "null as source, null as type, null as delivery, null", join: "" };
    const sql = `select messages.rowid as row, seq, message_id, from_msisdn as "from", to_msisdn as "to", ts, text,
      created_at, ${this.#of("messages")} as checksum, ${details.columns} as detailChecksum
      from messages ${details.join}`;
    for (const found of this.#rows<MessageRow>(sql, "messages", "messages.rowid")) {
      const { row, checksum, detailChecksum: stored, ...record } = found;
      const { seq, message_id, from, to, ts, text, created_at } = record;
      const sound = isSound(checksum, () => messageChecksum(record));
      if (record.source === null) {
        const native = { seq, message_id, from, to, ts, text, created_at };
        if (sound || this.#tell("messages", native, true)) yield native;
        continue;
      }
      const provider = record as ProviderMessageRecord;
      if (!sound && !this.#tell("messages", provider, true)) continue;
      if (isSound(stored, () => detailChecksum(provider)) || this.#tell("details", provider, true))
        yield provider;
    }
  }

  *#events(): Generator<EventRecord> {
    const sql = `select event as row, seq, source, kind, event_key, message_id, ts, created_at, delivery, start, stop,
      ${this.#checksum} as checksum from events`;
    for (const { row, checksum, ...event } of this.#rows<Checked<EventRecord>>(sql, "events", "event"))
      if (isSound(checksum, () => eventChecksum(event)) || this.#tell("events", event, true)) yield event;
  }

  /** Pages of a table by its row number, in whose order `seq` ascends too. */
  *#rows<T extends { readonly row: number; readonly seq: number }>(
    sql: string,
    table: "messages" | "events",
    number: string,
  ): Generator<T> {
    const unreadable = new Set<number>();
    const last = table === "messages" ? this.#last.row : this.#last.event;
    const first = readable(() => firstRow(this.#db, table, number, this.#since), undefined);
    const page = this.#db.query<T, [number, number, number]>(
      `${sql} where ${number} >= ? and ${number} <= ? order by ${number} limit ?`,
    );
    const pages = readablePages<T>({
      read: (from, limit) => page.all(from, last, limit),
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
        if (first !== undefined || row.seq >= this.#since) yield row;
      }
    }
    if (table === "messages") this.#tellLost(gaps);
  }

  /** Rows are numbered without gaps: where there is one, the primary key tells whether there were any. */
  #tellLost(gaps: readonly (readonly [first: number, last: number])[]): void {
    const keys = this.#db.query<{ n: number }, [number, number]>(
      `select count(*) as n from messages indexed by sqlite_autoindex_messages_1 where rowid >= ? and rowid <= ?`,
    );
    for (const [first, last] of gaps.slice(0, GAPS_MAX))
      if (readable(() => keys.get(first, last)?.n ?? 0, 1) > 0)
        this.#options.onDamage({ table: "messages", first, last });
  }

  /** In base64; undefined when the bytes are damaged and are to be left out. */
  #bodyOf(delivery: number, record: MessageRecord | EventRecord): string | undefined {
    const sql = `select body, ${this.#checksum} as checksum from deliveries where delivery = ?`;
    const query = this.#db.query<{ body: Uint8Array; checksum: number | null }, [number]>(sql);
    const found = readable(() => query.get(delivery), null);
    if (found === null) {
      this.#tell("deliveries", record, false);
      return undefined;
    }
    const sound = isSound(found.checksum, () => bytesChecksum(found.body));
    if (!sound && !this.#tell("deliveries", record, true)) return undefined;
    return Buffer.from(found.body).toString("base64");
  }

  /** Tells of a damaged row; whether it is exported all the same, if it can be. */
  #tell(table: DamagedRow["table"], record: MessageRecord | EventRecord, readable: boolean): boolean {
    const exported = readable && this.#options.includeDamaged;
    const { seq, message_id: messageId } = record;
    this.#options.onDamage({ row: { table, seq, messageId }, exported });
    return exported;
  }

  #of(table: string): string {
    return this.#checksum === "null" ? "null" : `${table}.${this.#checksum}`;
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

/** The first row with this `seq` or a later one. */
function firstRow(db: Database, table: string, number: string, since: number): number {
  if (since <= 1) return 1;
  const next = db.query<{ row: number; seq: number }, [number]>(
    `select ${number} as row, seq from ${table} where ${number} > ? order by ${number} limit 1`,
  );
  const end =
    db.query<{ row: number | null }, []>(`select max(${number}) as row from ${table}`).get()?.row ?? 0;
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((next.get(middle)?.seq ?? Number.POSITIVE_INFINITY) < since) low = middle + 1;
    else high = middle;
  }
  return low + 1;
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
