/**
 * The rows of the log that a step takes. They are read from the log once, into a table in memory,
 * and every follower takes what it needs of them from there.
 */
import type { Database, Statement } from "bun:sqlite";
import { MESSAGE_COLUMNS } from "../../columns.ts";

/** Of one connection alone; followers read it. */
export const STEP_ROWS = "temp.step_rows";

const { message_id, from, to, text } = MESSAGE_COLUMNS;

/** `source` and `type` are of providers' messages alone. */
const CREATE = `
  create temp table if not exists step_rows (
    row integer primary key, message_id text not null, sender text not null, recipient text not null,
    ts_key text not null, text text, source text, type text
  )`;

export class StepRows {
  readonly #clear: Statement;
  readonly #read: Statement<unknown, [number, number]>;
  readonly #last: Statement<{ row: number | null }, []>;
  readonly #lastOf: Statement<{ row: number | null }, [number]>;
  #count = 0;

  /** The log is attached to the database as `log`. */
  constructor(db: Database) {
    db.run(CREATE);
    this.#clear = db.query(`delete from ${STEP_ROWS}`);
    this.#read = db.query(
      `insert into ${STEP_ROWS}
       select m.rowid, m.${message_id}, m.${from}, m.${to}, m.ts_key, m.${text}, d.source, d.type
       from log.messages m left join log.details d using (seq)
       where m.rowid > ? order by m.rowid limit ?`,
    );
    this.#last = db.query(`select max(row) as row from ${STEP_ROWS}`);
    this.#lastOf = db.query(
      `select max(row) as row from (select row from ${STEP_ROWS} order by row limit ?)`,
    );
  }

  /** Holds the rows after one, up to so many of them. */
  read(after: number, limit: number): void {
    this.clear();
    this.#count = this.#read.run(after, limit).changes;
  }

  /** The last of the first so many rows; undefined when there is none. */
  last(limit: number): number | undefined {
    const found = limit < this.#count ? this.#lastOf.get(limit) : this.#last.get();
    return found?.row ?? undefined;
  }

  clear(): void {
    this.#clear.run();
  }
}
