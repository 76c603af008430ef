/** What tools do to a body on its way: line ends, a JSON parser and writer, a cut. */
import type { SignedRequest } from "../../core/source.ts";
import type { Change } from "./change.ts";
import { unchunked } from "./request-file.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Each other form of the body once. */
export function bodyChanges({ headers, body }: SignedRequest): readonly Change[] {
  const text = textOf(body);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  const forms: readonly (readonly [hint: string, form: string | Uint8Array | undefined])[] = [
    ["without the body's last newline: something added it", text?.replace(/\r?\n$/, "")],
    ["with a newline after the body: something cut it off", text === undefined ? text : `${text}\n`],
    ["with CR LF after the body: something cut it off", text === undefined ? text : `${text}\r\n`],
    [
      `for the first ${length} bytes of the body, which is what Content-Length says`,
      length < body.length ? body.subarray(0, length) : undefined,
    ],
    ["for the body put together from its chunks", unchunked(body)],
    ["without the byte order mark before the body", text?.replace(/^\ufeff/, "")],
    ["with LF for the body's CR LF", text?.replaceAll("\r\n", "\n")],
    ["with CR LF for the body's LF", text?.replace(/\r?\n/g, "\r\n")],
    ...jsonForms(text).map(
      ([how, form]) => [`for the JSON written ${how}: something re-serialised the body`, form] as const,
    ),
  ];
  const seen = new Set([Buffer.from(body).toString("latin1")]);
  return forms.flatMap(([hint, form]) => {
    if (form === undefined) return [];
    const changed = Buffer.from(form as string);
    const key = changed.toString("latin1");
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ hint: `the signature holds ${hint}`, to: { body: changed } }];
  });
}

/** As the usual writers of JSON write it. */
function jsonForms(text: string | undefined): readonly (readonly [how: string, form: string])[] {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return [];
  }
  const compact = JSON.stringify(value);
  const spaced = spacedOut(compact);
  return [
    ["without spaces", compact],
    ["without spaces, with characters beyond ASCII escaped", escaped(compact)],
    ["without spaces, with slashes escaped", slashed(compact)],
    ["without spaces, with slashes and characters beyond ASCII escaped", slashed(escaped(compact))],
    ["with spaces after commas and colons", spaced],
    ["with spaces after commas and colons, with characters beyond ASCII escaped", escaped(spaced)],
    ["indented by 2", JSON.stringify(value, null, 2)],
    ["indented by 4", JSON.stringify(value, null, 4)],
  ];
}

const STRING_OR_SEPARATOR = /"(?:[^"\\]|\\.)*"|[,:]/g;

function spacedOut(json: string): string {
  return json.replace(STRING_OR_SEPARATOR, (found) => (found.length === 1 ? `${found} ` : found));
}

function escaped(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function slashed(json: string): string {
  return json.replaceAll("/", "\\/");
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}
