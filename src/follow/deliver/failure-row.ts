/** What is kept of a record that was not handed on: its row, without content. */
import type { Failure } from "../../core/deliveries.ts";
import { NATIVE } from "../../core/source.ts";
import type { Clock } from "../../lib/clock.ts";
import type { FollowedRecord } from "../followed-record.ts";
import type { Entry, LastAttempt } from "./line.ts";
import type { Undelivered } from "./sink.ts";

export function lastAttempt(
  { status, cause, excerpt }: Undelivered,
  firstAt: string | undefined,
  now: number,
): LastAttempt {
  const lastAt = new Date(now).toISOString();
  return { status, cause, excerpt, firstAt: firstAt ?? lastAt, lastAt };
}

export function shownAttempt(attempts: number, last: LastAttempt | undefined) {
  return {
    attempts,
    last_status: last?.status ?? null,
    cause: last?.cause ?? null,
    excerpt: last?.excerpt ?? null,
    first_at: last?.firstAt ?? null,
    last_at: last?.lastAt ?? null,
  };
}

/** What says which record it is. */
function recordFields({ record, seq, position }: FollowedRecord) {
  return {
    ...{ seq, position, message_id: record.message_id },
    kind: "event_key" in record ? record.kind : ("message" as const),
    source: "source" in record ? record.source : NATIVE,
    from: "from" in record ? record.from : null,
  };
}

/**
 * Of one that leaves the line; none where it was handed on. What fails in a replay holds nobody up.
 */
export function rowOf(entry: Entry, clock: Clock, replay = ""): readonly Failure[] {
  const { followed, sender, attempts, last, state, dueAt } = entry;
  if (state === "done") return [];
  const dueInMs = Math.max(0, dueAt - clock.elapsed());
  return [
    {
      ...recordFields(followed),
      ...{ replay, sender: replay === "" ? sender : "" },
      state: state === "dead" ? ("dead" as const) : ("waiting" as const),
      ...shownAttempt(attempts, last),
      next_at:
        state === "failing" || state === "aside" ? new Date(clock.now() + dueInMs).toISOString() : null,
    },
  ];
}
