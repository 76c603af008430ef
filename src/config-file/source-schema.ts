/** What a source may say, as JSON Schema: its kind's own options, and what every source has. */
import { KINDS } from "../sources/kinds.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Of names of sources and of destinations. */
export const SOURCE_NAME = "^[a-z][a-z0-9-]{0,31}$";
/** The same in words, after what is named. */
export const NAME_RULE = "must be a-z, 0-9 and -, begin with a letter, and have at most 32 characters";
const SECRET: JsonSchema = { type: "string", pattern: "\\S" };

/** The settings that stand beside a kind's own. */
export const COMMON_OPTIONS: Readonly<Record<string, JsonSchema>> = {
  secret: {
    anyOf: [SECRET, { type: "array", minItems: 1, items: SECRET }],
    description:
      "What the provider proves itself with: one secret, or a list of which each counts (to change it without losing a message).",
  },
  public_url: {
    type: "string",
    pattern: "^https?://([^\\s/?#[\\]]+|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?)([/?][^\\s#]*)?$",
    description: "The webhook's full URL as the provider knows it; some providers sign it.",
  },
  allow_from: {
    type: "array",
    minItems: 1,
    items: { type: "string", pattern: "\\S" },
    description:
      "Networks and addresses from which alone requests are taken; behind a proxy, by TRUSTED_PROXIES.",
  },
  keep_headers: {
    type: "array",
    maxItems: 64,
    items: { type: "string", minLength: 1 },
    description:
      "Headers that are kept with what they bring, beside those that the kind or preset keeps; a name may end with `*`. What may prove who sent a request is never kept.",
  },
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** The options of a kind's own, each closed: an unknown name is a mistake. */
export function optionsOf(kind: string): Readonly<Record<string, JsonSchema>> {
  const options = Object.hasOwn(KINDS, kind) ? KINDS[kind]?.options : undefined;
  return (closed(JSON.parse(JSON.stringify(options ?? {}))) as JsonSchema)["properties"] as Record<
    string,
    JsonSchema
  >;
}

/** A source of a kind. */
export function sourceSchema(kind: string): JsonSchema {
  const needsUrl = KINDS[kind]?.needsPublicUrl?.({}) === true;
  const mayLackSecret = KINDS[kind]?.needsSecret !== undefined;
  return {
    type: "object",
    required: [...(mayLackSecret ? [] : ["secret"]), ...(needsUrl ? ["public_url"] : [])],
    properties: { kind: { const: kind }, ...COMMON_OPTIONS, ...optionsOf(kind) },
    additionalProperties: false,
  };
}

/** A source of which nobody knows what its kind takes. */
export const UNKNOWN_SOURCE_SCHEMA: JsonSchema = {
  type: "object",
  required: ["secret"],
  properties: COMMON_OPTIONS,
};

/** With `additionalProperties: false` wherever names are listed. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return "properties" in schema && !("additionalProperties" in schema)
    ? { ...inner, additionalProperties: false }
    : inner;
}
