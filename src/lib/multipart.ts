/**
 * Fields of multipart/form-data (RFC 7578) as bytes; files are left out. In linear time, whatever
 * a stranger sends.
 */

export interface MultipartField {
  readonly name: string;
  readonly value: Uint8Array;
  /** Where the part stands, its headers included. */
  readonly start: number;
  readonly end: number;
}

/** RFC 2046, section 5.1.1. */
const BOUNDARY =
  /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))\s*(?:;|$)/is;
/** Of one part: names are short. */
const HEADERS_BYTES_MAX = 8 * 1024;
const DISPOSITION = /^content-disposition:[ \t]*form-data[ \t]*((?:;.*)?)$/im;
const PARAMETER = /;[ \t]*([^=;\s]+)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|([^;"]*))[ \t]*/gy;
const [CR, LF, DASH, SPACE, TAB] = [0x0d, 0x0a, 0x2d, 0x20, 0x09];

/** What stands between the parts, as the content's type says; undefined for another type. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  return quoted ?? plain;
}

/** Undefined for a body that isn't whole; `partsMax` counts files too. */
export function multipartFields(
  body: Uint8Array,
  boundary: string,
  partsMax: number,
): readonly MultipartField[] | "too many" | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const fields: MultipartField[] = [];
  /** What only begins like it is content. */
  const delimiterFrom = (from: number) => {
    let at = bytes.indexOf(delimiter, from);
    while (at !== -1 && !isDelimiter(bytes, at + delimiter.length))
      at = bytes.indexOf(delimiter, at + delimiter.length);
    return at;
  };
  // The first one may stand at the start, without a line before it.
  const isAtStart =
    bytes.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) &&
    isDelimiter(bytes, delimiter.length - 2);
  let mark = isAtStart ? -2 : delimiterFrom(0);
  for (let parts = 0; mark !== -1; parts++) {
    const start = mark + delimiter.length;
    if (bytes[start] === DASH && bytes[start + 1] === DASH) return fields;
    if (parts === partsMax) return "too many";
    const headersAt = lineEnd(bytes, start);
    mark = delimiterFrom(start);
    if (headersAt === undefined || mark === -1) return undefined;
    const field = fieldIn(bytes, headersAt, mark);
    if (field !== undefined) fields.push(field);
  }
  return undefined;
}

/** Behind the white space and the end of a line that stand there; undefined for anything else. */
function lineEnd(bytes: Buffer, at: number): number | undefined {
  let end = at;
  while (bytes[end] === SPACE || bytes[end] === TAB) end++;
  return bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : undefined;
}

function isDelimiter(bytes: Buffer, end: number): boolean {
  return (bytes[end] === DASH && bytes[end + 1] === DASH) || lineEnd(bytes, end) !== undefined;
}

/** Undefined for a file, and for a part without a name. */
function fieldIn(bytes: Buffer, start: number, end: number): MultipartField | undefined {
  const head = bytes.subarray(start, Math.min(end, start + HEADERS_BYTES_MAX));
  // A part may have no headers: then what follows is its content.
  const length = head[0] === CR ? -1 : head.indexOf("\r\n\r\n");
  const disposition = length === -1 ? undefined : DISPOSITION.exec(head.toString("utf8", 0, length))?.[1];
  if (disposition === undefined) return undefined;
  let name: string | undefined;
  for (const [, key = "", quoted, plain] of disposition.matchAll(PARAMETER)) {
    if (/^filename\*?$/i.test(key)) return undefined;
    if (key.toLowerCase() === "name") name ??= quoted?.replace(/\\(.)/g, "$1") ?? plain?.trim();
  }
  return name === undefined
    ? undefined
    : { name, value: bytes.subarray(start + length + 4, end), start, end };
}
