/**
 * Reads the whole log in the order of `seq`, for an export beside a running server. It is read in pages, each a
 * snapshot of its own, because one long snapshot would keep the write-ahead log from starting anew; the end is fixed
 * when it begins, and a `seq` at or below it is never given later, so that no row that was there is missed.
 */
import type { Database } from "bun:sqlite";
import type {
  DeliveryRecord,
  EventRecord,
  LogRecord,
  MessageRecord,
  PartOfPost,
  ProviderMessageRecord,
} from "../../core/log-record.ts";
import type { LoggedMessage } from "../../core/message.ts";
import { openForReading } from "./files.ts";
import { endOfLog } from "./message-log.ts";
import { hasPosts } from "./schema.ts";

const PAGE_ROWS = 1000;

type MessageRow = LoggedMessage & { readonly row: number } & (
    | Omit<ProviderMessageRecord, keyof LoggedMessage>
    | { readonly source: null; readonly type: null; readonly delivery: null }
  );

const MESSAGES = `
  select messages.rowid as row, seq, message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at`;
const PAGE = `where messages.rowid > ? and seq <= ? order by messages.rowid limit ${PAGE_ROWS}`;
const PLAIN_MESSAGES = `${MESSAGES}, null as source, null as type, null as delivery from messages ${PAGE}`;
const ALL_MESSAGES = `${MESSAGES}, source, type, delivery, start, stop
  from messages left join details using (seq) ${PAGE}`;
const EVENTS = `
  select event as row, seq, source, kind, event_key, message_id, ts, created_at, delivery, start, stop
  from events where event > ? and seq <= ? order by event limit ${PAGE_ROWS}`;

/**
 * Everything from `seq` `since` on that is stored now, in pieces. Throws `StartRefused` when the file can't be read.
 */
export function* exportSlices(path: string, since: number): Generator<readonly LogRecord[]> {
  const db = openForReading(path);
  try {
    yield* pieces(withBodies(db, inOrder(db, since)));
  } finally {
    db.close();
  }
}

/** Both kinds of rows become one sequence. */
function* inOrder(db: Database, since: number): Generator<MessageRecord | EventRecord> {
  const posts = hasPosts(db);
  const last = posts ? endOfLog(db).seq : Number.MAX_SAFE_INTEGER;
  const messages = messagesFrom(db, posts ? ALL_MESSAGES : PLAIN_MESSAGES, since, last);
  const events = posts ? rowsFrom<EventRecord>(db, EVENTS, "events", "event", since, last) : [].values();
  let event = events.next();
  for (const message of messages) {
    for (; !event.done && event.value.seq < message.seq; event = events.next()) yield event.value;
    yield message;
  }
  for (; !event.done; event = events.next()) yield event.value;
}

function* messagesFrom(db: Database, sql: string, since: number, last: number): Generator<MessageRecord> {
  for (const row of rowsFrom<Omit<MessageRow, "row">>(db, sql, "messages", "rowid", since, last)) {
    if (row.source !== null) yield row as ProviderMessageRecord;
    else {
      const { seq, message_id, from, to, ts, text, created_at } = row;
      yield { seq, message_id, from, to, ts, text, created_at };
    }
  }
}

/** Pages of a table by its row number, in whose order `seq` ascends too. */
function* rowsFrom<T>(
  db: Database,
  sql: string,
  table: string,
  number: string,
  since: number,
  last: number,
): Generator<T> {
  const page = db.query<T & { readonly row: number }, [number, number]>(sql);
  for (let after = rowBefore(db, table, number, since); ; ) {
    const rows = page.all(after, last);
    for (const { row, ...rest } of rows) {
      after = row;
      yield rest as unknown as T;
    }
    if (rows.length < PAGE_ROWS) return;
  }
}

/** The last row before those with this `seq` or a later one. */
function rowBefore(db: Database, table: string, number: string, since: number): number {
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
  return low;
}

/** A POST's bytes come before the first of its parts: those are neighbours in the log. */
function* withBodies(db: Database, records: Iterable<MessageRecord | EventRecord>): Generator<LogRecord> {
  const bodyOf = db.query<{ body: Uint8Array }, [number]>("select body from deliveries where delivery = ?");
  let delivery: number | undefined;
  for (const record of records) {
    const part: Partial<PartOfPost> = "delivery" in record ? record : {};
    if (part.delivery !== undefined && part.delivery !== delivery) {
      delivery = part.delivery;
      const body = Buffer.from(bodyOf.get(delivery)?.body ?? new Uint8Array()).toString("base64");
      yield { delivery, body_base64: body } satisfies DeliveryRecord;
    }
    yield record;
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
