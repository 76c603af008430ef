/** What a query asks for, in the terms in which rows are compared. */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import type { MessageQuery } from "../../../core/store.ts";
import { countBefore, type SortKey } from "../derived/log-rows.ts";
import type { TailRow } from "./tail.ts";

export interface MessageFilter {
  readonly from?: string;
  readonly to?: string;
  /** From this place on. */
  readonly since?: SortKey;
  /** Before this place. */
  readonly until?: SortKey;
  /** Folded. */
  readonly q?: string;
  /** `native` for messages of the native source. */
  readonly source?: string;
}

export function messageFilter({ from, to, since, until, q, source }: MessageQuery): MessageFilter {
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(since !== undefined && { since: firstAt(since) }),
    ...(until !== undefined && { until: firstAt(until) }),
    ...(q !== undefined && q !== "" && { q: fold(q) }),
    ...(source !== undefined && { source }),
  };
}

/** Whether counts and ordered places alone can't answer it: rows have to be searched for. */
export function isSearch({ q, to, source }: Pick<MessageFilter, "q" | "to" | "source">): boolean {
  return (q !== undefined && q !== "") || to !== undefined || source !== undefined;
}

/** The first place of an instant: no identifier is empty. */
function firstAt(instant: string): SortKey {
  return { tsKey: instantKey(instant), messageId: "" };
}

/** The place right after another: no identifier holds U+0000. */
export function keyAfter({ tsKey, messageId }: SortKey): SortKey {
  return { tsKey, messageId: `${messageId}\0` };
}

/** Those of the rows, given in the order of pages, that are wanted. */
export function rowsMatching(
  rows: readonly TailRow[],
  { from, to, since, until, q, source }: MessageFilter,
): readonly TailRow[] {
  const start = since === undefined ? 0 : countBefore(rows, since);
  const end = until === undefined ? rows.length : countBefore(rows, until);
  const within = start === 0 && end === rows.length ? rows : rows.slice(start, Math.max(start, end));
  if ([from, to, q, source].every((filter) => filter === undefined)) return within;
  return within.filter(
    (row) =>
      (from === undefined || row.from === from) &&
      (to === undefined || row.to === to) &&
      (source === undefined || row.source === source) &&
      (q === undefined || (row.folded?.includes(q) ?? false)),
  );
}
