/**
 * Places that are named by what a record is: routing keys, subjects and streams, such as
 * `postern.{source}.{kind}`.
 */
import type { About } from "./sink.ts";

const NAMES = ["source", "kind", "type", "from", "to"] as const satisfies readonly (keyof About)[];
const PART = `(?:[A-Za-z0-9_:@=~+/-]|\\{(?:${NAMES.join("|")})\\})+`;
/** Parts with dots between them. */
export const TEMPLATE_PATTERN = `^${PART}(?:\\.${PART})*$`;
/** The same in words. */
export const TEMPLATE_RULE =
  "A-Z, a-z, 0-9 and _:@=~+/-, with single dots between; {source}, {kind}, {type}, {from} and {to} are those of the record.";

/** Of a value; with all of them a place stays below what brokers take (255 bytes). */
const VALUE_CHARS_MAX = 40;
const PLACE_BYTES_MAX = 255;
const NAME = new RegExp(`\\{(${NAMES.join("|")})\\}`, "g");

/** The words behind its path; undefined for one that is short enough, whatever the record is. */
export function templateMistake(template: string): string | undefined {
  return template.replaceAll(NAME, "x".repeat(VALUE_CHARS_MAX)).length > PLACE_BYTES_MAX
    ? ` is too long: it may make names of more than ${PLACE_BYTES_MAX} bytes`
    : undefined;
}

/** The place of a record. What a value has besides letters, digits and `_:@=~+-` becomes `_`. */
export function placeOf(template: string, about: About): string {
  return template.replaceAll(NAME, (_, name: keyof About) => {
    const value = about[name] ?? "";
    // A name of many characters isn't looked at whole.
    const short = value.slice(0, VALUE_CHARS_MAX).replace(/[^A-Za-z0-9_:@=~+-]/g, "_");
    return short === "" ? "-" : short;
  });
}
