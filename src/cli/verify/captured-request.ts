/**
 * HTTP requests as files (request line, headers, a blank line, and the body, whose bytes are taken
 * as they are), and what of them the service would have had.
 */
import { FIELD_NAME } from "../../lib/header-field.ts";
import { UsageError } from "../errors.ts";

export interface CapturedRequest {
  readonly method: string;
  /** Path and query as the request line has them. */
  readonly target: string;
  /** In their order; a name may come again. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

const LINE_FEED = 10;
/** A method is a token too. */
const REQUEST_LINE = new RegExp(`^(${FIELD_NAME}) (\\S+)(?: HTTP/[0-9](?:\\.[0-9])?)?$`);
const NAME = new RegExp(`^${FIELD_NAME}$`);
const HEADER = new RegExp(`^(${FIELD_NAME}):[ \\t]*(.*)$`);
const ORIGIN = /^https?:\/\/[^/?#]*/i;
/** What no field value may hold (RFC 9110, section 5.5); a tab may. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that are meant
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Lines of the head may end with LF or CRLF. Throws `UsageError` for what is no request. */
export function parseRequest(file: Uint8Array): CapturedRequest {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const headers: (readonly [string, string])[] = [];
  let requestLine: RegExpExecArray | undefined;
  let at = 0;
  for (let number = 1; at < bytes.length; number++) {
    const feed = bytes.indexOf(LINE_FEED, at);
    const end = feed < 0 ? bytes.length : feed;
    const line = bytes.toString("latin1", at, end).replace(/\r$/, "");
    at = end + 1;
    if (requestLine === undefined) {
      // RFC 9112, section 2.2: an empty line before the request is none.
      if (line === "") continue;
      requestLine = REQUEST_LINE.exec(line) ?? undefined;
      if (requestLine === undefined)
        throw new UsageError(`line ${number} is no request line such as POST /webhook/name HTTP/1.1`);
      continue;
    }
    if (line === "") break;
    const [, name, value = ""] = HEADER.exec(line) ?? [];
    if (name === undefined || CONTROL.test(value))
      throw new UsageError(`line ${number} is no header such as Content-Type: application/json`);
    headers.push([name, withoutSpaceAtEnd(value)]);
  }
  const [, method = "", target = ""] = requestLine ?? [];
  if (method === "") throw new UsageError("there is no request in it");
  return {
    method,
    target: target.replace(ORIGIN, "") || "/",
    headers,
    body: bytes.subarray(Math.min(at, bytes.length)),
  };
}

/** Whether a request can have had it: its value is Latin-1, as bytes are read. */
export function isHeader(name: string, value: string): boolean {
  return NAME.test(name) && !CONTROL.test(value) && !/[^\0-\xff]/.test(value);
}

/** By steps: a regular expression would try each space of a long run of them. */
function withoutSpaceAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(0, end);
}

/** The file that is parsed to this request. */
export function composeRequest({ method, target, headers, body }: CapturedRequest): Uint8Array {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

/** As `fetch` has them: the values of equal names in one. */
export function headersOf({ headers }: CapturedRequest): Headers {
  const all = new Headers();
  for (const [name, value] of headers) all.append(name, value);
  return all;
}

/** The body as the service would have it, and what doesn't fit with what the headers say of it. */
export function receivedBody({ method, headers, body }: CapturedRequest): {
  body: Uint8Array;
  notes: string[];
} {
  if (method === "GET") return { body: new Uint8Array(), notes: [] };
  const valueIn = (header: string) => headers.find(([name]) => name.toLowerCase() === header)?.[1];
  const whole = /chunked$/i.test(valueIn("transfer-encoding") ?? "") ? unchunked(body) : undefined;
  if (whole !== undefined) return { body: whole, notes: ["the body was put together from its chunks"] };
  const length = valueIn("content-length");
  const fits = length === undefined || length === String(body.length);
  return { body, notes: fits ? [] : [`Content-Length is ${length}, and the body has ${body.length} bytes`] };
}

const CHUNK = /^([0-9a-fA-F]{1,8})(?:[ \t]*;[^\r\n]*)?\r?\n/;
const CHUNK_HEAD_BYTES_MAX = 1024;

/**
 * What was sent in chunks (RFC 9112, section 7.1), put together; undefined when the bytes aren't
 * exactly that.
 */
export function unchunked(body: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [head, digits = ""] = CHUNK.exec(bytes.toString("latin1", at, at + CHUNK_HEAD_BYTES_MAX)) ?? [];
    if (head === undefined) return undefined;
    const start = at + head.length;
    const end = start + Number.parseInt(digits, 16);
    if (end === start)
      return /^\r?\n$/.test(bytes.toString("latin1", start)) ? Buffer.concat(chunks) : undefined;
    if (end > bytes.length) return undefined;
    chunks.push(bytes.subarray(start, end));
    const [lineEnd] = /^\r?\n/.exec(bytes.toString("latin1", end, end + 2)) ?? [];
    if (lineEnd === undefined) return undefined;
    at = end + lineEnd.length;
  }
  return undefined;
}
