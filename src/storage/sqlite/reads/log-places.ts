/**
 * Places in the log: where it ends, whether a position holds, and where an instant is. All of it is
 * read from the log itself, in a transaction of the caller's.
 */
import type { Database } from "bun:sqlite";
import type { Beginning } from "../../../core/changes.ts";
import { instantKey } from "../../../core/instant.ts";
import { identityOf, type Marked, positionOf, startOf } from "../../../core/position.ts";
import type { Clock } from "../../../lib/clock.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import { readDisorder } from "../connection/disorder.ts";
import type { LogReader, LogTable } from "./log-reader.ts";

const TABLES: readonly LogTable[] = ["messages", "events"];
/** As `instantKey` of `created_at`, but for zeros at its end, which are no less. */
const RECEIVED = "rtrim(created_at, 'Z')";
/** So many rows are looked at between two looks at the clock. */
const SCAN_ROWS = 100_000;

export class LogPlaces {
  /** What positions begin with. */
  readonly log: string;
  readonly #db: Database;
  readonly #rows: LogReader;
  readonly #clock: Clock;

  constructor(db: Database, rows: LogReader, clock: Clock) {
    this.#db = db;
    this.#rows = rows;
    this.#clock = clock;
    const sql = "select value from meta where key = 'log_id'";
    this.log = identityOf(db.query<{ value: string }, []>(sql).get()?.value ?? "");
  }

  /**
   * The position of the last record with this number or a lower one; the start when there is none.
   */
  upTo(seq: number): string {
    const last: readonly (Marked | undefined)[] = TABLES.map((table) =>
      this.#rows.recordUpTo(table, this.#rows.firstRow(table, seq + 1) - 1),
    );
    const record = last.reduce((one, other) => ((one?.seq ?? 0) < (other?.seq ?? 0) ? other : one));
    return record === undefined ? startOf(this.log) : this.of(record);
  }

  get end(): string {
    return this.upTo(Number.MAX_SAFE_INTEGER);
  }

  of(record: Marked): string {
    return positionOf(this.log, record);
  }

  /** Whether the very record of the position stands at its number. */
  holds(mark: string, seq: number): boolean {
    return Number.isSafeInteger(seq) && this.upTo(seq) === `${mark}.${seq}`;
  }

  /** Throws `TimeIsOver`. */
  at(beginning: Beginning, deadline: number): string {
    if (beginning === "start") return startOf(this.log);
    if (beginning === "now") return this.end;
    const firsts = TABLES.map((table) => this.#firstSince(table, instantKey(beginning.since), deadline));
    const seq = Math.min(...firsts);
    return Number.isFinite(seq) ? this.upTo(seq - 1) : this.end;
  }

  /**
   * The lowest number of the table whose `created_at` is not before the instant. It rises with the
   * numbers but where a clock went back, or records were imported: that is on record with the
   * greatest instant up to there, so behind it, and with later instants, it can be bisected.
   */
  #firstSince(table: LogTable, key: string, deadline: number): number {
    const disorder = readDisorder(this.#db);
    if (disorder !== undefined && key <= disorder.latest) return this.#scan(table, key, deadline);
    let low = this.#rows.firstRow(table, (disorder?.seq ?? 0) + 1);
    let high = this.#rows.lastRow(table) + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const record = this.#rows.recordFrom(table, middle);
      if (record !== undefined && instantKey(record.created_at) < key) low = middle + 1;
      else high = middle;
    }
    return this.#rows.recordFrom(table, low)?.seq ?? Number.POSITIVE_INFINITY;
  }

  #scan(table: LogTable, key: string, deadline: number): number {
    const last = this.#rows.lastRow(table);
    const sql = `select seq from ${table} where rowid between ? and ? and ${RECEIVED} >= ? order by rowid limit 1`;
    const query = this.#db.query<{ seq: number }, [number, number, string]>(sql);
    for (let row = 1; row <= last; row += SCAN_ROWS) {
      if (this.#clock.now() > deadline) throw new TimeIsOver("the read took too long");
      const found = query.get(row, row + SCAN_ROWS - 1, key);
      if (found !== null) return found.seq;
    }
    return Number.POSITIVE_INFINITY;
  }
}
