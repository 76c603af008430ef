/**
 * What webhooks of every source have in common: how an intake is kept, and how a request is counted
 * and logged. Nothing here may say a secret, a signature or a text.
 */
import {
  BodyIncomplete,
  BodyTimeout,
  BodyTooLarge,
  Failure,
  Overloaded,
  ShuttingDown,
} from "../../core/errors.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import type { Inspector } from "../../core/source.ts";
import type { Intake, NewEvent, Outcome, Store } from "../../core/store.ts";
import type { Clock } from "../../lib/clock.ts";
import type { AnswerDoc, Exchange, RouteLog } from "../../lib/route.ts";
import type { Result } from "../../observe/metrics.ts";
import type { CountedSource } from "./sources.ts";

export interface IngestOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly inspector: Inspector;
  /** True once the process is on its way out: what comes now is refused. */
  readonly closing: () => boolean;
}

export const RESULT_HEADER = {
  "Postern-Result": "What it counted as in `webhook_requests_total`: tells new from duplicate.",
};

export const TOO_MANY_FAILED: AnswerDoc = {
  description:
    "It doesn't prove its origin, and its address is beyond `FAILED_AUTH_PER_MINUTE`. What is rightly signed never gets this.",
  schema: DetailAnswer,
  headers: { ...RESULT_HEADER, "Retry-After": "Seconds to wait." },
};

/**
 * Resolves with what became of it, once all of it is on stable storage: a message whose identifier
 * is taken by another source's is kept too, as an event.
 */
export async function keep(
  { store, clock }: IngestOptions,
  { source, tally }: CountedSource,
  intake: Intake,
  body: Uint8Array,
): Promise<readonly Outcome[]> {
  const outcomes = await store.append(intake);
  const { messages, post } = intake;
  for (let index = 0; index < messages.length; index++) {
    const outcome = outcomes[index] ?? "duplicate";
    tally.messages[outcome]++;
    if (outcome === "created") tally.lastMessageAt = clock.now();
  }
  if (post !== undefined) countNew(tally, post.events, outcomes.slice(messages.length), clock.now());
  if (!outcomes.includes("conflict")) return outcomes;
  const events = conflicts(intake, outcomes, body);
  const kept = await store.append({
    messages: [],
    post: { source: source.name, body, ...(post?.headers && { headers: post.headers }), details: [], events },
  });
  countNew(tally, events, kept, clock.now());
  return outcomes;
}

function countNew(
  tally: CountedSource["tally"],
  events: readonly NewEvent[],
  outcomes: readonly Outcome[],
  now: number,
): void {
  for (const [index, { kind }] of events.entries()) {
    if (outcomes[index] === "duplicate") continue;
    tally.events[kind]++;
    tally.lastEventAt = now;
    if (outcomes[index] === "differs") tally.differingEvents++;
  }
}

/** One event for each message that could not be stored; its bytes tell it from others. */
function conflicts(
  { messages, post }: Intake,
  outcomes: readonly Outcome[],
  body: Uint8Array,
): readonly NewEvent[] {
  return messages.flatMap(({ message_id, ts }, index) => {
    if (outcomes[index] !== "conflict") return [];
    const span = post?.details[index]?.span ?? { start: 0, end: body.length };
    const hash = new Bun.CryptoHasher("sha256").update(body.subarray(span.start, span.end)).digest("hex");
    const type = post?.details[index]?.type ?? null;
    const key = `conflict:${hash}`;
    return [{ kind: "other", type, key, keyDecides: true, messageId: message_id, ts, span }];
  });
}

/** What else the log line says of an intake. */
interface Circumstances {
  /** Why it wasn't taken apart, when it was too much of something. */
  readonly keptWhole?: string | undefined;
  /** Fields whose time was there and couldn't be read. */
  readonly unreadTimes?: readonly string[] | undefined;
  readonly handshake?: boolean;
}

/**
 * An intake that is durable: new when any of it is, as an event is that differs from what has its
 * key, and an error when any of it met another source's message.
 */
export function noteKept(
  counted: CountedSource,
  exchange: Exchange,
  { messages, post }: Intake,
  outcomes: readonly Outcome[],
  { keptWhole, unreadTimes, handshake = false }: Circumstances = {},
): void {
  const conflict = outcomes.includes("conflict");
  const differs = outcomes.includes("differs");
  const isNew = outcomes.includes("created") || outcomes.slice(messages.length).includes("differs");
  const duplicate = !conflict && !isNew;
  const result = conflict ? "error" : duplicate ? "duplicate" : "ok";
  const odd = differs || keptWhole !== undefined || unreadTimes !== undefined;
  if (keptWhole !== undefined) counted.tally.keptWhole++;
  if (unreadTimes !== undefined) counted.tally.unreadTimes++;
  note(counted, exchange, result, conflict ? "ERROR" : odd ? "WARN" : "INFO", {
    message_id: messages[0]?.message_id,
    duplicate,
    ...(post !== undefined && { messages: messages.length, events: post.events.length }),
    ...(differs && { differs }),
    ...(conflict && { conflict }),
    ...(keptWhole !== undefined && { kept_whole: keptWhole }),
    ...(unreadTimes !== undefined && { unread_times: unreadTimes.join(", ") }),
    ...(handshake && { handshake }),
  });
}

export function noteFailure(counted: CountedSource, exchange: Exchange, error: unknown): void {
  const level = error instanceof Failure && error.status < 500 ? "INFO" : "ERROR";
  note(counted, exchange, resultOf(error), level, { duplicate: false });
}

function resultOf(error: unknown): Result {
  if (error instanceof BodyTooLarge || error instanceof BodyTimeout || error instanceof BodyIncomplete) {
    return "validation_error";
  }
  return error instanceof Overloaded || error instanceof ShuttingDown ? "overloaded" : "error";
}

/**
 * A request that doesn't prove its origin: `answer`, or 429 when its client is beyond the limit.
 */
export function noteUnproven(
  { source, tally }: CountedSource,
  exchange: Exchange,
  answer: Response,
  fields: RouteLog["fields"],
): Response {
  tally.requests.invalid_signature++;
  exchange.result = "invalid_signature";
  return exchange.refuse("webhook", answer, { source: source.name, duplicate: false, ...fields });
}

/** Counts the request, once, and says on its answer and its log line as what. */
export function note(
  { source, tally }: CountedSource,
  exchange: Exchange,
  result: Result,
  level: "INFO" | "WARN" | "ERROR",
  fields: RouteLog["fields"],
): void {
  tally.requests[result]++;
  exchange.result = result;
  exchange.log = { level, fields: { source: source.name, ...fields } };
}
