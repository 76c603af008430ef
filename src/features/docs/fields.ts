/** The fields of a schema as lists within lists. */
import type { ApiSchema } from "./api-document.ts";
import { code, escapeHtml, prose } from "./html.ts";

/** What is told of a field: in a request that it must be there, in an answer that it may not be. */
type Side = "request" | "answer";

export function fieldList(schema: ApiSchema, side: Side, depth = 0): string {
  const items = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isRequired = schema.required?.includes(name) ?? false;
    const note = side === "request" ? (isRequired ? "required" : "") : isRequired ? "" : "optional";
    return field({ name, note, schema: property, nested: nestedFields(name, property, side, depth) });
  });
  return items.length === 0 ? "" : `<ul class="fields">${items.join("")}</ul>`;
}

interface Field {
  readonly name: string;
  readonly note: string;
  readonly schema: ApiSchema;
  /** Markup of what it holds. */
  readonly nested?: string;
}

export function field({ name, note, schema, nested = "" }: Field): string {
  const notes = note === "" ? "" : `<em>${escapeHtml(note)}</em>`;
  const text = [prose(schema.description ?? ""), limits(schema)].filter((part) => part !== "").join(" ");
  return `<li><code class="name">${escapeHtml(name)}</code> <span class="type">${typeName(schema)}</span> ${notes}${
    text === "" ? "" : `<p>${text}</p>`
  }${nested}</li>`;
}

export function schemaLink(name: string): string {
  return `<a href="#schema-${name}">${escapeHtml(name)}</a>`;
}

/** What an object in it holds, wherever it is: by itself, in a list, or as one of several types. */
function nestedFields(name: string, schema: ApiSchema, side: Side, depth: number): string {
  const holder = [schema, schema.items, ...(schema.anyOf ?? [])].find(
    (each) => each?.properties !== undefined,
  );
  if (holder === undefined) return "";
  return `<details${depth === 0 ? " open" : ""}><summary>Fields of ${
    holder.title === undefined ? code(name) : escapeHtml(holder.title)
  }</summary>${fieldList(holder, side, depth + 1)}</details>`;
}

function typeName(schema: ApiSchema): string {
  if (schema.title !== undefined) return schemaLink(schema.title);
  if (schema.items !== undefined) return `array of ${typeName(schema.items)}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(" or ");
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return values === undefined ? (schema.type ?? "anything") : values.map(code).join(" or ");
}

function limits(schema: ApiSchema): string {
  const given = [schema, ...(schema.anyOf ?? [])];
  const said = (say: (option: ApiSchema) => string | undefined | false) =>
    given.flatMap((option) => say(option) || []);
  const all = [
    ...said(
      ({ minLength = 0 }) =>
        minLength > 0 && (minLength > 1 ? `at least ${minLength} characters` : "not empty"),
    ),
    ...said(({ maxLength }) => maxLength !== undefined && `at most ${maxLength} characters`),
    ...said(({ minimum }) => minimum !== undefined && `at least ${minimum}`),
    ...said(({ maximum }) => maximum !== undefined && `at most ${maximum}`),
    // What the format of an instant is its example says better than its pattern.
    ...said(
      ({ pattern, format }) => pattern !== undefined && format !== "instant" && `matches ${code(pattern)}`,
    ),
    ...said(({ default: otherwise }) => otherwise !== undefined && `default ${code(otherwise)}`),
    ...said(({ examples }) => isScalar(examples?.[0]) && `such as ${code(examples?.[0])}`),
  ];
  return all.length === 0 ? "" : `<span class="limits">${all.join("; ")}</span>`;
}

/** What is larger is shown where the whole is. */
function isScalar(value: unknown): boolean {
  return (typeof value === "string" && value.length <= 80) || typeof value === "number";
}
