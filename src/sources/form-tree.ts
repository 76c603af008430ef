/** A form as a flat JSON object of texts, so that the same paths lead into both. */
import type { Span } from "../core/parsed-body.ts";
import { Form } from "../lib/form.ts";
import { type JsonTree, parseJsonTree } from "../lib/json-tree.ts";
import { boundedFields, boundedForm, FORM_TYPE } from "./kind.ts";

const AMPERSAND = 0x26;

/**
 * The form that a body is, and where each parameter stands in it; undefined when the type is
 * another one. Throws `BeyondBounds`.
 */
export function formOf(body: Uint8Array, contentType: string) {
  if (contentType.toLowerCase().startsWith(FORM_TYPE))
    return { form: boundedForm(body), spans: () => parametersIn(body) };
  const fields = boundedFields(body, contentType);
  if (fields === undefined) return undefined;
  const pairs = fields.map(({ name, value }) => [Buffer.from(name), value] as const);
  const bytes = pairs.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return { form: Form.of(pairs, bytes), spans: () => fields };
}

/**
 * The form spans the whole body, and what is in a parameter that parameter, name and value; of
 * equal names the last counts. Undefined when the type is another one; throws `BeyondBounds`.
 */
export function formTree(body: Uint8Array, contentType: string): JsonTree | undefined {
  const found = formOf(body, contentType);
  if (found === undefined) return undefined;
  const { form } = found;
  const starts: number[] = [];
  let written = 1;
  const fields = Array.from({ length: form.size }, (_, index) => {
    const field = [form.name(index), form.value(index)]
      .map((part) => JSON.stringify(part.toString()))
      .join(":");
    starts.push(written);
    written += Buffer.byteLength(field) + 1;
    return field;
  });
  const spans = found.spans();
  const whole = { start: 0, end: body.length };
  return parseJsonTree(
    Buffer.from(`{${fields.join()}}`),
    (at) => spans[starts.findLastIndex((start) => start <= at)] ?? whole,
  );
}

/** Where each parameter stands, as `Form.parse` tells them apart. */
function parametersIn(body: Uint8Array): readonly Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(AMPERSAND, start);
    const end = found < 0 ? body.length : found;
    if (end > start) spans.push({ start, end });
    start = end + 1;
  }
  return spans;
}
