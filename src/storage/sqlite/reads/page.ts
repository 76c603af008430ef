/** What the ways of reading share: the snapshot that they read, what they find, and how a page is cut from it. */
import type { MessageQuery } from "../../../core/store.ts";
import type { FollowerName, Positions } from "../derived/followers.ts";
import { leastOf } from "../derived/index-file.ts";
import { compareKeys, countBefore, type SortKey } from "../derived/log-rows.ts";
import { type Entry, type Range, readRange } from "../derived/order.ts";
import { keyAfter } from "./filter.ts";
import type { TailRow } from "./tail.ts";

/** What one read sees: how far each follower was, and the rows of the log after the furthest behind. */
export interface Snapshot {
  readonly positions: Positions;
  /** In the order of pages. */
  readonly tail: readonly TailRow[];
  /** Throws `TimeIsOver` after the read's deadline. */
  readonly checkTime: () => void;
}

/** Rows of the tail that one follower has not taken; most often none of them has. */
export function tailOf({ positions, tail }: Snapshot, name: FollowerName): readonly TailRow[] {
  const position = positions[name];
  return position === leastOf(positions) ? tail : tail.filter(({ row }) => row > position);
}

/** Entries of a page, one more than was asked for when there is a next one, and the total. */
export interface Found {
  readonly entries: readonly Entry[];
  readonly total: number;
}

/** The page's entries, and one more, of what a range of an order and its share of the tail hold. */
export function pageOf({ limit, offset, after }: MessageQuery, range: Range): Entry[] {
  if (after === undefined) return readRange(range, offset, limit + 1);
  const from = Math.min(range.to, Math.max(range.from, range.order.rank(keyAfter(after))));
  const tail = range.tail.slice(countBefore(range.tail, keyAfter(after)));
  return readRange({ ...range, from, tail }, offset, limit + 1);
}

/** Whether an entry comes after the place, if there is one. */
export function isAfter(entry: SortKey, after: SortKey | undefined): boolean {
  return after === undefined || compareKeys(entry, after) > 0;
}
