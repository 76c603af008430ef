/**
 * What `q` means for events: a literal part of an event's own form, in any case. Every engine asks
 * this of each body, so that all give the same answer, byte for byte.
 */
import { Form } from "../lib/form.ts";
import { fold } from "./fold.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
/** RFC 8259, section 7. In JSON a backslash stands in strings only. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;
const SHORT: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const JSON_BEGINS = /^\s*["[{]/;

/**
 * Whether a body holds the text: as it was sent, or with the escapes of JSON's strings resolved, so
 * that `Müller` is found however the provider wrote it; what isn't JSON, as a form too, with its
 * names and values decoded. Bytes that are no UTF-8 are U+FFFD.
 */
export function bodySearch(q: string): (body: Uint8Array) => boolean {
  const wanted = fold(q);
  return (body) => {
    const sent = utf8.decode(body);
    if (fold(sent).includes(wanted)) return true;
    const decoded = JSON_BEGINS.test(sent) ? sent : formText(body);
    if (decoded !== sent && fold(decoded).includes(wanted)) return true;
    return decoded.includes("\\") && fold(withoutEscapes(decoded)).includes(wanted);
  };
}

function withoutEscapes(text: string): string {
  return text.replace(ESCAPE, (_, unit?: string, short = "") =>
    unit === undefined ? (SHORT[short] ?? short) : String.fromCharCode(Number.parseInt(unit, 16)),
  );
}

function formText(body: Uint8Array): string {
  const form = Form.parse(body);
  const pairs = Array.from({ length: form.size }, (_, index) => [form.name(index), form.value(index)]);
  return pairs.map(([name, value]) => `${utf8.decode(name)}=${utf8.decode(value)}`).join("&");
}
