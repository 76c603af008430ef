/**
 * The one shape of a 422: an entry for every bad field. TypeBox finds the mistakes, this file words
 * them.
 */
import { type Static, Type } from "typebox";
import type { Validator } from "typebox/compile";
import { Settings } from "typebox/system";
import { FORMAT_RULES } from "./message.ts";

const INPUT_CHARS_MAX = 200;
/** Five fields can break a dozen rules at once; TypeBox stops looking after eight. */
const MISTAKES_MAX = 64;

Settings.Set({ maxErrors: MISTAKES_MAX });

export const FieldError = Type.Object(
  {
    type: Type.String({ examples: ["string_pattern_mismatch"] }),
    loc: Type.Array(Type.String(), { examples: [["body", "from"]] }),
    msg: Type.String({ examples: ["String should match pattern '^\\+[0-9]+$'"] }),
    input: Type.Unknown({ description: "What was sent, cut to a sane length.", examples: ["919876543210"] }),
  },
  { $id: "FieldError" },
);
export type FieldError = Static<typeof FieldError>;

/** The body of a 422. */
export const InvalidAnswer = Type.Object({ detail: Type.Array(FieldError) }, { $id: "ValidationError" });
/** The body of every other answer that is no success. */
export const DetailAnswer = Type.Object(
  { detail: Type.String({ examples: ["Not Found"] }) },
  { $id: "Error" },
);

type RequestPart = "body" | "query" | "header" | "path";

/**
 * Every mistake of a value that the validator refused: one entry a field, in the order of the
 * schema.
 */
export function fieldErrors(validator: Validator, value: unknown, part: RequestPart): FieldError[] {
  const found = new Map<string, FieldError>();
  for (const error of validator.Errors(value)) {
    const params = error.params as Readonly<Record<string, unknown>>;
    if (error.keyword === "required") {
      for (const field of params["requiredProperties"] as readonly string[]) {
        found.set(field, { type: "missing", loc: [part, field], msg: "Field required", input: null });
      }
      continue;
    }
    const field = error.instancePath.slice(1);
    if (found.has(field)) continue;
    const input = field === "" ? value : (value as Readonly<Record<string, unknown>>)[field];
    found.set(field, {
      ...wording(error.keyword, params, error.message),
      loc: field === "" ? [part] : [part, field],
      input: cut(input),
    });
  }
  return [...found.values()];
}

/** A mistake that no schema finds: JSON or a query string that can't be read. */
export function fieldError(
  part: RequestPart,
  field: string | undefined,
  type: string,
  msg: string,
  input: unknown,
): FieldError {
  return { type, loc: field === undefined ? [part] : [part, field], msg, input: cut(input) };
}

function wording(keyword: string, params: Readonly<Record<string, unknown>>, fallback: string) {
  switch (keyword) {
    case "type":
      return { type: `${params["type"]}_type`, msg: `Input should be a valid ${params["type"]}` };
    case "minLength":
      return { type: "string_too_short", msg: `String should have at least ${params["limit"]} character` };
    case "maxLength":
      return { type: "string_too_long", msg: `String should have at most ${params["limit"]} characters` };
    case "pattern":
      return { type: "string_pattern_mismatch", msg: `String should match pattern '${params["pattern"]}'` };
    case "enum":
      return {
        type: "enum",
        msg: `Input should be one of ${(params["allowedValues"] as readonly string[]).join(", ")}`,
      };
    case "format":
      return {
        type: "value_error",
        msg: `Value should be ${FORMAT_RULES[String(params["format"])] ?? fallback}`,
      };
    default:
      return { type: "value_error", msg: fallback };
  }
}

/**
 * What an answer may repeat of an input: scalars, long strings shortened; of a container only what
 * it was.
 */
function cut(input: unknown): unknown {
  if (typeof input === "string") {
    return input.length > INPUT_CHARS_MAX
      ? `${input.slice(0, INPUT_CHARS_MAX).toWellFormed()}…`
      : input.toWellFormed();
  }
  if (Array.isArray(input)) return "[array]";
  if (typeof input === "object" && input !== null) return "[object]";
  return input;
}
