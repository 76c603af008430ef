/** What a query asks for, in the terms in which rows are compared. */
import { fold } from "../../core/fold.ts";
import { instantKey } from "../../core/instant.ts";
import type { MessageQuery } from "../../core/store.ts";
import { comparePlaces, type Place } from "./index/log-rows.ts";
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
}

export function wantedOf({ from, to, since, until, q }: MessageQuery): Wanted {
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(since !== undefined && { since: firstAt(since) }),
    ...(until !== undefined && { until: firstAt(until) }),
    ...(q !== undefined && q !== "" && { q: fold(q) }),
  };
}

/** The first place of an instant: no identifier is empty. */
function firstAt(instant: string): Place {
  return { tsKey: instantKey(instant), messageId: "" };
}

/** The place right after another: no identifier holds U+0000. */
export function placeAfter({ tsKey, messageId }: Place): Place {
  return { tsKey, messageId: `${messageId}\0` };
}

/** Whether a row is wanted. */
export function matcher({ from, to, since, until, q }: Wanted): (row: TailRow) => boolean {
  return (row) =>
    (from === undefined || row.from === from) &&
    (to === undefined || row.to === to) &&
    (since === undefined || comparePlaces(row, since) >= 0) &&
    (until === undefined || comparePlaces(row, until) < 0) &&
    (q === undefined || (row.folded?.includes(q) ?? false));
}
