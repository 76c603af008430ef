/**
 * What a schema finds wrong with a value, in words that say what would be right and never repeat
 * the value.
 */
import { Compile } from "typebox/schema";
// It sets how many errors TypeBox looks for.
import "../core/field-errors.ts";
import type { Mistake } from "../core/mistake.ts";
import { closest } from "../lib/closest.ts";
import { type LocatedDocument, pathText, pointerStep } from "./located-document.ts";
import type { JsonSchema } from "./source-schema.ts";

export interface SchemaMistake {
  /** Of the value; of the unknown name, when it is one. */
  readonly pointer: string;
  readonly isName: boolean;
  readonly message: string;
}

/** Of a name, such as one that lacks something. */
export function atName(pointer: string, message: string): SchemaMistake {
  return { pointer, isName: true, message };
}

/** Of a value; `words` follow its path. */
export function atValue(pointer: string, words: string): SchemaMistake {
  return { pointer, isName: false, message: `${pathText(pointer)}${words}` };
}

/** Where they stand, but for values of which nothing is known. */
export function located(document: LocatedDocument, found: readonly SchemaMistake[]): Mistake[] {
  return found
    .filter(({ pointer }) => !document.isUnknown(pointer))
    .map(({ pointer, isName, message }) => ({
      ...(isName ? document.keyLocationOf(pointer) : document.locationOf(pointer)),
      message,
    }));
}

type Params = Readonly<Record<string, unknown>>;

interface Found {
  readonly keyword: string;
  readonly pointer: string;
  readonly schemas: readonly JsonSchema[];
  readonly params: Params;
  readonly message: string;
}

const COMBINING = new Set(["anyOf", "boolean"]);
/** What says that a value has another form. */
const FORMS = new Set(["type", "enum"]);
const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping (name: value)",
};

/** How to say that a name is unknown; `known` are those that fit there. */
type UnknownName = (pointer: string, name: string, known: readonly string[]) => string;
/** What somebody may have meant who gave none of the allowed values. */
type Meant = (pointer: string, given: string, allowed: readonly string[]) => string | undefined;

/** A checker of the schema; `pointer` is where the value stands in its document. */
export function schemaChecker(
  schema: JsonSchema,
  unknownName: UnknownName,
  meant: Meant = (_, given, allowed) => closest(given, allowed),
) {
  const validator = Compile(schema);
  return (value: unknown, pointer: string): SchemaMistake[] => {
    if (validator.Check(value)) return [];
    const [, errors] = validator.Errors(value);
    const found = errors
      .filter(({ keyword }) => !COMBINING.has(keyword))
      .map(
        ({ keyword, instancePath, schemaPath, params, message }): Found => ({
          keyword,
          pointer: instancePath,
          schemas: schemasAt(schema, schemaPath),
          params: params as unknown as Params,
          message,
        }),
      );
    const told = [...grouped(withoutOtherForms(found)).values()];
    return told.flatMap((group) => wordings(group, value, pointer, { unknownName, meant }));
  };
}

/**
 * Where one of several forms fits so far that its parts are looked at, that the others don't fit is
 * no news.
 */
function withoutOtherForms(found: readonly Found[]): Found[] {
  const deeper = (at: string) => found.some(({ pointer }) => pointer.startsWith(`${at}/`));
  const named = new Set(
    found.filter(({ keyword }) => keyword === "additionalProperties").map(({ pointer }) => pointer),
  );
  return found.filter(
    ({ keyword, pointer }) => !FORMS.has(keyword) || !(deeper(pointer) || named.has(pointer)),
  );
}

/** Several forms may each find their own mistake in the same value. */
function grouped(found: readonly Found[]): Map<string, Found[]> {
  const groups = new Map<string, Found[]>();
  for (const each of found) {
    const name = ["required", "additionalProperties"].includes(each.keyword) ? each.keyword : "value";
    const key = `${each.pointer} ${name}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

function wordings(
  group: readonly Found[],
  root: unknown,
  above: string,
  { unknownName, meant }: { readonly unknownName: UnknownName; readonly meant: Meant },
): SchemaMistake[] {
  const [first] = group;
  if (first === undefined) return [];
  const pointer = above + first.pointer;
  const [schema = {}] = first.schemas;
  if (first.keyword === "required") {
    return (first.params["requiredProperties"] as readonly string[]).map((name) => ({
      pointer,
      isName: true,
      message: `${pathText(pointer)}.${name} is missing${described([propertiesOf(schema)[name] ?? {}])}`,
    }));
  }
  if (first.keyword === "additionalProperties") {
    return (first.params["additionalProperties"] as readonly string[]).map((name) => ({
      pointer: `${pointer}/${pointerStep(name)}`,
      isName: true,
      message: unknownName(pointer, name, Object.keys(propertiesOf(schema))),
    }));
  }
  const value = valueAt(root, first.pointer);
  const words = valueWording(group, value, (given, allowed) => meant(pointer, given, allowed));
  return [{ pointer, isName: false, message: `${pathText(pointer)} ${words}` }];
}

function valueWording(
  group: readonly Found[],
  value: unknown,
  meantBy: (given: string, allowed: readonly string[]) => string | undefined,
): string {
  const types = group.filter(({ keyword }) => keyword === "type").map(({ params }) => String(params["type"]));
  const others = group.filter(({ keyword }) => keyword !== "type");
  const found = others.find(({ keyword }) => !FORMS.has(keyword)) ?? others[0];
  if (types.length === group.length || found === undefined) return typeWording(types, value, group);
  if (typeof value === "string" && value.trim() === "" && found.keyword !== "enum")
    return `is blank${described(found.schemas)}`;
  switch (found.keyword) {
    case "enum": {
      const allowed = found.params["allowedValues"] as readonly string[];
      const meant = typeof value === "string" ? meantBy(value, allowed) : undefined;
      return `must be one of ${allowed.join(", ")}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
    }
    case "minimum":
    case "maximum":
      return `must be ${found.keyword === "minimum" ? "at least" : "at most"} ${found.params["limit"]}`;
    case "minItems":
      return `is an empty list${described(found.schemas)}`;
    case "pattern":
      return `doesn't fit${described(found.schemas)}`;
    default:
      return `${found.message}${described(found.schemas)}`;
  }
}

function typeWording(types: readonly string[], value: unknown, group: readonly Found[]): string {
  const expected = `must be ${[...new Set(types)].map((type) => TYPES[type] ?? type).join(" or ")}`;
  if (value === null) return `is empty: it ${expected}`;
  if (!types.includes("string") || (typeof value !== "number" && typeof value !== "boolean")) return expected;
  const [{ schemas = [] } = {}] = group;
  const pattern = schemas[0]?.["pattern"];
  const fits = typeof pattern !== "string" || new RegExp(pattern).test(String(value));
  return fits ? `${expected}: put it in quotes` : `${expected}${described(schemas)}`;
}

/** The nearest description, of the schema or of one around it that is about the same value. */
function described(schemas: readonly JsonSchema[]): string {
  const text = schemas.map((schema) => schema["description"]).find((each) => typeof each === "string");
  return text === undefined ? "" : `: ${inSentence(text)}`;
}

/** Without its dot, and small in the beginning unless it begins with a name. */
function inSentence(text: string): string {
  return text.replace(/\.$/, "").replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase());
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema["properties"] ?? {}) as Record<string, JsonSchema>;
}

/**
 * The schema at a path such as `#/properties/map/anyOf/0`, and those around it up to its property.
 */
function schemasAt(schema: JsonSchema, path: string): JsonSchema[] {
  let around: JsonSchema[] = [schema];
  let at: unknown = schema;
  for (const step of path.split("/").slice(1)) {
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[step];
    if (step === "properties") around = [];
    else if (typeof at === "object" && at !== null && !Array.isArray(at))
      around = [at as JsonSchema, ...around];
  }
  return around;
}

function valueAt(root: unknown, pointer: string): unknown {
  let at = root;
  for (const step of pointer.split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  return at;
}
