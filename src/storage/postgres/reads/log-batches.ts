/**
 * Which batches hold which numbers of the log. A number of a batch need not have a row: gaps are
 * left by the log that was taken over, and by deletions by hand.
 */
import type { Session } from "../connection/connection.ts";

export interface Batch {
  readonly batch: string;
  /** Of its first row. */
  readonly seq: number;
  /**
   * How many numbers it takes. Not all of them have a row where it was taken over from another log.
   */
  readonly rows: number;
  /**
   * Places of its rows in the order of their numbers; null where a place and the first number make
   * the number.
   */
  readonly places: readonly number[] | null;
}

/** Numbers after `after` up to `until`, with all batches that have any of them, in their order. */
export interface NumberRange {
  readonly batches: readonly Batch[];
  readonly after: number;
  readonly until: number;
}

const COLUMNS = "batch, seq::float8 as seq, rows, array_to_string(places, ',') as places";

/**
 * Batches that begin with the one that holds the number after `$1`, as many as it takes for `$2`
 * numbers behind `$1`. One that holds nothing, because nothing in it was new, has the number 0, or
 * that of the next one.
 */
const FOLLOWING = `
  select ${COLUMNS} from (
    select *, sum(numbers) over (order by seq) - numbers as before from (
      select *, least(rows, seq + rows - 1 - $1::bigint) as numbers from batches
      where rows > 0 and seq + rows - 1 > $1::bigint and seq >= coalesce(
        (select seq from batches where rows > 0 and seq between 1 and $1::bigint + 1 order by seq desc limit 1), 1)
      order by seq limit $2::bigint
    ) following
  ) counted where before < $2::bigint order by seq`;

/** The last `$2` batches that begin at `$1` or before it. */
const PRECEDING = `
  select ${COLUMNS} from (
    select * from batches where rows > 0 and seq between 1 and $1::bigint order by seq desc limit $2::bigint
  ) preceding order by seq`;

/** Of the snapshot, whether anything is committed that has no number. */
export async function isAllNumbered(session: Session): Promise<boolean> {
  const found = await session.run("select 1 from batches where seq is null and rows > 0 limit 1");
  return found.length === 0;
}

/** The next `width` numbers after `after`; `isEnd` when there are no others behind them. */
export async function rangeAfter(
  session: Session,
  after: number,
  width: number,
): Promise<NumberRange & { readonly isEnd: boolean }> {
  const batches: Batch[] = [];
  let until = after;
  let left = width;
  for (const batch of await readBatches(session, FOLLOWING, [after, width + 1])) {
    const first = Math.max(batch.seq, after + 1);
    if (left > 0) batches.push(batch);
    const numbers = Math.min(left, endOf(batch) - first + 1);
    left -= numbers;
    if (numbers > 0) until = first + numbers - 1;
    if (until < endOf(batch)) return { batches, after, until, isEnd: false };
  }
  return { batches, after, until, isEnd: true };
}

/** Numbers up to `until`, of so many batches at most. */
export async function rangeUpTo(session: Session, until: number, batchesMax: number): Promise<NumberRange> {
  const batches = await readBatches(session, PRECEDING, [until, batchesMax]);
  return { batches, after: (batches[0]?.seq ?? 1) - 1, until };
}

async function readBatches(
  session: Session,
  statement: string,
  values: readonly number[],
): Promise<readonly Batch[]> {
  const found = await session.run<Omit<Batch, "places"> & { readonly places: string | null }>(
    statement,
    values,
  );
  return found.map(({ places, ...batch }) => ({
    ...batch,
    places: places === null ? null : places.split(",").map(Number),
  }));
}

/** The batch's last number. */
export function endOf({ seq, rows }: Pick<Batch, "seq" | "rows">): number {
  return seq + rows - 1;
}

/** How many numbers the range has. */
export function numbersIn({ batches, after, until }: NumberRange): number {
  return batches.reduce(
    (sum, batch) => sum + Math.min(endOf(batch), until) - Math.max(batch.seq, after + 1) + 1,
    0,
  );
}

/** Where the batch keeps the row with the number; beyond its end that of the last one. */
export function placeAt(batch: Batch, number: number): number {
  const index = Math.min(number, endOf(batch)) - batch.seq;
  return batch.places === null ? index : (batch.places[index] ?? 0);
}

/** The number of each of its places. */
export function numbersOf({ seq, places }: Batch): (place: number) => number {
  if (places === null) return (place) => seq + place;
  const numbers = new Map(places.map((place, index) => [place, seq + index]));
  return (place) => numbers.get(place) ?? 0;
}
