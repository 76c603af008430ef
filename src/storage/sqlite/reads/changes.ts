/**
 * Reads what was stored after a position of the log, from the log itself. A page costs what is in
 * it and two binary searches, however long the log is.
 */
import type { Database } from "bun:sqlite";
import type { Changes, ChangesQuery } from "../../../core/changes.ts";
import type { EventRecord, MessageRecord } from "../../../core/log-record.ts";
import { deliveryOf, withRoom } from "../../changes-page.ts";
import { Damaged, type OnDamagedRow } from "../connection/damage.ts";
import { type CheckedRow, LogReader, type LogTable } from "./log-reader.ts";

type Row = CheckedRow<MessageRecord | EventRecord>;

/** What a row takes in memory, about. */
const ROW_BYTES = 600;

export class ChangeReader {
  readonly #db: Database;
  readonly #log: LogReader;
  readonly #onDamagedRow: OnDamagedRow;
  #bytesRead = 0;

  constructor(db: Database, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#log = new LogReader(db);
    this.#onDamagedRow = onDamagedRow;
  }

  /** Since it was made. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** From one snapshot. A damaged row is told, and given as it is read. */
  read(query: ChangesQuery): Changes {
    this.#db.run("begin");
    try {
      return this.#page(query);
    } finally {
      this.#db.run("rollback");
    }
  }

  #page({ after, limit, bodies: wanted = false }: ChangesQuery): Changes {
    const messages = this.#after("messages", after, limit + 1);
    const events = this.#after("events", after, limit + 1);
    const found = inOrder(messages, events).slice(0, limit + 1);
    this.#bytesRead += found.length * ROW_BYTES;
    const rows = found.slice(0, limit);
    for (const { record, damaged } of rows)
      for (const table of damaged)
        this.#onDamagedRow({ table, seq: record.seq, messageId: record.message_id });
    const all = rows.map(({ record }) => record);
    const records = wanted ? withRoom(all, (delivery) => this.#log.bodyBytes(delivery)) : all;
    const bodies = wanted ? this.#bodies(records) : new Map<number, Uint8Array>();
    return { records, bodies, more: records.length < found.length };
  }

  #after(table: LogTable, seq: number, limit: number): readonly Row[] {
    const first = this.#log.firstRow(table, seq + 1);
    const range = { first, last: Number.MAX_SAFE_INTEGER, limit };
    const rows = table === "messages" ? this.#log.messages(range) : this.#log.events(range);
    refuseDisorder(table, seq, rows);
    return rows;
  }

  #bodies(records: readonly (MessageRecord | EventRecord)[]): ReadonlyMap<number, Uint8Array> {
    const bodies = new Map<number, Uint8Array>();
    for (const record of records) {
      const delivery = deliveryOf(record);
      if (delivery === undefined || bodies.has(delivery)) continue;
      const found = this.#log.body(delivery);
      if (found?.isSound !== true)
        this.#onDamagedRow({ table: "deliveries", seq: record.seq, messageId: record.message_id });
      const body = found?.body ?? new Uint8Array();
      this.#bytesRead += body.length;
      bodies.set(delivery, body);
    }
    return bodies;
  }
}

/** A number that the disk has changed would take whoever follows past the records behind it. */
function refuseDisorder(table: LogTable, after: number, rows: readonly Row[]): void {
  let last = after;
  for (const { row, record } of rows) {
    if (record.seq <= last) throw new Damaged("log", `the row ${row} of ${table} is not in the order of seq`);
    last = record.seq;
  }
}

function inOrder(messages: readonly Row[], events: readonly Row[]): readonly Row[] {
  if (events.length === 0) return messages;
  return [...messages, ...events].sort((a, b) => a.record.seq - b.record.seq);
}
