/**
 * The JSON Schema of the configuration file, made from the kinds' own options, so that a new kind
 * is in it by itself. Draft 7, which every YAML language server speaks. It knows the file's form;
 * whether a secret is there, is decoded and opens its source, only `check-config` knows.
 */
import { DESTINATIONS_MAX } from "../core/destination-config.ts";
import { NATIVE } from "../core/source.ts";
import type { SinkKind } from "../follow/deliver/sink-kind.ts";
import { SINK_KINDS } from "../follow/deliver/sinks.ts";
import { KINDS } from "../sources/kinds.ts";
import { DESTINATION_SCHEMA, destinationSchema } from "./destination-schema.ts";
import { COMMON_OPTIONS, type JsonSchema, KIND_NAMES, SOURCE_NAME, sourceSchema } from "./source-schema.ts";

const REFERENCE: JsonSchema = { type: "string", pattern: "\\$\\{" };

/** The schema of what stands in the file: texts in which variables and files are not put in yet. */
export function configSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Postern's sources and destinations",
    description: "Whose webhooks are received, and where what came in is handed on to.",
    type: "object",
    anyOf: [{ required: ["sources"] }, { required: ["destinations"] }],
    properties: {
      sources: {
        type: "object",
        description:
          "The providers whose webhooks are received, each at /webhook/NAME. What was received keeps the name of its source.",
        propertyNames: { pattern: SOURCE_NAME, not: { const: NATIVE } },
        additionalProperties: {
          type: "object",
          required: ["kind"],
          properties: { kind: kindSchema(), ...withReferences(COMMON_OPTIONS) },
          allOf: KIND_NAMES.map((kind) => ({
            if: { required: ["kind"], properties: { kind: { const: kind } } },
            // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword.
            then: withReferences(sourceSchema(kind)),
          })),
        },
      },
      destinations: {
        type: "object",
        description: "Where records are handed on to, by name. How far each has got is kept under its name.",
        maxProperties: DESTINATIONS_MAX,
        propertyNames: { pattern: SOURCE_NAME },
        additionalProperties: {
          ...withReferences(DESTINATION_SCHEMA),
          allOf: SINK_KINDS.map((kind) => ({
            if: { required: ["url"], properties: { url: schemeSchema(kind) } },
            // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword.
            then: withReferences(sinkSchema(kind)),
          })),
        },
      },
    },
    additionalProperties: false,
  };
}

function kindSchema(): JsonSchema {
  return {
    description: "Who sends: it decides how requests are verified and what they hold.",
    oneOf: KIND_NAMES.map((kind) => ({ const: kind, description: KINDS[kind]?.summary })),
  };
}

function schemeSchema({ schemes }: SinkKind): JsonSchema {
  return { type: "string", pattern: `^(${schemes.join("|")})` };
}

/** What its scheme says of a destination, and which members of other kinds it hasn't. */
function sinkSchema(kind: SinkKind): JsonSchema {
  const others = SINK_KINDS.flatMap(({ members }) => Object.keys(members));
  const foreign = others.filter((name) => !Object.hasOwn(kind.members, name));
  return {
    required: destinationSchema(kind)["required"],
    properties: { url: kind.url, ...Object.fromEntries(foreign.map((name) => [name, false])) },
  };
}

/** Where not every text is allowed, one with a reference is allowed too. */
function withReferences<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(withReferences) as T;
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, withReferences(value)]),
  );
  if (!narrow(inner)) return inner as T;
  const { description, ...rest } = inner;
  return {
    ...(description !== undefined && { description }),
    anyOf: [rest, REFERENCE],
  } as T;
}

function narrow({ enum: choices, pattern }: JsonSchema): boolean {
  if (Array.isArray(choices)) return true;
  return typeof pattern === "string" && !new RegExp(pattern).test("${VARIABLE}");
}
