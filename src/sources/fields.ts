/** How providers' fields become ours: numbers, instants and texts, by the same rules for every kind of source. */
import type { EventKind, IncomingEvent, IncomingMessage, Intake, Span } from "../core/intake.ts";
import type { JsonTree } from "../lib/json-tree.ts";

const PHONE = /^\+?[0-9]{6,15}$/;
/** What people and providers put between the digits of a number. */
const SEPARATORS = /[\s().-]/g;
const DIGITS = /^[0-9]{1,16}$/;
const CHANNEL = /^[a-z][a-z0-9_]*:/;
/** Of year 9999, in seconds. */
const SECONDS_MAX = 253_402_300_799;

/** What a part of a POST is. */
export type Item = { readonly message: IncomingMessage } | { readonly event: IncomingEvent };

/**
 * A phone number as `+` and digits, with what stands between the digits taken off; anything else as `channel:id`.
 * Undefined for nothing.
 */
export function phoneOr(channel: string, id: string | undefined): string | undefined {
  if (id === undefined || id.trim() === "") return undefined;
  const bare = id.startsWith(`${channel}:`) ? id.slice(channel.length + 1) : id;
  const digits = bare.replace(SEPARATORS, "");
  if (PHONE.test(digits)) return digits.startsWith("+") ? digits : `+${digits}`;
  return channelId(channel, bare);
}

/** `channel:id`, the id as it is unless it names a channel itself; undefined for nothing. */
export function channelId(channel: string, id: string | undefined): string | undefined {
  if (id === undefined || id.trim() === "") return undefined;
  return storable(CHANNEL.test(id) ? id : `${channel}:${id}`);
}

/** The first text that isn't empty, with what no engine can keep replaced; else null. */
export function firstText(...texts: readonly (string | undefined)[]): string | null {
  const found = texts.find((text) => text !== undefined && text !== "");
  return found === undefined ? null : storable(found);
}

/** The same of values. */
export function textOf(...values: readonly (JsonTree | undefined)[]): string | null {
  return firstText(...values.map((value) => value?.text));
}

/** U+0000 and lone surrogates, which no engine keeps, become U+FFFD. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** Whole seconds in UTC, of a time in seconds or milliseconds since 1970, fractions cut off; undefined for no such time. */
export function instantOf(
  time: string | undefined,
  unit: "seconds" | "milliseconds" = "seconds",
): string | undefined {
  const [whole = ""] = (time ?? "").split(".");
  if (!DIGITS.test(whole)) return undefined;
  const seconds = unit === "seconds" ? Number(whole) : Math.floor(Number(whole) / 1000);
  return seconds > SECONDS_MAX ? undefined : wholeSeconds(seconds * 1000);
}

const WRITTEN = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?\s?(Z|[+-]\d{2}:?\d{2})?$/i;

/** Whole seconds in UTC of a written time (RFC 3339 and near it; without an offset it is UTC); undefined for none. */
export function writtenInstant(time: string | undefined): string | undefined {
  const [, day, clock, , offset = "Z"] = WRITTEN.exec(time ?? "") ?? [];
  const ms = Date.parse(`${day}T${clock}${offset.replace(/^([+-]\d{2}):?(\d{2})$/, "$1:$2").toUpperCase()}`);
  return Number.isNaN(ms) || ms < -62_135_596_800_000 || ms > SECONDS_MAX * 1000
    ? undefined
    : wholeSeconds(ms);
}

/** Milliseconds since 1970 as an instant of whole seconds. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

interface EventFields {
  readonly key?: string | undefined;
  readonly salt?: string | undefined;
  readonly messageId?: string | undefined;
  readonly ts?: string | undefined;
}

/** An event whose own form is the given part of the POST. */
export function eventOf(kind: EventKind, { start, end }: Span, fields: EventFields = {}): Item {
  const { key, salt, messageId, ts } = fields;
  return {
    event: {
      kind,
      ...(key !== undefined && key !== "" && { key }),
      ...(salt !== undefined && { salt }),
      ...(messageId !== undefined && messageId !== "" && { messageId: storable(messageId) }),
      ...(ts !== undefined && { ts }),
      span: { start, end },
    },
  };
}

interface MessageFields {
  readonly id: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly ts: string;
  readonly text: string | null;
  readonly type: string;
}

/** A message whose own form is the given part of the POST; without an identifier or a party it is an event. */
export function messageOf({ start, end }: Span, fields: MessageFields): Item {
  const { id, from, to, ts, text, type } = fields;
  if (id === undefined || id === "" || from === undefined || to === undefined)
    return eventOf("other", { start, end }, { messageId: id, ts });
  return {
    message: { message_id: storable(id), from, to, ts, text, type: storable(type), span: { start, end } },
  };
}

export function intakeOf(items: readonly Item[]): Intake {
  return {
    messages: items.flatMap((item) => ("message" in item ? [item.message] : [])),
    events: items.flatMap((item) => ("event" in item ? [item.event] : [])),
  };
}
