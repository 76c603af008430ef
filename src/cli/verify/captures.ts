/** The one request of a file that is meant: raw HTTP, curl's output, or an HTTP archive. */
import { visibleText } from "../../lib/visible-text.ts";
import { UsageError } from "../errors.ts";
import { type CapturedRequest, parseRequest } from "./captured-request.ts";
import { curlRequests } from "./curl-output.ts";
import { harRequests } from "./har.ts";

interface Captured {
  readonly request: CapturedRequest;
  readonly notes: readonly string[];
}

interface Candidate extends Captured {
  /** Where it went, without its query. */
  readonly address: string;
  readonly lacksBody: boolean;
}

interface Wanted {
  /** The path of the source; one request alone that went there needs no `entry`. */
  readonly path: string;
  /** Its number among the file's, from 1 on, or a part of its address. */
  readonly entry: string | undefined;
  /** The body, where the capture has none. */
  readonly body: Uint8Array | undefined;
}

const LISTED_MAX = 10;
const ADDRESS_CHARS_MAX = 200;
/** Editors put it before what they save. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Throws `UsageError` when there is none, or when it isn't clear which is meant. */
export function captureIn(file: Uint8Array, { path, entry, body }: Wanted): Captured {
  const candidates = candidatesIn(file);
  const { request, notes, lacksBody } = chosen(candidates, path, entry);
  const found =
    candidates.length > 1 ? [`one of ${candidates.length} requests of the file`, ...notes] : notes;
  if (body !== undefined) {
    if (request.body.length > 0) throw new UsageError("the capture has a body of its own: leave --body out");
    return { request: { ...request, body }, notes: found };
  }
  if (lacksBody && announcesBody(request))
    throw new UsageError(
      "curl -v doesn't show the body: give what was sent by --body FILE, or capture it with curl --trace FILE",
    );
  return { request, notes: found };
}

function candidatesIn(given: Uint8Array): readonly Candidate[] {
  const file = BYTE_ORDER_MARK.every((byte, at) => given[at] === byte) ? given.subarray(3) : given;
  const archived = harRequests(file);
  if (archived !== undefined) {
    if (archived.length === 0) throw new UsageError("there is no POST in the HAR file");
    return archived.map((each) => ({ ...each, address: withoutQuery(each.url), lacksBody: false }));
  }
  const told = curlRequests(file) ?? [{ bytes: file, isHead: false }];
  if (told.length === 0) throw new UsageError("there is no request in it but to a proxy");
  return told.map(({ bytes, isHead }) => {
    const request = parseRequest(bytes);
    return { request, notes: [], address: withoutQuery(request.target), lacksBody: isHead };
  });
}

function chosen(candidates: readonly Candidate[], path: string, entry: string | undefined): Candidate {
  const isNumber = /^[0-9]+$/.test(entry ?? "");
  const fitting = candidates.filter(({ address, request }, index) => {
    if (entry !== undefined) return isNumber ? String(index + 1) === entry : address.includes(entry);
    return candidates.length === 1 || withoutQuery(request.target) === path;
  });
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const listed = candidates
    .slice(0, LISTED_MAX)
    .map(({ address }, index) => `${index + 1} ${shortened(address)}`);
  const more = candidates.length > LISTED_MAX ? ["…"] : [];
  throw new UsageError(`which request? Say it by --entry: ${[...listed, ...more].join(", ")}`);
}

function shortened(address: string): string {
  const isLong = address.length > ADDRESS_CHARS_MAX;
  return visibleText(isLong ? `${address.slice(0, ADDRESS_CHARS_MAX)}…` : address);
}

function announcesBody({ headers }: CapturedRequest): boolean {
  return headers.some(
    ([name, value]) =>
      /^transfer-encoding$/i.test(name) || (/^content-length$/i.test(name) && Number(value) !== 0),
  );
}

/** Neither does it hold a name and password before the host. */
function withoutQuery(url: string): string {
  return (url.split("?")[0] ?? "").replace(/^(https?:\/\/)[^/#]*@/i, "$1");
}
