/** What a query asks for, in the terms in which rows are compared. */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import type { MessageQuery } from "../../../core/store.ts";
import { countBefore, type Place } from "../derived/log-rows.ts";
import type { TailRow } from "./tail.ts";

export interface Wanted {
  readonly from?: string;
  readonly to?: string;
  /** From this place on. */
  readonly since?: Place;
  /** Before this place. */
  readonly until?: Place;
  /** Folded. */
  readonly q?: string;
  /** `native` for messages of the native source. */
  readonly source?: string;
}

export function wantedOf({ from, to, since, until, q, source }: MessageQuery): Wanted {
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
export function isSearch({ q, to, source }: Pick<Wanted, "q" | "to" | "source">): boolean {
  return (q !== undefined && q !== "") || to !== undefined || source !== undefined;
}

/** The first place of an instant: no identifier is empty. */
function firstAt(instant: string): Place {
  return { tsKey: instantKey(instant), messageId: "" };
}

/** The place right after another: no identifier holds U+0000. */
export function placeAfter({ tsKey, messageId }: Place): Place {
  return { tsKey, messageId: `${messageId}\0` };
}

/** Those of the rows, given in the order of pages, that are wanted. */
export function wantedRows(
  rows: readonly TailRow[],
  { from, to, since, until, q, source }: Wanted,
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
