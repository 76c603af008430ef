/**
 * Which message of each sender comes last in the order of pages, and senders in that order. An
 * entry of it lies somewhere among all others, and so does the one that takes its place, so each
 * costs pages of its own: what a step brings waits, by sender, until many are put into their places
 * at once. Whoever reads looks at both.
 */
import type { Database } from "bun:sqlite";

const COLUMNS = `sender text primary key, ts_key text not null, message_id text not null, row integer not null`;

export const LAST_MESSAGE_TABLES = `
  create table last_messages (${COLUMNS}) without rowid;
  create index last_messages_in_order on last_messages (ts_key, message_id);
  create table waiting_last_messages (${COLUMNS}) without rowid;
  create view all_last_messages as select * from last_messages union all select * from waiting_last_messages;
`;

export class LastMessageWriter {
  readonly #db: Database;
  readonly #waitingMax: number;

  constructor(db: Database, waitingMax: number) {
    this.#db = db;
    this.#waitingMax = waitingMax;
  }

  /** Takes what a step brings, from `given`. */
  add(): void {
    this.#db.query(putInto("waiting_last_messages", "given")).run();
  }

  /** Puts those that wait into their places, if there are enough of them. */
  settle(): void {
    const sql = "select count(*) as n from waiting_last_messages";
    if ((this.#db.query<{ n: number }, []>(sql).get()?.n ?? 0) < this.#waitingMax) return;
    this.#db.query(putInto("last_messages", "waiting_last_messages")).run();
    this.#db.query("delete from waiting_last_messages").run();
  }
}

/** Of two messages of a sender the later one stays. */
function putInto(table: string, from: string): string {
  return `insert into ${table} select sender, ts_key, message_id, row from ${from} where true
    on conflict do update set ts_key = excluded.ts_key, message_id = excluded.message_id, row = excluded.row
      where (excluded.ts_key, excluded.message_id) > (${table}.ts_key, ${table}.message_id)`;
}
