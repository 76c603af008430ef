/**
 * Walks a table in the order of its pages and goes on behind what can't be read, so that a damaged
 * page costs its own rows and no other's.
 */
import { isUnreadable } from "../connection/damage.ts";

/**
 * Behind a row that can't be read each of so many is tried by itself; beyond them, steps double.
 */
const TRIED_ONE_BY_ONE = 512;

interface Walk<T> {
  /** Up to `limit` rows from the row number `from` on, in order. */
  readonly read: (from: number, limit: number) => readonly T[];
  readonly from: number;
  readonly pageRows: number;
  /** Told of row numbers that can't be read; `last` is undefined for all up to the table's end. */
  readonly onUnreadable: (first: number, last: number | undefined) => void;
}

export function* readablePages<T extends { readonly row: number }>(walk: Walk<T>): Generator<readonly T[]> {
  const { read, pageRows, onUnreadable } = walk;
  let next = walk.from;
  const attempt = (from: number, limit: number) => {
    try {
      return read(from, limit);
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  };
  for (let limit = pageRows; ; ) {
    const rows = attempt(next, limit);
    if (rows !== undefined) {
      if (rows.length > 0) yield rows;
      if (rows.length < limit) return;
      next = (rows.at(-1)?.row ?? next) + 1;
      limit = pageRows;
      continue;
    }
    limit = Math.floor(limit / 2);
    if (limit > 0) continue;
    limit = pageRows;
    const behind = nextReadable(next, (from) => attempt(from, 1));
    onUnreadable(next, behind === undefined ? undefined : behind - 1);
    if (behind === undefined) return;
    next = behind;
  }
}

/**
 * The first row that can be read after `unreadable`, whose own number can't; undefined when there
 * is none.
 */
function nextReadable<T extends { readonly row: number }>(
  unreadable: number,
  attempt: (from: number) => readonly T[] | undefined,
): number | undefined {
  let failed = unreadable;
  let step = 1;
  let found: readonly T[] | undefined;
  for (let tried = 0; found === undefined; tried++) {
    const from = failed + step;
    if (from > Number.MAX_SAFE_INTEGER) return undefined;
    found = attempt(from);
    if (found !== undefined) break;
    failed = from;
    if (tried >= TRIED_ONE_BY_ONE) step *= 2;
  }
  // Between the last one that failed and the first that didn't, where steps have doubled.
  for (let low = failed, high = failed + step; high - low > 1; ) {
    const middle = low + Math.floor((high - low) / 2);
    const rows = attempt(middle);
    if (rows === undefined) low = middle;
    else {
      high = middle;
      found = rows;
    }
  }
  return found[0]?.row;
}
