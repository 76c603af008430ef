/** What is known of how a message fares with a destination, in words that claim no more. */
import { type Schemas, seqOf } from "../api.ts";
import { whenNext } from "../destination/state.ts";
import { counted, relativeTime } from "../format.ts";

type Destination = Schemas["Destination"];
type Failure = Schemas["Failure"];
type Message = Pick<Schemas["StoredMessage"], "seq" | "source" | "from" | "to">;

export interface Delivery {
  readonly destination: Destination;
  /** Undefined where none is known of. */
  readonly failure: Failure | undefined;
  /** Whether all of the sender's failures were looked at. */
  readonly isWhole: boolean;
}

interface DeliveryState {
  readonly tone: "good" | "bad" | "plain";
  readonly words: string;
}

/** `now`: milliseconds since 1970. */
export function deliveryState(
  message: Message,
  { destination, failure, isWhole }: Delivery,
  now: number,
): DeliveryState {
  const { state, position, filter, reason, next_attempt_at: nextAt } = destination;
  if (failure !== undefined) return ofFailure(failure, now);
  const why = filter === null ? undefined : leftOut(message, filter);
  if (why !== undefined) return { tone: "plain", words: `left out: it takes ${why}` };
  if (seqOf(position) < message.seq) {
    if (state !== "ok")
      return { tone: "plain", words: `not yet: it is ${state === "inactive" ? "not configured" : state}` };
    if (reason === null) return { tone: "plain", words: "on its way" };
    const next = nextAt === null ? "" : `, next attempt ${relativeTime(nextAt, now)}`;
    return { tone: "plain", words: `not yet: the last attempt failed (${reason})${next}` };
  }
  if (filter === null)
    return { tone: "plain", words: "passed; what it took isn't known, as it is configured no more" };
  if (!isWhole) return { tone: "plain", words: "handed on, or among many of this sender that failed" };
  return { tone: "good", words: "handed on" };
}

function ofFailure(failure: Failure, now: number): DeliveryState {
  const { attempts, last_status, last_at, cause: otherwise } = failure;
  if (failure.state === "waiting" && last_at === null)
    return { tone: "plain", words: "waits behind an earlier one of its sender" };
  const why = last_status === null ? (otherwise ?? "not tried yet") : `answered ${last_status}`;
  // An outage costs no attempt.
  const cause = attempts === 0 ? why : `${why}, ${counted(attempts, "attempt")}`;
  if (failure.state === "dead") return { tone: "bad", words: `given up: ${cause}` };
  const next = failure.next_at === null ? "" : `, ${whenNext(failure.next_at, now)}`;
  return { tone: "bad", words: `tried again: ${cause}${next}` };
}

/** What it takes instead, by the first part of the filter that leaves the message out. */
function leftOut(
  { source, from, to }: Message,
  filter: NonNullable<Destination["filter"]>,
): string | undefined {
  if (!filter.kinds.includes("message")) return "no messages";
  if (filter.sources !== null && !filter.sources.includes(source))
    return `what comes from ${filter.sources.join(", ")} alone`;
  if (filter.from !== null && filter.from !== from) return `what ${filter.from} sends alone`;
  if (filter.to !== null && filter.to !== to) return `what is sent to ${filter.to} alone`;
  return undefined;
}
