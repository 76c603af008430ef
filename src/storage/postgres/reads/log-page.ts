/**
 * Reads the log by pages: what is numbered after a place, by its batches. Where `messages` is
 * distributed over servers, a page ends before a batch of which a part can't be seen yet, so that
 * nobody passes it.
 */
import { type ChangesFilter, LOOKED_AT_MAX } from "../../../core/changes.ts";
import type { Session } from "../connection/connection.ts";
import { isDistributed } from "../connection/distributed.ts";
import { readMark } from "../connection/migration-mark.ts";
import { isWanted, wantedRows } from "./changes-filter.ts";
import { type Batch, type NumberRange, numbersIn, rangeAfter } from "./log-batches.ts";
import { type PageRecords, Records } from "./log-posts.ts";
import { ALL_ROWS, endOfGap, lastRowUpTo, type NumberedRow, rowsIn } from "./log-rows.ts";

interface LogPage extends PageRecords {
  /** Whether there is more to read behind what was looked at. */
  readonly more: boolean;
  /** Whether a batch behind it, or of it, can't be seen as a whole yet. */
  readonly isHeldBack: boolean;
  /**
   * The last row that was looked at, also one that the filter left out; undefined when there was
   * none.
   */
  readonly last: NumberedRow | undefined;
}

interface LogQuery {
  /** The last number that is known. */
  readonly after: number;
  readonly limit: number;
  readonly filter?: ChangesFilter | undefined;
}

/**
 * Up to `limit` records that are numbered after `after`, in one snapshot; `records` knows those
 * before, if any were read. With a filter it ends after `LOOKED_AT_MAX` numbers, if one of them has
 * a row.
 */
export async function readLogPage(
  session: Session,
  { after, limit, filter }: LogQuery,
  records = new Records(),
): Promise<LogPage> {
  const isSelected = filter !== undefined && !(await isDistributed(session));
  // One more tells whether there is more.
  const wanted = limit + 1;
  const rows: NumberedRow[] = [];
  let last: NumberedRow | undefined;
  let numbers = 0;
  let upTo = after;
  let isHeldBack = false;
  let isEnd = false;
  for (let width = wanted; ; width = nextWidth({ width, wanted, rows: rows.length, numbers, filter })) {
    const range = await rangeAfter(session, upTo, width);
    const found = await rowsIn(session, range, isSelected ? wantedRows(filter) : ALL_ROWS);
    const whole = isSelected ? undefined : await wholePartOf(session, range, found);
    const seen = found.slice(0, whole);
    rows.push(...(filter === undefined ? seen : seen.filter((row) => isWanted(row, filter))));
    last = seen.at(-1) ?? last;
    isHeldBack = whole !== undefined;
    isEnd = range.isEnd;
    numbers += numbersIn(range);
    upTo = found.length === 0 ? await endOfGap(session, range) : range.until;
    if (rows.length >= wanted || isHeldBack || isEnd) break;
    if (filter === undefined || numbers < LOOKED_AT_MAX) continue;
    // What has no row is no place to stand at.
    if (isSelected) last = await lastRowUpTo(session, upTo);
    if (last !== undefined && last.seq > after) break;
    numbers = 0;
  }
  const shown = rows.slice(0, limit);
  const more = rows.length > limit || !(isHeldBack || isEnd);
  if (rows.length > limit) last = shown.at(-1);
  else if (isSelected && isEnd && numbers > 0) last = await lastRowUpTo(session, upTo);
  const page = await records.of(session, shown, { areNeighbours: filter === undefined });
  return { ...page, last, more, isHeldBack };
}

interface Progress {
  readonly width: number;
  readonly wanted: number;
  readonly rows: number;
  readonly numbers: number;
  readonly filter: ChangesFilter | undefined;
}

/** As many numbers as those rows will take that are still wanted, going by what was found. */
function nextWidth({ width, wanted, rows, numbers, filter }: Progress): number {
  const needed = wanted - rows;
  const guess = rows === 0 ? 4 * width : Math.ceil((needed * numbers) / rows);
  const most = filter === undefined ? LOOKED_AT_MAX : LOOKED_AT_MAX - numbers;
  return Math.min(Math.max(needed, guess), most);
}

interface Found {
  readonly batches: readonly Pick<Batch, "seq" | "rows">[];
  readonly rows: readonly { readonly seq: number }[];
  readonly after: number;
  /** The last number that is looked at. */
  readonly until: number;
}

/**
 * How many of the rows stand before one that can't be seen yet; undefined when there is none. What
 * is missing on a single server was deleted by hand, and what is missing of another log had a gap
 * there: nobody waits for these.
 */
async function wholePartOf(
  session: Session,
  range: NumberRange,
  rows: readonly NumberedRow[],
): Promise<number | undefined> {
  const found = { ...range, rows };
  if (rowsBeforeGap(found, 0) === undefined || !(await isDistributed(session))) return undefined;
  return rowsBeforeGap(found, (await readMark(session))?.seq ?? 0);
}

/**
 * How many of the rows come before the first number after `gapsUntil` that a batch has and none of
 * the rows.
 */
export function rowsBeforeGap({ batches, rows, after, until }: Found, gapsUntil: number): number | undefined {
  let at = 0;
  for (const { seq, rows: numbers } of batches)
    for (let number = Math.max(seq, after + 1); number < seq + numbers && number <= until; number++) {
      if (rows[at]?.seq === number) at++;
      else if (number > gapsUntil) return at;
    }
  return undefined;
}
