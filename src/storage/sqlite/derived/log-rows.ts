/** Rows of the log, and the order in which pages show them. */
import type { SortKey } from "../../../core/store.ts";
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

/** The order of pages: by instant, then by the identifier's bytes. */
export function compareKeys(a: SortKey, b: SortKey): number {
  if (a.tsKey !== b.tsKey) return a.tsKey < b.tsKey ? -1 : 1;
  return compareUtf8(a.messageId, b.messageId);
}

/** How many of the keys, given in order, come before one. */
export function countBefore(keys: readonly SortKey[], key: SortKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] as SortKey, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
