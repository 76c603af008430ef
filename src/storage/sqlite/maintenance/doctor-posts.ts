/**
 * Examines what providers' POSTs hold: the events of the log, the parts that they and messages'
 * details are, and the order that follows events. In slices, each a snapshot of its own.
 */

import type { Database } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import { describeRow } from "../connection/damage.ts";
import { countDeletions } from "../connection/deletions.ts";
import {
  type DetailFields,
  detailChecksum,
  type EventFields,
  eventChecksum,
  isSound,
  postChecksum,
} from "../connection/row-checksum.ts";
import { checksumColumn, eventTypeColumn, headersColumn } from "../connection/schema.ts";
import { BY_FILTER, eventSortKey, filtersOf } from "../derived/event-order.ts";
import { Findings } from "./findings.ts";
import { readablePages } from "./readable-rows.ts";

const SLICE_ROWS = 4096;
/** A body may have some megabytes. */
const SLICE_BODIES = 16;

interface EventRow extends EventFields {
  readonly row: number;
  readonly ts_key: string;
  readonly kept: number;
  readonly checksum: number | null;
}

/** Whether the part lies within bytes that are kept. */
const KEPT = `coalesce((select length(body) from deliveries d where d.delivery = rows.delivery) >= stop and start <= stop, 0)`;

/** What was looked at; findings are added to those of the part. */
export function* examineEvents(db: Database, position: number): Generator<number, Looked> {
  const findings = new Findings();
  const order = new OrderCheck(db, findings);
  const slice = db.query<EventRow, [number, number]>(
    `select event as row, seq, source, kind, ${eventTypeColumn(db, "log")} as type, event_key, message_id, ts, ts_key, created_at, delivery, start, stop,
       ${KEPT} as kept, ${checksumColumn(db, "log")} as checksum
     from log.events rows where event >= ? order by event limit ?`,
  );
  const pages = readablePages<EventRow>({
    read: (from, limit) => slice.all(from, limit),
    from: 1,
    pageRows: SLICE_ROWS,
    onUnreadable: (first, last) =>
      findings.add(`events: rows ${first} to ${last ?? "the end"} can't be read`),
  });
  let before = { row: 0, seq: 0 };
  let seen = 0;
  for (const rows of pages) {
    for (const row of rows) {
      checkRow(row, before, findings);
      if (row.row <= position) order.check(row);
      before = row;
    }
    seen += rows.length;
    yield rows.length;
  }
  // Events are numbered without gaps, but for those that somebody deleted.
  const missing = before.row - seen;
  if (missing > countDeletions(db, "log")) findings.add(`events: ${missing} of ${before.row} are missing`);
  order.checkCounts(position);
  return { rows: seen, findings: findings.list() };
}

export interface Looked {
  readonly rows: number;
  readonly findings: readonly string[];
}

/** Details of messages: each is of a message, and its part is kept. */
export function* examineDetails(db: Database, findings: Findings): Generator<number, void> {
  type Row = DetailFields & Readonly<Record<"row" | "kept", number>> & { readonly checksum: number | null };
  const slice = db.query<Row, [number, number]>(
    `select seq as row, seq, source, type, delivery, start, stop, ${KEPT} as kept, ${checksumColumn(db)} as checksum
     from details rows where seq >= ? order by seq limit ?`,
  );
  const pages = readablePages<Row>({
    read: (from, limit) => slice.all(from, limit),
    from: 1,
    pageRows: SLICE_ROWS,
    onUnreadable: (first, last) =>
      findings.add(`details: those of the messages with seq ${first} to ${last ?? "the end"} can't be read`),
  });
  for (const rows of pages) {
    for (const row of rows) {
      if (row.kept !== 1) findings.add(`details: the bytes of the message with seq ${row.seq} are not kept`);
      if (!isSound(row.checksum, () => detailChecksum(row)))
        findings.add(`${describeRow({ table: "details", seq: row.seq })}: the checksum differs`);
    }
    yield 0;
  }
}

/** The bytes and headers of POSTs, against their checksums. */
export function* examineBodies(db: Database, findings: Findings): Generator<number, void> {
  type Row = {
    readonly row: number;
    readonly body: Uint8Array;
    readonly headers: string | null;
    readonly checksum: number | null;
  };
  const slice = db.query<Row, [number, number]>(
    `select delivery as row, body, ${headersColumn(db)} as headers, ${checksumColumn(db)} as checksum
     from deliveries where delivery >= ? order by delivery limit ?`,
  );
  const pages = readablePages<Row>({
    read: (from, limit) => slice.all(from, limit),
    from: 1,
    pageRows: SLICE_BODIES,
    onUnreadable: (first, last) =>
      findings.add(`deliveries: the requests that hold seq ${first} to ${last ?? "the end"} can't be read`),
  });
  for (const rows of pages) {
    for (const { row: seq, body, headers, checksum } of rows)
      if (!isSound(checksum, () => postChecksum(body, headers)))
        findings.add(`${describeRow({ table: "deliveries", seq })}: the checksum differs`);
    yield 0;
  }
}

function checkRow(row: EventRow, before: Pick<EventRow, "row" | "seq">, findings: Findings): void {
  const { row: event, seq, ts, ts_key, kept, message_id: messageId } = row;
  if (!isSound(row.checksum, () => eventChecksum(row)))
    findings.add(`${describeRow({ table: "events", seq, messageId })}: the checksum differs`);
  if (seq <= before.seq) findings.add(`events: ${event} has seq ${seq} after ${before.seq}`);
  if (instantKey(ts) !== ts_key) findings.add(`events: ${event} has the key ${ts_key} for the instant ${ts}`);
  if (kept !== 1) findings.add(`events: the bytes of ${event} are not kept`);
}

class OrderCheck {
  readonly #db: Database;
  readonly #findings: Findings;
  #events = 0;
  #entries = 0;
  #aboutMessages = 0;

  constructor(db: Database, findings: Findings) {
    this.#db = db;
    this.#findings = findings;
  }

  /** Each filter that the event falls under has it at its place. */
  check({ row: event, source, kind, type, ts_key, message_id }: EventRow): void {
    this.#events++;
    const entry = this.#db.query<{ row: number }, [string, string]>(
      `select row from ${BY_FILTER.entries} where place = ? and event = ?`,
    );
    for (const filter of filtersOf({ source, kind, type })) {
      this.#entries++;
      const key = eventSortKey(filter, ts_key, event);
      if (entry.get(key.tsKey, key.messageId)?.row !== event)
        this.#findings.add(`${BY_FILTER.entries}: ${filter} lacks the event ${event} at its place`);
    }
    if (message_id === null) return;
    this.#aboutMessages++;
    const about = this.#db.query("select 1 from events_by_message where message_id = ? and event = ?");
    if (about.get(message_id, event) === null)
      this.#findings.add(`events_by_message: the event ${event} is missing`);
  }

  /** Nothing is there beside; and the leaves say what they have. */
  checkCounts(position: number): void {
    const count = (sql: string) => this.#db.query<{ n: number }, [number]>(sql).get(position)?.n ?? 0;
    const entries = count(`select count(*) as n from ${BY_FILTER.entries} where row <= ?`);
    if (entries !== this.#entries)
      this.#findings.add(
        `${BY_FILTER.entries}: it has ${entries} entries of ${this.#events} events, not ${this.#entries}`,
      );
    const about = count("select count(*) as n from events_by_message where event <= ?");
    if (about !== this.#aboutMessages)
      this.#findings.add(`events_by_message: it has ${about} entries, not ${this.#aboutMessages}`);
  }
}
