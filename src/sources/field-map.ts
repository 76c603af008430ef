/**
 * A field map: which values of a provider's JSON or form are a message's fields, said by
 * configuration.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../core/message.ts";
import type { ParsedBody } from "../core/parsed-body.ts";
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
  type: Paths("What sort of message it is (default `text`)."),
  channel: Paths("What stands before a sender or recipient that is no phone number."),
  event_id: Paths("The provider's identifier of whatever is no message."),
});
export type FieldMap = Static<typeof FieldMap>;

type Paths = string | readonly string[] | undefined;
type Reading = (scope: Scope) => string | undefined;

/** What a source says of its messages: the first map whose item is a message counts. */
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
  return (body, surroundings, defaults) => {
    const document = parseJsonTree(body) ?? formTree(body, surroundings.contentType);
    if (document === undefined) return undefined;
    for (const map of compiled) {
      const items = map.itemsOf(document);
      const found = items.map((item) => map.read({ item, document }, surroundings.now, defaults));
      if (found.some((item) => "message" in item)) return intakeOf(found);
    }
    // No map finds a message: what the first one says of events holds.
    const [first] = compiled;
    const items = first?.itemsOf(document) ?? [];
    return first === undefined || items.length === 0
      ? undefined
      : intakeOf(items.map((item) => first.event({ item, document })));
  };
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
  const event = (scope: Scope): Item =>
    eventOf("other", scope.item, {
      key: eventId(scope),
      messageId: id(scope),
      ts: timeOf(ts(scope), map.ts_format),
    });
  return {
    itemsOf: (document: JsonTree): readonly JsonTree[] =>
      each === undefined ? [document] : (each({ item: document, document })?.items ?? []),
    event,
    read(scope: Scope, now: number, { account, name }: Defaults): Item {
      if (map.message_id === undefined || !conditions.every((holds) => holds(scope))) return event(scope);
      const before = channelOr(name, channel(scope));
      const found = messageOf(scope.item, {
        id: id(scope),
        from: phoneOr(before, from(scope)),
        to: phoneOr(before, to(scope)) ?? accountId(before, account),
        ts: timeOf(ts(scope), map.ts_format) ?? wholeSeconds(now),
        text: firstText(text(scope)),
        type: type(scope) ?? "text",
      });
      return "message" in found ? found : event(scope);
    },
  };
}

/**
 * A document with a message's fields where the map looks for them; undefined when it finds no
 * messages.
 */
export function composedBy(map: FieldMap, { message_id, from, to, ts, text }: Message): object | undefined {
  if (map.message_id === undefined) return undefined;
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
    if (!path.startsWith("=")) putAt(path, { item, document }, value);
  }
  return document;
}

function reading(paths: Paths): Reading {
  const readings = (paths === undefined ? [] : [paths].flat()).map((text): Reading => {
    if (text.startsWith("=")) return () => text.slice(1);
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
