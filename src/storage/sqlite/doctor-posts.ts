/**
 * Examines what providers' POSTs hold: the events of the log, the parts that they and messages' details are, and the
 * order that follows events. In slices, each a snapshot of its own.
 */
import type { Database } from "bun:sqlite";
import { instantKey } from "../../core/instant.ts";
import { Findings } from "./findings.ts";
import { BY_FILTER, ENTRIES_AN_EVENT, eventPlace, filterText } from "./index/event-order.ts";

const SLICE_ROWS = 4096;

interface EventRow {
  readonly event: number;
  readonly seq: number;
  readonly source: string;
  readonly kind: string;
  readonly message_id: string | null;
  readonly ts: string;
  readonly ts_key: string;
  readonly kept: number;
}

/** Whether the part lies within bytes that are kept. */
const KEPT = `coalesce((select length(body) from deliveries d where d.delivery = rows.delivery) >= stop and start <= stop, 0)`;
const EVENTS = `select event, seq, source, kind, message_id, ts, ts_key, ${KEPT} as kept
  from log.events rows where event > ? and event <= ? order by event limit ${SLICE_ROWS}`;

/** What was looked at; findings are added to those of the part. */
export function* examineEvents(db: Database, position: number): Generator<number, Examined> {
  const findings = new Findings();
  const order = new OrderCheck(db, findings);
  const slice = db.query<EventRow, [number, number]>(EVENTS);
  let before = { event: 0, seq: 0 };
  for (;;) {
    const rows = slice.all(before.event, Number.MAX_SAFE_INTEGER);
    for (const row of rows) {
      checkRow(row, before, findings);
      if (row.event <= position) order.check(row);
      before = row;
    }
    yield rows.length;
    if (rows.length < SLICE_ROWS) break;
  }
  order.checkCounts(position);
  return { rows: before.event, findings: findings.list() };
}

export interface Examined {
  readonly rows: number;
  readonly findings: readonly string[];
}

/** Details of messages: each is of a message, and its part is kept. */
export function* examineDetails(db: Database, findings: Findings): Generator<number, void> {
  const slice = db.query<{ seq: number; kept: number }, [number]>(
    `select seq, ${KEPT} as kept from details rows where seq > ? order by seq limit ${SLICE_ROWS}`,
  );
  for (let after = 0; ; ) {
    const rows = slice.all(after);
    for (const { seq, kept } of rows)
      if (kept !== 1) findings.add(`details: the bytes of the message with seq ${seq} are not kept`);
    after = rows.at(-1)?.seq ?? after;
    yield 0;
    if (rows.length < SLICE_ROWS) return;
  }
}

function checkRow(row: EventRow, before: Pick<EventRow, "event" | "seq">, findings: Findings): void {
  const { event, seq, ts, ts_key, kept } = row;
  if (event !== before.event + 1) findings.add(`events: ${event} comes after ${before.event}`);
  if (seq <= before.seq) findings.add(`events: ${event} has seq ${seq} after ${before.seq}`);
  if (instantKey(ts) !== ts_key) findings.add(`events: ${event} has the key ${ts_key} for the instant ${ts}`);
  if (kept !== 1) findings.add(`events: the bytes of ${event} are not kept`);
}

class OrderCheck {
  readonly #db: Database;
  readonly #findings: Findings;
  #aboutMessages = 0;

  constructor(db: Database, findings: Findings) {
    this.#db = db;
    this.#findings = findings;
  }

  /** Each filter that the event falls under has it at its place. */
  check({ event, source, kind, ts_key, message_id }: EventRow): void {
    const entry = this.#db.query<{ row: number }, [string, string]>(
      `select row from ${BY_FILTER.entries} where place = ? and event = ?`,
    );
    for (const filter of [filterText(), filterText(source), filterText("", kind), filterText(source, kind)]) {
      const place = eventPlace(filter, ts_key, event);
      if (entry.get(place.tsKey, place.messageId)?.row !== event)
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
    if (entries !== ENTRIES_AN_EVENT * position)
      this.#findings.add(
        `${BY_FILTER.entries}: it has ${entries} entries of ${position} events, not ${ENTRIES_AN_EVENT} of each`,
      );
    const about = count("select count(*) as n from events_by_message where event <= ?");
    if (about !== this.#aboutMessages)
      this.#findings.add(`events_by_message: it has ${about} entries, not ${this.#aboutMessages}`);
  }
}
