/** The JSON of a request to a route that changes something. */
import type { Compile } from "typebox/compile";
import { type FieldError, fieldError, fieldErrors } from "../core/field-errors.ts";
import type { Exchange } from "../lib/route.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** By its schema, or every mistake; no body at all is an empty object. */
export async function bodyOf<T>(
  exchange: Exchange,
  schema: ReturnType<typeof Compile>,
): Promise<{ readonly value: T } | { readonly errors: readonly FieldError[] }> {
  const bytes = await exchange.readBody();
  exchange.bodyVerified();
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(utf8.decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { errors: [fieldError("body", undefined, "json_invalid", `JSON: ${reason}`, null)] };
  }
  return schema.Check(value) ? { value: value as T } : { errors: fieldErrors(schema, value, "body") };
}
