/**
 * The tail of the log: the rows that not every follower has taken yet, as a reader keeps them from
 * one snapshot to the next. With it, what the followers have derived is exact at every moment.
 */
import type { Database, Statement } from "bun:sqlite";
import { fold } from "../../../core/fold.ts";
import { NATIVE } from "../../../core/source.ts";
import { MESSAGE_COLUMNS } from "../../columns.ts";
import { compareKeys, type LogRow } from "../derived/log-rows.ts";

/** Of a row as `TAIL_COLUMNS` reads it. */
export type TailColumns = [
  row: number,
  messageId: string,
  from: string,
  to: string,
  tsKey: string,
  ts: string,
  text: string | null,
  source: string | null,
  type: string | null,
];
const { message_id, from, to, ts, text } = MESSAGE_COLUMNS;
export const TAIL_COLUMNS = `messages.rowid, ${message_id}, ${from}, ${to}, ts_key, ${ts}, ${text}, details.source, details.type`;
/** Where they are read from. */
export const TAIL_TABLES = "messages left join details using (seq)";

/** A row of the tail; its text is folded when it is first searched. */
export class TailRow implements LogRow {
  readonly row: number;
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly tsKey: string;
  readonly ts: string;
  readonly text: string | null;
  /** `native` for the native source's. */
  readonly source: string;
  /** Null for the native source's. */
  readonly type: string | null;
  #folded: string | undefined;

  constructor([row, messageId, from, to, tsKey, ts, text, source, type]: TailColumns) {
    this.row = row;
    this.messageId = messageId;
    this.from = from;
    this.to = to;
    this.tsKey = tsKey;
    this.ts = ts;
    this.text = text;
    this.source = source ?? NATIVE;
    this.type = type;
  }

  get folded(): string | null {
    if (this.text === null) return null;
    this.#folded ??= fold(this.text);
    return this.#folded;
  }
}

/** What a row of the tail takes in memory, about, in bytes. */
const ROW_BYTES = 600;

export class Tail {
  readonly #fresh: Statement<TailColumns, [number, number]>;
  readonly #rowsMax: number;
  /** In the order of pages. */
  #rows: TailRow[] = [];
  /** Kept are the rows after `first` up to `last`. */
  #first = 0;
  #last = 0;
  #bytesRead = 0;

  constructor(db: Database, rowsMax: number) {
    this.#fresh = db.query(
      `select ${TAIL_COLUMNS} from ${TAIL_TABLES} where messages.rowid > ? order by messages.rowid limit ?`,
    );
    this.#rowsMax = rowsMax;
  }

  /** Since it was made, from the log; garbage once the followers have taken the rows. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /**
   * Rows after `row` in the present snapshot, in the order of pages; undefined when they are too
   * many to keep.
   */
  after(row: number): readonly TailRow[] | undefined {
    if (row > this.#last || row < this.#first) this.#keepAfter(row);
    const fresh = this.#fresh.values(this.#last, this.#rowsMax + 1) as unknown as TailColumns[];
    this.#bytesRead += fresh.length * ROW_BYTES;
    if (row > this.#first) this.#rows = this.#rows.filter((kept) => kept.row > row);
    this.#first = row;
    if (this.#rows.length + fresh.length > this.#rowsMax) {
      this.#keepAfter(row);
      return undefined;
    }
    this.#last = fresh.at(-1)?.[0] ?? this.#last;
    insertInOrder(
      this.#rows,
      fresh.map((columns) => new TailRow(columns)),
    );
    return this.#rows;
  }

  /** Keeps nothing; the next snapshot is read as a whole. */
  forget(): void {
    this.#keepAfter(this.#last);
  }

  #keepAfter(row: number): void {
    this.#rows = [];
    this.#first = row;
    this.#last = row;
  }
}

/**
 * Puts fresh rows, in any order, into rows in the order of pages. Most of them are the latest: it
 * goes from the end.
 */
function insertInOrder(rows: TailRow[], fresh: TailRow[]): void {
  fresh.sort(compareKeys);
  let at = rows.length - 1;
  let next = fresh.length - 1;
  for (let index = at + fresh.length; next >= 0; index--) {
    const row = rows[at];
    const later = fresh[next] as TailRow;
    if (row !== undefined && compareKeys(row, later) > 0) {
      rows[index] = row;
      at--;
    } else {
      rows[index] = later;
      next--;
    }
  }
}
