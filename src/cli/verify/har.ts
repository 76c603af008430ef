/** POSTs in an HTTP archive (HAR 1.2), as browsers, proxies and tunnels export what they saw. */
import { UsageError } from "../errors.ts";
import { type CapturedRequest, isHeader } from "./captured-request.ts";

interface HarRequest {
  readonly url: string;
  readonly request: CapturedRequest;
  /** What may be other bytes than were sent. */
  readonly notes: readonly string[];
}

type Member = Readonly<Record<string, unknown>>;

/**
 * Of a whole archive, of a list of its entries, or of one entry; undefined when it is no JSON
 * object or array. Throws `UsageError` when no request is in it.
 */
export function harRequests(file: Uint8Array): readonly HarRequest[] | undefined {
  const text = new TextDecoder().decode(file);
  if (!/^\s*[[{]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { log, request } = value as { log?: unknown; request?: unknown };
  const entries = Array.isArray(value) ? value : request === undefined ? membersOf(log)["entries"] : [value];
  const requests = listOf(entries)
    .map((entry) => entry["request"])
    .filter((each) => typeof each === "object" && each !== null)
    .map(membersOf);
  if (requests.length === 0)
    throw new UsageError("the JSON holds no request: it takes a HAR file, or raw HTTP with its headers");
  return requests.filter(({ method }) => method === "POST").map(readRequest);
}

function readRequest({ url: given, headers: listed, postData }: Member): HarRequest {
  const url = String(given);
  const { body, notes } = bodyOf(membersOf(postData));
  const { pathname, search } = new URL(URL.canParse(url) ? url : "/", "http://localhost");
  return {
    url,
    notes,
    request: { method: "POST", target: pathname + search, headers: headersIn(listed), body },
  };
}

/** Without those that HTTP/2 has in place of a request line, such as `:path`. */
function headersIn(listed: unknown): (readonly [string, string])[] {
  return listOf(listed).flatMap(({ name, value }) => {
    if (String(name).startsWith(":")) return [];
    if (typeof name !== "string" || typeof value !== "string" || !isHeader(name, value))
      throw new UsageError("the HAR entry has a header that no request can have");
    return [[name, value] as const];
  });
}

function bodyOf({ text, encoding, params }: Member): { body: Uint8Array; notes: string[] } {
  if (typeof text === "string" && encoding === "base64")
    return { body: Buffer.from(text, "base64"), notes: [] };
  if (typeof text === "string") {
    const isLossy = text.includes("\ufffd");
    return {
      body: Buffer.from(text),
      notes: isLossy ? ["the HAR lost bytes of the body that are no UTF-8"] : [],
    };
  }
  const given = listOf(params);
  if (given.length === 0) return { body: Buffer.alloc(0), notes: [] };
  const fields = given.map(({ name, value = "" }): [string, string] => [String(name), String(value)]);
  return {
    body: Buffer.from(new URLSearchParams(fields).toString()),
    notes: ["the HAR holds fields of a form and no body: it was put together from them"],
  };
}

function listOf(value: unknown): readonly Member[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

function membersOf(value: unknown): Member {
  return typeof value === "object" && value !== null ? (value as Member) : {};
}
