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
  const bare = channel === "email" ? (NAMED_ADDRESS.exec(id)?.[1] ?? id) : id;
  return storable(bare.startsWith(`${channel}:`) ? bare : `${channel}:${bare}`);
}

/** One address of mail behind a name (RFC 5322, section 3.4), which its sender may write anew. */
const NAMED_ADDRESS = /^[^<>]*<([^<>\s@]+@[^<>\s@]+)>\s*$/;

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

/** Of a body that is being taken apart: the fields whose time was there and is none. */
let unreadTimes: Set<string> | undefined;
const UNREAD_NAMES_MAX = 10;

/** What is made, and the names of the fields whose time couldn't be read meanwhile. */
export function withUnreadTimes<T>(make: () => T): { readonly made: T; readonly unread: readonly string[] } {
  const names = new Set<string>();
  const before = unreadTimes;
  unreadTimes = names;
  try {
    return { made: make(), unread: [...names] };
  } finally {
    unreadTimes = before;
  }
}

/** Notes that what stands in the field is no time. */
export function unread(field: string): undefined {
  if (unreadTimes !== undefined && unreadTimes.size < UNREAD_NAMES_MAX) unreadTimes.add(field);
}

/**
 * Whole seconds in UTC, of a time in seconds or milliseconds since 1970, fractions cut off;
 * undefined for no such time, which is noted under the field's name if there is any text.
 */
export function instantOf(
  time: string | undefined,
  unit: "seconds" | "milliseconds" = "seconds",
  field = "time",
): string | undefined {
  if (!isGiven(time)) return undefined;
  const [whole = ""] = time.split(".");
  if (!DIGITS.test(whole)) return unread(field);
  const seconds = unit === "seconds" ? Number(whole) : Math.floor(Number(whole) / 1000);
  return seconds > SECONDS_MAX ? unread(field) : wholeSeconds(seconds * 1000);
}

const WRITTEN = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?\s?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i;

/**
 * Whole seconds in UTC of a written time (RFC 3339 and near it; without an offset it is UTC);
 * undefined for none, which is noted as above.
 */
export function writtenInstant(time: string | undefined, field = "time"): string | undefined {
  if (!isGiven(time)) return undefined;
  const [, day, clock, , offset = "Z"] = WRITTEN.exec(time) ?? [];
  if (!isInstant(`${day}T${clock}Z`)) return unread(field);
  const zone = /^[+-]/.test(offset) ? offset.replace(/^(.{3}):?(..)$/, "$1:$2") : "Z";
  const ms = Date.parse(`${day}T${clock}${zone}`);
  return Number.isNaN(ms) || ms < -62_135_596_800_000 || ms > SECONDS_MAX * 1000
    ? unread(field)
    : wholeSeconds(ms);
}

/** Milliseconds since 1970 as an instant of whole seconds. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

interface EventFields {
  /** The provider's own name of it. */
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly keyDecides?: true;
  readonly salt?: string | undefined;
  readonly messageId?: string | undefined;
  readonly ts?: string | undefined;
}

/** An event whose own form is the given part of the POST. */
export function eventOf(kind: EventKind, { start, end }: Span, fields: EventFields = {}): Item {
  const { type, key, keyDecides, salt, messageId, ts } = fields;
  return {
    event: {
      kind,
      ...(isType(type) && { type: storable(type) }),
      ...(isGiven(key) && { key }),
      ...(keyDecides && { keyDecides }),
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

/** Longer than any provider's word for a sort of message or event. */
const TYPE_LENGTH_MAX = 64;

function isType(type: string | undefined): type is string {
  return isGiven(type) && type.length <= TYPE_LENGTH_MAX;
}

/** What is stored of a type; null for a blank or long one. */
export function typeOrNull(type: string | undefined): string | null {
  return isType(type) ? storable(type) : null;
}

/**
 * A message whose own form is the given part of the POST; without an identifier or a party it is an
 * event.
 */
export function messageOf({ start, end }: Span, fields: MessageFields): Item {
  const { id, from, to, ts, text, type, key } = fields;
  if (!isGiven(id) || from === undefined || to === undefined)
    return eventOf("other", { start, end }, { type, key, messageId: id, ts });
  return {
    message: {
      message_id: storable(id),
      from,
      to,
      ts,
      text,
      type: isType(type) ? storable(type) : "unknown",
      span: { start, end },
    },
  };
}

/**
 * What a message is that doesn't say it: the name of its last member that isn't one of those that
 * any message may have. Providers write what a message is behind what all have.
 */
export function typeByMember(message: JsonTree, common: ReadonlySet<string>): string {
  return lastMember(message, common) ?? "unknown";
}

/** The name of the last member that isn't one of those; undefined when there is none. */
export function lastMember(value: JsonTree, common: ReadonlySet<string>): string | undefined {
  const names = [...value.members()].flatMap(([name, member]) => (member.isNull ? [] : [name]));
  return names.findLast((name) => !common.has(name));
}

export function intakeOf(items: readonly Item[]): ParsedBody {
  return {
    messages: items.flatMap((item) => ("message" in item ? [item.message] : [])),
    events: items.flatMap((item) => ("event" in item ? [item.event] : [])),
  };
}
