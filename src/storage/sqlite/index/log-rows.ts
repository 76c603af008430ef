/** The log as its followers read it: rows of `messages` in the order in which they were appended. */
import type { Database, Statement } from "bun:sqlite";
import { compareUtf8 } from "../../../core/utf8-order.ts";

export interface LogRow {
  /** The rowid: its order is the order of the log. */
  readonly row: number;
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly tsKey: string;
  readonly ts: string;
  readonly text: string | null;
}

/** A place in the order of pages. */
export interface Place {
  readonly tsKey: string;
  readonly messageId: string;
}

/** The order of pages: by instant, then by the identifier's bytes. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.tsKey !== b.tsKey) return a.tsKey < b.tsKey ? -1 : 1;
  return compareUtf8(a.messageId, b.messageId);
}

type Columns = [number, string, string, string, string, string, string | null];

export class LogRows {
  readonly #select: Statement<Columns, [number, number]>;

  constructor(db: Database) {
    this.#select = db.query(
      `select rowid, message_id, from_msisdn, to_msisdn, ts_key, ts, text from messages
       where rowid > ? order by rowid limit ?`,
    );
  }

  /** Up to `limit` rows after `row`. */
  after(row: number, limit: number): LogRow[] {
    const rows = this.#select.values(row, limit) as unknown as Columns[];
    return rows.map(([row, messageId, from, to, tsKey, ts, text]) => ({
      row,
      messageId,
      from,
      to,
      tsKey,
      ts,
      text,
    }));
  }

  close(): void {
    this.#select.finalize();
  }
}
