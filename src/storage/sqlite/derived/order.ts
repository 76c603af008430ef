/**
 * An order of messages that can be counted, and how a page is read from one together with the log's
 * tail.
 */

import type { SortKey } from "../../../core/store.ts";
import { inIndex } from "../connection/damage.ts";
import { compareKeys } from "./log-rows.ts";

export interface Entry extends SortKey {
  readonly row: number;
}

/** Messages in the order of pages: all of them, or one sender's. A rank is how many come before. */
export interface Order {
  readonly size: number;
  /** How many come before the key. */
  rank(key: SortKey): number;
  /** Up to `limit` entries from a rank on. */
  read(rank: number, limit: number): Entry[];
  /** Rows from one rank up to another, in order, in pieces. */
  rows(from: number, to: number): Generator<readonly number[]>;
}

/** The order that `open` gives, by reads that fail as damage of the index. */
export function orderInIndex(open: () => Order): Order {
  const order = inIndex(open);
  return {
    size: order.size,
    rank: (key) => inIndex(() => order.rank(key)),
    read: (rank, limit) => inIndex(() => order.read(rank, limit)),
    *rows(from, to) {
      const pieces = order.rows(from, to);
      for (let piece = inIndex(() => pieces.next()); !piece.done; piece = inIndex(() => pieces.next()))
        yield piece.value;
    },
  };
}

/** Part of an order, from one rank up to another, and what the tail adds to it (in order). */
export interface Range {
  readonly order: Pick<Order, "rank" | "read">;
  readonly from: number;
  readonly to: number;
  readonly tail: readonly Entry[];
}

/**
 * Entries `offset` up to `offset + limit` of the range, the tail's rows among them; `desc` counts
 * from its end.
 */
export function readRange(
  range: Range,
  offset: number,
  limit: number,
  direction: "asc" | "desc" = "asc",
): Entry[] {
  const { order, from, to, tail } = range;
  const size = to - from + tail.length;
  if (offset >= size) return [];
  if (direction === "desc") {
    const end = size - offset;
    const start = Math.max(0, end - limit);
    return readRange(range, start, end - start).reverse();
  }
  const skipped = tailRowsAmong(range, offset);
  const start = from + offset - skipped;
  const count = Math.min(limit, to - start);
  const indexed = count > 0 ? order.read(start, count) : [];
  return mergeEntries(indexed, tail.slice(skipped, skipped + limit)).slice(0, limit);
}

/** How many of the first `offset` entries of the range are rows of the tail. */
function tailRowsAmong({ order, from, tail }: Range, offset: number): number {
  let low = 0;
  let high = Math.min(tail.length, offset);
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = tail[middle] as Entry;
    if (middle + order.rank(row) - from >= offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Two lists in the order of pages become one. */
export function mergeEntries(left: readonly Entry[], right: readonly Entry[]): Entry[] {
  if (right.length === 0) return [...left];
  const merged: Entry[] = [];
  let at = 0;
  for (const entry of left) {
    for (let next = right[at]; next !== undefined && compareKeys(next, entry) < 0; next = right[at]) {
      merged.push(next);
      at++;
    }
    merged.push(entry);
  }
  for (; at < right.length; at++) merged.push(right[at] as Entry);
  return merged;
}
