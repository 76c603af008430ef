/**
 * The lines of an import: messages by the native rules, and what an export holds of providers'
 * POSTs.
 */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type FieldError, fieldErrors } from "../core/field-errors.ts";
import { isInstant } from "../core/instant.ts";
import type { ImportRecord } from "../core/maintenance.ts";
import { EVENT_KINDS } from "../core/parsed-body.ts";
import { parseNativeMessage } from "../sources/native.ts";

/**
 * Beyond it the count of the following numbers would leave the integers that JSON carries safely.
 */
const SEQ_MAX = 2 ** 52;

const Seq = Type.Integer({ minimum: 1, maximum: SEQ_MAX });
const Instant = Type.String({ format: "instant" });
const Stored = Type.String({ minLength: 1, format: "message-text" });
const Source = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" });
const Offset = Type.Integer({ minimum: 0, maximum: 2 ** 32 });
const Span = { delivery: Seq, start: Offset, stop: Offset };

/** A header's name as it is kept. */
const FIELD = "^[^\\x00-\\x20A-Z]+$";

const BodyLine = Type.Object({
  delivery: Seq,
  body_base64: Type.String(),
  headers: Type.Optional(
    Type.Record(Type.String({ pattern: FIELD }), Type.String({ format: "message-text" })),
  ),
});
const EventLine = Type.Object({
  seq: Seq,
  source: Source,
  kind: Type.Enum([...EVENT_KINDS]),
  // Earlier exports have none.
  type: Type.Optional(Type.Union([Stored, Type.Null()])),
  event_key: Stored,
  message_id: Type.Union([Stored, Type.Null()]),
  ts: Instant,
  created_at: Instant,
  ...Span,
});
const ProviderLine = Type.Object({
  seq: Seq,
  message_id: Stored,
  from: Stored,
  to: Stored,
  ts: Instant,
  text: Type.Union([Type.String({ format: "message-text" }), Type.Null()]),
  created_at: Instant,
  source: Source,
  type: Stored,
  ...Span,
});

const body = Compile(BodyLine);
const event = Compile(EventLine);
const provider = Compile(ProviderLine);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A record, or in words why the line is none. */
export function parseRecord(line: Uint8Array): ImportRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch (error) {
    return error instanceof SyntaxError ? "no valid JSON" : "no valid UTF-8";
  }
  if (has(value, "body_base64")) {
    if (!body.Check(value)) return inWords(fieldErrors(body, value, "body"));
    const { delivery, body_base64, headers } = value;
    return { delivery, body: Buffer.from(body_base64, "base64"), ...(headers !== undefined && { headers }) };
  }
  if (has(value, "event_key"))
    return event.Check(value) ? eventRecord(value) : inWords(fieldErrors(event, value, "body"));
  if (has(value, "source"))
    return provider.Check(value) ? providerRecord(value) : inWords(fieldErrors(provider, value, "body"));
  return nativeRecord(value);
}

function has(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name);
}

function nativeRecord(value: unknown): ImportRecord | string {
  const parsed = parseNativeMessage(value);
  if ("errors" in parsed) return inWords(parsed.errors);
  const [message] = parsed.intake.messages;
  const { seq, created_at: createdAt } = value as { seq?: unknown; created_at?: unknown };
  if (message === undefined) return "no message";
  if (seq !== undefined && !isSeq(seq)) return `seq: it takes a whole number from 1 to ${SEQ_MAX}`;
  if (createdAt !== undefined && !(typeof createdAt === "string" && isInstant(createdAt))) {
    return "created_at: it takes an instant such as 2025-01-15T10:00:00.000Z";
  }
  return { message, ...(seq !== undefined && { seq }), ...(createdAt !== undefined && { createdAt }) };
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= SEQ_MAX;
}

function providerRecord(line: Static<typeof ProviderLine>): ImportRecord | string {
  const { seq, message_id, from, to, ts, text, created_at, source, type, delivery, start, stop } = line;
  if (!message_id.startsWith(`${source}:`))
    return `message_id: of the source ${source} it begins with ${source}:`;
  return {
    message: { message_id, from, to, ts, text },
    seq,
    createdAt: created_at,
    part: { source, type, delivery, span: { start, end: stop } },
  };
}

function eventRecord(line: Static<typeof EventLine>): ImportRecord {
  const { seq, source, kind, type = null, event_key: key, message_id: messageId, ts, created_at } = line;
  const span = { start: line.start, end: line.stop };
  const event = { kind, type, key, messageId, ts, span };
  return { event, seq, createdAt: created_at, source, delivery: line.delivery };
}

function inWords(errors: readonly FieldError[]): string {
  return errors
    .map(({ loc, msg }) => (loc.length > 1 ? `${loc.slice(1).join(".")}: ${msg}` : msg))
    .join("; ");
}
