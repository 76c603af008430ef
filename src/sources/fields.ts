/**
 * How providers' fields become ours: numbers, instants and texts, by the same rules for every kind
 * of source.
 */
import { isInstant } from "../core/instant.ts";
import { isBlank } from "../core/message.ts";
import type { EventKind, IncomingEvent, IncomingMessage, ParsedBody, Span } from "../core/parsed-body.ts";
import type { JsonTree } from "../lib/json-tree.ts";

/**
 * Without `+` a number of six digits is a short code: no country has numbers so short, its code
 * included.
 */
const PHONE = /^(\+[0-9]{6,15}|[0-9]{7,15})$/;
/** Channels whose identifiers are no phone numbers, however many digits they have. */
const ID_CHANNELS = new Set(
  "messenger facebook instagram telegram line slack twitter viber wechat kakaotalk applebc".split(" "),
);
/** What people and providers put between the digits of a number. */
const SEPARATORS = /[\s().-]/g;
const DIGITS = /^[0-9]{1,16}$/;
const CHANNEL = /^[a-z][a-z0-9_-]*(?=:|$)/;
/** Of year 9999, in seconds. */
const SECONDS_MAX = 253_402_300_799;

/** What a part of a POST is. */
export type Item = { readonly message: IncomingMessage } | { readonly event: IncomingEvent };

/**
 * A phone number as `+` and digits, with what stands between the digits taken off; anything else,
 * and whatever comes by a channel without numbers, as `channel:id`. Undefined for nothing.
 */
export function phoneOr(channel: string, id: string | undefined): string | undefined {
  if (!isGiven(id)) return undefined;
  const bare = id.startsWith(`${channel}:`) ? id.slice(channel.length + 1) : id;
  const digits = bare.replace(SEPARATORS, "");
  if (!ID_CHANNELS.has(channel) && PHONE.test(digits)) return digits.startsWith("+") ? digits : `+${digits}`;
  return channelId(channel, bare);
}

/** `channel:id`, also when the id names that channel already; undefined for nothing. */
export function channelId(channel: string, id: string | undefined): string | undefined {
  if (!isGiven(id)) return undefined;
  return storable(id.startsWith(`${channel}:`) ? id : `${channel}:${id}`);
}

/** The recipient that a configuration names; it may say another channel. */
export function accountId(channel: string, account: string | undefined): string | undefined {
  const names = account?.includes(":") === true && CHANNEL.test(account);
  return names ? storable(account) : phoneOr(channel, account);
}

/** The channel that a provider names, in lower case; the other one when that is no name. */
export function channelOr(other: string, name: string | undefined): string {
  const channel = name?.toLowerCase() ?? "";
  return CHANNEL.exec(channel)?.[0] === channel ? channel : other;
}

/** Identifiers that are one only together; undefined when one of them is missing. */
export function joined(...parts: readonly (string | undefined)[]): string | undefined {
  return parts.every(isGiven) ? parts.join(":") : undefined;
}

/**
 * The key of a message's status. A status with a colon could make the key of another one; its bytes
 * tell it.
 */
export function statusKey(id: string | undefined, status: string | undefined): string | undefined {
  return status?.includes(":") === true ? undefined : joined(id, status);
}

/** The key of what has an identifier of its own; with a colon it could be the key of a status. */
export function ownKey(id: string | undefined): string | undefined {
  return id?.includes(":") === true ? undefined : id;
}

/** Whether there is more than white space. */
function isGiven(text: string | undefined): text is string {
  return text !== undefined && !isBlank(text);
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

/**
 * Whole seconds in UTC, of a time in seconds or milliseconds since 1970, fractions cut off;
 * undefined for no such time.
 */
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

/**
 * Whole seconds in UTC of a written time (RFC 3339 and near it; without an offset it is UTC);
 * undefined for none.
 */
export function writtenInstant(time: string | undefined): string | undefined {
  const [, day, clock, , offset = "Z"] = WRITTEN.exec(time ?? "") ?? [];
  if (!isInstant(`${day}T${clock}Z`)) return undefined;
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
      ...(isGiven(key) && { key }),
      ...(salt !== undefined && { salt }),
      ...(isGiven(messageId) && { messageId: storable(messageId) }),
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
  /** The provider's identifier of the event that tells of the message. */
  readonly key?: string | undefined;
}

/** Longer than any provider's word for a sort of message. */
const TYPE_LENGTH_MAX = 64;

/**
 * A message whose own form is the given part of the POST; without an identifier or a party it is an
 * event.
 */
export function messageOf({ start, end }: Span, fields: MessageFields): Item {
  const { id, from, to, ts, text, type, key } = fields;
  if (!isGiven(id) || from === undefined || to === undefined)
    return eventOf("other", { start, end }, { key, messageId: id, ts });
  const isType = type !== "" && type.length <= TYPE_LENGTH_MAX;
  return {
    message: {
      message_id: storable(id),
      from,
      to,
      ts,
      text,
      type: isType ? storable(type) : "unknown",
      span: { start, end },
    },
  };
}

/**
 * What a message is that doesn't say it: the name of its last member that isn't one of those that
 * any message may have. Providers write what a message is behind what all have.
 */
export function typeByMember(message: JsonTree, common: ReadonlySet<string>): string {
  const names = [...message.members()].flatMap(([name, value]) => (value.isNull ? [] : [name]));
  return names.findLast((name) => !common.has(name)) ?? "unknown";
}

export function intakeOf(items: readonly Item[]): ParsedBody {
  return {
    messages: items.flatMap((item) => ("message" in item ? [item.message] : [])),
    events: items.flatMap((item) => ("event" in item ? [item.event] : [])),
  };
}
