/**
 * A field map: which values of a provider's JSON or form are a message's fields, said by
 * configuration.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../core/message.ts";
import { EVENT_KINDS, type EventKind, type ParsedBody } from "../core/parsed-body.ts";
import { type JsonTree, parseJsonTree } from "../lib/json-tree.ts";
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
  wholeSeconds,
  writtenInstant,
} from "./fields.ts";
import { boundedForm, FORM_TYPE, type Surroundings } from "./kind.ts";
import { emptyObject, PATH, parsePath, putAt, type Scope } from "./paths.ts";

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
      description: "Path of an array whose items are messages or events.",
    }),
  ),
  when: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
      description: "Paths and the texts that must stand there for an item to be a message.",
    }),
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
    "What sort of message it is (default `text`). `member PATH` is the name of the object's member that is there, `member PATH except NAME` of one with another name.",
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
  const conditions = Object.entries(map.when ?? {}).map(([path, texts]) => {
    const accepted = new Set(typeof texts === "string" ? [texts] : texts);
    const read = reading(path);
    return (scope: Scope) => accepted.has(read(scope) ?? "");
  });
  const [id, from, to] = [reading(map.message_id), reading(map.from), reading(map.to)];
  const [ts, text, type] = [reading(map.ts), reading(map.text), reading(map.type)];
  const [channel, eventId] = [reading(map.channel), reading(map.event_id)];
  const event = (scope: Scope, kind: EventKind = "other"): Item =>
    eventOf(kind, scope.item, {
      key: eventId(scope),
      messageId: id(scope),
      ts: timeOf(ts(scope), map.ts_format),
    });
  return {
    each: map.each,
    itemsOf: (document: JsonTree): readonly JsonTree[] =>
      each === undefined ? [document] : (each({ item: document, document })?.items ?? []),
    event,
    /** Undefined for what is neither a message nor the event that this map looks for. */
    read(scope: Scope, now: number, { account, name }: Defaults): Item | undefined {
      if (!conditions.every((holds) => holds(scope))) return undefined;
      if (map.event !== undefined)
        return map.message_id === undefined || id(scope) !== undefined ? event(scope, map.event) : undefined;
      if (map.message_id === undefined) return undefined;
      const before = channelOr(name, channel(scope));
      const found = messageOf(scope.item, {
        id: id(scope),
        from: phoneOr(before, from(scope)),
        to: phoneOr(before, to(scope)) ?? accountId(before, account),
        ts: timeOf(ts(scope), map.ts_format) ?? wholeSeconds(now),
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
  const ms = Date.parse(ts);
  const time = { unix: String(Math.floor(ms / 1000)), ms: String(ms), rfc3339: ts }[
    map.ts_format ?? "rfc3339"
  ];
  const fields: readonly (readonly [Paths, string | null])[] = [
    // Conditions first: what they ask for stays.
    ...Object.entries(map.when ?? {}).map(([path, texts]) => [path, [texts].flat()[0] ?? null] as const),
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
  return document;
}

function reading(paths: Paths): Reading {
  const readings = (paths === undefined ? [] : [paths].flat()).map((text): Reading => {
    if (text.startsWith("=")) return () => text.slice(1);
    const [, holder, except] = MEMBER.exec(text) ?? [];
    if (holder !== undefined) return memberOf(parsePath(holder), except);
    const path = parsePath(text);
    return (scope) => path(scope)?.text;
  });
  return (scope) => {
    for (const read of readings) {
      const found = read(scope);
      if (found !== undefined && found !== "") return found;
    }
    return undefined;
  };
}

/** A name that tells what a thing is: one of several members is there, and says it. */
const MEMBER = /^member (\S+)(?: except (\S+))?$/;

function memberOf(path: ReturnType<typeof parsePath>, except: string | undefined): Reading {
  return (scope) => {
    for (const [name, value] of path(scope)?.members() ?? [])
      if (name !== except && !value.isNull) return name;
    return undefined;
  };
}

/** Thirteen digits and more are milliseconds: as seconds they would be past the year 30000. */
function timeOf(text: string | undefined, format: FieldMap["ts_format"]): string | undefined {
  if (format === "rfc3339") return writtenInstant(text);
  if (format !== undefined) return instantOf(text, format === "unix" ? "seconds" : "milliseconds");
  if (text === undefined || !/^[0-9.]+$/.test(text)) return writtenInstant(text);
  return instantOf(text, /^[0-9]{13}/.test(text) ? "milliseconds" : "seconds");
}

/** A form as a flat object that spans the whole body; the last of equal names counts. */
function formTree(body: Uint8Array, contentType: string): JsonTree | undefined {
  if (!contentType.toLowerCase().startsWith(FORM_TYPE)) return undefined;
  const form = boundedForm(body);
  const fields = Array.from({ length: form.size }, (_, index) =>
    [form.name(index), form.value(index)].map((part) => JSON.stringify(part.toString())).join(":"),
  );
  return parseJsonTree(Buffer.from(`{${fields.join()}}`))?.movedTo(0, body.length);
}
