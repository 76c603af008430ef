/**
 * Characters that a reader of lines obeys instead of showing them, as escapes: line separators that
 * some take for the end of a line, controls that terminals act on (U+009B begins a sequence), and
 * marks that change the order of writing.
 */

/** DEL and C1, U+2028, U+2029, and the characters with the property Bidi_Control. */
const OBEYED = "\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069";
const IN_JSON = new RegExp(`[${OBEYED}]`);
const ALL_IN_JSON = new RegExp(`[${OBEYED}]`, "g");
const ALL = new RegExp(`[\\x00-\\x1f${OBEYED}]`, "g");

/** JSON that says the same; C0 is escaped within its strings already, and stays between them. */
export function visibleJson(json: string): string {
  return IN_JSON.test(json) ? json.replace(ALL_IN_JSON, escapeOf) : json;
}

/** A text on one line. */
export function visibleText(text: string): string {
  return text.replace(ALL, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
