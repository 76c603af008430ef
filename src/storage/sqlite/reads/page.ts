/**
 * What the ways of reading share: the snapshot that they read, what they find, and how a page is
 * cut from it.
 */
import type { Order, SortKey } from "../../../core/store.ts";
import type { FollowerName, Positions } from "../derived/followers.ts";
import { leastOf } from "../derived/index-file.ts";
import { compareKeys, countBefore } from "../derived/log-rows.ts";
import { type Entry, type Range, readRange } from "../derived/order.ts";
import { keyAfter } from "./filter.ts";
import type { TailRow } from "./tail.ts";

/**
 * What one read sees: how far each follower was, and the rows of the log after the furthest behind.
 */
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

/** What a page is cut from a range by; `after` is a key of the range's order. */
interface PageCut {
  readonly limit: number;
  readonly offset: number;
  readonly order?: Order;
  readonly after?: SortKey;
}

/** The page's entries, and one more, of what a range of an order and its share of the tail hold. */
export function pageOf({ limit, offset, order, after }: PageCut, range: Range): Entry[] {
  const rest = after === undefined ? range : behind(range, after, order);
  return readRange(rest, offset, limit + 1, order);
}

/** What comes behind a key in a range. */
function behind(range: Range, after: SortKey, order: Order | undefined): Range {
  const { from, to, tail } = range;
  const within = (rank: number) => Math.min(to, Math.max(from, rank));
  if (order === "desc")
    return {
      ...range,
      to: within(range.order.rank(after)),
      tail: tail.slice(0, countBefore(tail, after)),
    };
  const next = keyAfter(after);
  return { ...range, from: within(range.order.rank(next)), tail: tail.slice(countBefore(tail, next)) };
}

/** Whether an entry comes behind a key, if there is one. */
export function isBehind(entry: SortKey, { after, order }: Pick<PageCut, "after" | "order">): boolean {
  if (after === undefined) return true;
  const compared = compareKeys(entry, after);
  return order === "desc" ? compared < 0 : compared > 0;
}
