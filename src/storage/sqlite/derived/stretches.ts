/**
 * The least and the greatest instant in each stretch of the log, some thousand neighbouring rows.
 * Rows come mostly in the order of time, so the bounds tell of nearly every row on which side of an
 * instant it is, and it needn't be looked up. Bounds may be wider than their rows, never narrower.
 */
import type { Database, Statement } from "bun:sqlite";
import type { RowRange } from "../../../search/search.ts";
import { STEP_ROWS } from "./step-rows.ts";

/** A stretch is a row divided by `IndexLimits.stretchRows`, to which an index file keeps. */
export const STRETCH_TABLES = `
  create table stretches (stretch integer primary key, least text not null, greatest text not null);
`;

/**
 * What makes them for a file that has come to a row without: in the stretch there may be anything.
 */
export function addStretches(stretchRows: number): string {
  return `${STRETCH_TABLES}
    insert into stretches select row / ${stretchRows}, '', '~' from followers where name = 'time' and row > 0;`;
}

/** So many of the stretches that such a file lacks are added with each step. */
const LACKING_A_STEP = 2;

export class StretchWriter {
  readonly #rows: number;
  readonly #widen: Statement;
  readonly #first: Statement<{ stretch: number | null }, []>;
  readonly #add: Statement;

  constructor(db: Database, stretchRows: number) {
    this.#rows = stretchRows;
    this.#widen = db.query(
      `insert into stretches select row / ?3, min(ts_key), max(ts_key) from ${STEP_ROWS}
       where row > ?1 and row <= ?2 group by 1
       on conflict do update set least = min(least, excluded.least), greatest = max(greatest, excluded.greatest)`,
    );
    this.#first = db.query("select min(stretch) as stretch from stretches");
    this.#add = db.query(
      `insert into stretches select rowid / ?3, min(ts_key), max(ts_key) from log.messages
       where rowid >= ?1 and rowid < ?2 group by 1`,
    );
  }

  /** Takes the rows after `after`, up to `last`, from the step's rows. */
  add(after: number, last: number): void {
    this.#widen.run(after, last, this.#rows);
    const first = this.#first.get()?.stretch ?? 0;
    if (first > 0) this.#add.run((first - LACKING_A_STEP) * this.#rows, first * this.#rows, this.#rows);
  }
}

/** Instants from one on, before another; each may be missing. */
interface TimeRange {
  readonly sinceKey: string | undefined;
  readonly untilKey: string | undefined;
}

interface Divided {
  /** Rows that lie in the range of time. */
  readonly inside: readonly RowRange[];
  /** Rows of which each may. */
  readonly open: readonly RowRange[];
}

/** The bounds as they were when the follower of time had come to a row. */
export class Stretches {
  readonly #rows: number;
  /** The last row that they tell of. */
  readonly #last: number;
  readonly #bounds: ReadonlyMap<number, readonly [least: string, greatest: string]>;

  constructor(db: Database, stretchRows: number, last: number) {
    this.#rows = stretchRows;
    this.#last = last;
    const stored = db.query("select stretch, least, greatest from stretches").values() as [
      number,
      string,
      string,
    ][];
    this.#bounds = new Map(stored.map(([stretch, least, greatest]) => [stretch, [least, greatest]]));
  }

  /** Divides the rows of the log up to `last`; those outside of the range are in neither part. */
  divide(range: TimeRange, last: number): Divided {
    const divided = { inside: [] as RowRange[], open: [] as RowRange[] };
    for (let first = 0; first <= last; first += this.#rows) {
      const end = Math.min(last, first + this.#rows - 1);
      const side = this.#sideOf(first / this.#rows, end, range);
      if (side !== "outside") append(divided[side], { first, last: end });
    }
    return divided;
  }

  #sideOf(stretch: number, end: number, { sinceKey, untilKey }: TimeRange): "outside" | keyof Divided {
    const bounds = end <= this.#last ? this.#bounds.get(stretch) : undefined;
    if (bounds === undefined) return "open";
    const [least, greatest] = bounds;
    if ((sinceKey !== undefined && greatest < sinceKey) || (untilKey !== undefined && least >= untilKey))
      return "outside";
    if ((sinceKey === undefined || least >= sinceKey) && (untilKey === undefined || greatest < untilKey))
      return "inside";
    return "open";
  }
}

function append(ranges: RowRange[], range: RowRange): void {
  const before = ranges.at(-1);
  if (before?.last === range.first - 1) ranges[ranges.length - 1] = { first: before.first, last: range.last };
  else ranges.push(range);
}
