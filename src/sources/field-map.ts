/**
 * A field map: which values of a provider's JSON or form are a message's fields, said by
 * configuration.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../core/message.ts";
import { EVENT_KINDS, type EventKind, type ParsedBody } from "../core/parsed-body.ts";
import { type JsonTree, parseJsonTree } from "../lib/json-tree.ts";
import { acceptance, Conditions, textsOf } from "./conditions.ts";
import {
  accountId,
  channelOr,
  eventOf,
  firstText,
  type Item,
  instantOf,
  intakeOf,
  messageOf,
  phoneOr,
  unread,
  wholeSeconds,
  writtenInstant,
} from "./fields.ts";
import { formTree } from "./form-tree.ts";
import type { Surroundings } from "./kind.ts";
import { mailDate } from "./mail-date.ts";
import { emptyObject, holderOf, PATH, parsePath, putAt, type Scope } from "./paths.ts";

const PathOrText = Type.String({ pattern: `^(=[\\s\\S]*|${PATH})$` });
const Paths = (description: string) =>
  Type.Optional(
    Type.Union([PathOrText, Type.Array(PathOrText, { minItems: 1 })], {
      description: `${description} A path, \`=text\` for a fixed text, or a list of them: the first that is there counts.`,
    }),
  );

export const FieldMap = Type.Object({
  each: Type.Optional(
    Type.String({
      pattern: `^${PATH}$`,
      description: "Path of an array whose items are messages or events; `$` when the whole body is one.",
    }),
  ),
  when: Conditions(
    "Paths, each with the text, number or boolean, or a list of them, that must stand there for the map to be about an item. `*` before or behind a text stands for any characters, alone for any text, number or boolean.",
  ),
  outbound: Conditions(
    "The same, for what the business itself sent: an event of the kind `echo`, and no message. Unless it is said, what has `fromMe`, `from_me` or `is_from_me` true beside `message_id` is no message.",
  ),
  event: Type.Optional(
    Type.Enum([...EVENT_KINDS], {
      description:
        "What an item of this map is instead of a message: an event of this kind, about the message of `message_id`, which must be there if it is said.",
    }),
  ),
  message_id: Paths("The provider's identifier of the message."),
  from: Paths("The sender."),
  to: Paths("The recipient; without it the source's `account`."),
  ts: Paths("When it was sent; without it, when it was received."),
  ts_format: Type.Optional(
    Type.Enum(["unix", "ms", "rfc3339"], {
      description: "How `ts` is written (default: told by its form).",
    }),
  ),
  text: Paths("The text."),
  type: Paths(
    "What sort of message it is (default `text`), or the event's name. `member PATH` is the name of the object's member that is there, `member PATH except NAME NAME` of one with another name.",
  ),
  channel: Paths("What stands before a sender or recipient that is no phone number."),
  event_id: Paths("The provider's identifier of whatever is no message."),
});
export type FieldMap = Static<typeof FieldMap>;

type Paths = string | readonly string[] | undefined;
type Reading = (scope: Scope) => string | undefined;

/**
 * What a source says of its messages: of the maps with the same `each`, the first that understands
 * an item counts for it; of maps with another `each`, those that understand any.
 */
export type Normalise = (
  body: Uint8Array,
  surroundings: Surroundings,
  defaults: Defaults,
) => ParsedBody | undefined;

interface Defaults {
  readonly account: string | undefined;
  /** The source's name, which stands in for a channel. */
  readonly name: string;
}

/** Throws `SchemeError` for a path that is none. */
export function mappedBy(maps: readonly FieldMap[]): Normalise {
  const compiled = maps.map(compile);
  const byItems = [...Map.groupBy(compiled, ({ each }) => each).values()];
  return (body, surroundings, defaults) => {
    const document = parseJsonTree(body) ?? formTree(body, surroundings.contentType);
    if (document === undefined) return undefined;
    for (const beside of byItems) {
      const [leader] = beside;
      const items = leader?.itemsOf(document).map((item) => ({ item, document })) ?? [];
      const understood = items.map((scope) =>
        firstOf(beside, (map) => map.read(scope, surroundings.now, defaults)),
      );
      if (understood.some((item) => item !== undefined))
        return intakeOf(items.flatMap((scope, index) => understood[index] ?? leader?.event(scope) ?? []));
    }
    // No map understands any: what the first one says of events holds.
    const [first] = compiled;
    const items = first?.itemsOf(document) ?? [];
    return first === undefined || items.length === 0
      ? undefined
      : intakeOf(items.map((item) => first.event({ item, document })));
  };
}

/** What the first of them makes; undefined when none makes anything. */
function firstOf<T, Made>(all: readonly T[], make: (one: T) => Made | undefined): Made | undefined {
  for (const one of all) {
    const made = make(one);
    if (made !== undefined) return made;
  }
  return undefined;
}

function compile(map: FieldMap) {
  const each = map.each === undefined ? undefined : parsePath(map.each);
  const holds = conditionsOf(map.when);
  const isOutbound = map.outbound === undefined ? undefined : conditionsOf(map.outbound);
  const isOwn = ownMessage(map.message_id);
  const [id, from, to] = [reading(map.message_id), reading(map.from), reading(map.to)];
  const [text, type] = [reading(map.text), reading(map.type)];
  const ts = timeReading(map);
  const [channel, eventId] = [reading(map.channel), reading(map.event_id)];
  const event = (scope: Scope, kind: EventKind = "other"): Item =>
    eventOf(kind, scope.item, {
      // What a map says of messages isn't the name of what is none.
      type: findsMessages(map) ? undefined : type(scope),
      key: eventId(scope),
      salt: each === undefined ? undefined : scope.item.writtenWithin,
      messageId: id(scope),
      ts: ts(scope),
    });
  const itemsIn = (value: JsonTree | undefined) => (value?.inner ?? value)?.items ?? [];
  return {
    each: map.each,
    itemsOf: (document: JsonTree): readonly JsonTree[] =>
      each === undefined ? [document] : itemsIn(each({ item: document, document })),
    event,
    /** Undefined for what is neither a message nor the event that this map looks for. */
    read(scope: Scope, now: number, { account, name }: Defaults): Item | undefined {
      if (!holds(scope)) return undefined;
      if (map.event !== undefined)
        return map.message_id === undefined || id(scope) !== undefined ? event(scope, map.event) : undefined;
      if (map.message_id === undefined) return undefined;
      if (isOutbound === undefined ? isOwn(scope) : isOutbound(scope))
        return isOutbound === undefined ? undefined : event(scope, "echo");
      const before = channelOr(name, channel(scope));
      const found = messageOf(scope.item, {
        id: id(scope),
        from: phoneOr(before, from(scope)),
        to: phoneOr(before, to(scope)) ?? accountId(before, account),
        ts: ts(scope) ?? wholeSeconds(now),
        text: firstText(text(scope)),
        type: type(scope) ?? "text",
      });
      return "message" in found ? found : undefined;
    },
  };
}

export function findsMessages({ event, message_id }: FieldMap): boolean {
  return event === undefined && message_id !== undefined;
}

/**
 * A document with a message's fields where the map looks for them; undefined when it finds no
 * messages.
 */
export function composedBy(map: FieldMap, { message_id, from, to, ts, text }: Message): object | undefined {
  if (!findsMessages(map)) return undefined;
  const document = emptyObject();
  const item = map.each === undefined ? document : emptyObject();
  if (map.each !== undefined) putAt(map.each, { item: document, document }, [item]);
  const composed = map.each === "$" ? [item] : document;
  const ms = Date.parse(ts);
  const time = { unix: String(Math.floor(ms / 1000)), ms: String(ms), rfc3339: ts }[
    map.ts_format ?? "rfc3339"
  ];
  const fields: readonly (readonly [Paths, string | null])[] = [
    // Conditions first: what they ask for stays.
    ...Object.entries(map.when ?? {})
      .map(([path, accepted]) => [path, textsOf(accepted)] as const)
      .map(([path, [first = null]]) => [path, first] as const),
    [map.message_id, message_id],
    [map.from, from],
    [map.to, to],
    [map.ts, time],
    [map.text, text],
    [map.type, "text"],
    // Whose parties are phone numbers.
    [map.channel, "sms"],
  ];
  for (const [paths, value] of fields) {
    const [path = "="] = [paths ?? []].flat();
    if (!path.startsWith("=") && !MEMBER.test(path)) putAt(path, { item, document }, value);
  }
  return composed;
}

/** Every one of them holds; a missing value is an empty text. */
function conditionsOf(given: FieldMap["when"] = {}): (scope: Scope) => boolean {
  const conditions = Object.entries(given).map(([path, accepted]) => {
    const read = reading(path, (value) => value.scalar);
    const accepts = acceptance(accepted);
    return (scope: Scope) => accepts(read(scope) ?? "");
  });
  return (scope) => conditions.every((holds) => holds(scope));
}

/** `read` of a value: its text, unless it is said. */
function reading(paths: Paths, read: (value: JsonTree) => string | undefined = textIn): Reading {
  const readings = (paths === undefined ? [] : [paths].flat()).map((text): Reading => {
    if (text.startsWith("=")) return () => text.slice(1);
    const [, holder, except] = MEMBER.exec(text) ?? [];
    if (holder !== undefined) return memberOf(parsePath(holder), except?.split(" ") ?? []);
    const path = parsePath(text);
    return (scope) => {
      const value = path(scope);
      return value === undefined ? undefined : read(value);
    };
  });
  return (scope) => {
    for (const find of readings) {
      const found = find(scope);
      if (found !== undefined && found !== "") return found;
    }
    return undefined;
  };
}

const textIn = ({ text }: JsonTree) => text;

/** A name that tells what a thing is: one of several members is there, and says it. */
const MEMBER = /^member (\S+)(?: except (\S+(?: \S+)*))?$/;

function memberOf(path: ReturnType<typeof parsePath>, except: readonly string[]): Reading {
  return (scope) => {
    const holder = path(scope);
    for (const [name, value] of (holder?.inner ?? holder)?.members() ?? [])
      if (!except.includes(name) && !value.isNull) return name;
    return undefined;
  };
}

/** What gateways to WhatsApp call it that the message is the business's own. */
const OWN = ["fromMe", "from_me", "is_from_me"];

/** Whether the object that holds the message's identifier says that the business itself sent it. */
function ownMessage(ids: Paths): (scope: Scope) => boolean {
  const paths = [ids ?? []].flat().filter((path) => !path.startsWith("=") && !MEMBER.test(path));
  const holders = paths.map((path) => ({ id: parsePath(path), holder: holderOf(path) }));
  return (scope) => {
    const found = holders.find(({ id }) => (id(scope)?.text ?? "") !== "")?.holder(scope);
    const object = found?.inner ?? found;
    return OWN.some((name) => object?.get(name)?.scalar === "true");
  };
}

/** An instant; of a value that is there and is none, this is noted. */
function timeReading({ ts, ts_format }: FieldMap): Reading {
  const read = reading(ts);
  const isThere = reading(ts, (value) => value.text ?? "no text");
  const name = [ts ?? []].flat().join(", ");
  return (scope) => {
    const text = read(scope);
    if (text === undefined) return isThere(scope) === undefined ? undefined : unread(name);
    return timeOf(text, ts_format, name);
  };
}

/** ISO 8601's basic format, also without its letters. */
const BASIC = /^(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})Z?$/;

/** Digits are counted: with more than ten of them seconds would be past the year 5000. */
function timeOf(text: string, format: FieldMap["ts_format"], name: string): string | undefined {
  if (format === "rfc3339") return writtenInstant(text, name);
  if (format !== undefined) return instantOf(text, format === "unix" ? "seconds" : "milliseconds", name);
  // Milli-, micro- and nanoseconds since 1970.
  if (/^(?:[0-9]{13}|[0-9]{16}|[0-9]{19})(?:\.[0-9]*)?$/.test(text))
    return instantOf(text.slice(0, 13), "milliseconds", name);
  const basic = BASIC.exec(text)?.slice(1);
  if (basic !== undefined)
    return writtenInstant(`${basic.slice(0, 3).join("-")} ${basic.slice(3).join(":")}`, name);
  if (/^[0-9.]+$/.test(text)) return instantOf(text, "seconds", name);
  const ms = mailDate(text);
  return ms === undefined ? writtenInstant(text, name) : wholeSeconds(ms);
}
