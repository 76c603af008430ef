/**
 * The JSON Schema of the configuration file, made from the kinds' own options, so that a new kind
 * is in it by itself. Draft 7, which every YAML language server speaks. It knows the file's form;
 * whether a secret is there, is decoded and opens its source, only `check-config` knows.
 */
import { NATIVE } from "../core/source.ts";
import { KINDS } from "../sources/kinds.ts";
import { COMMON_OPTIONS, type JsonSchema, KIND_NAMES, SOURCE_NAME, sourceSchema } from "./source-schema.ts";

const REFERENCE: JsonSchema = { type: "string", pattern: "\\$\\{" };

/** The schema of what stands in the file: texts in which variables and files are not put in yet. */
export function configSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Postern's sources",
    description: "The providers whose webhooks are received, each at /webhook/NAME.",
    type: "object",
    required: ["sources"],
    properties: {
      sources: {
        type: "object",
        description: "By name. What was received keeps the name of its source.",
        propertyNames: { pattern: SOURCE_NAME, not: { const: NATIVE } },
        additionalProperties: {
          type: "object",
          required: ["kind", "secret"],
          properties: { kind: kindSchema(), ...withReferences(COMMON_OPTIONS) },
          allOf: KIND_NAMES.map((kind) => ({
            if: { required: ["kind"], properties: { kind: { const: kind } } },
            // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword.
            then: withReferences(sourceSchema(kind)),
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
