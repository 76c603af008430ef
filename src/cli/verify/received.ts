/** A captured request as the service would have had it. */
import { type CapturedRequest, unchunked } from "./request-file.ts";

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
  const valueIn = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const parts = /chunked$/i.test(valueIn("transfer-encoding") ?? "") ? unchunked(body) : undefined;
  if (parts !== undefined) return { body: parts, notes: ["the body was put together from its chunks"] };
  const length = valueIn("content-length");
  const fits = length === undefined || length === String(body.length);
  return { body, notes: fits ? [] : [`Content-Length is ${length}, and the body has ${body.length} bytes`] };
}
