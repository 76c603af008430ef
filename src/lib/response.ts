/** Answers as JSON, in the shapes that every route shares. */

const JSON_TYPE = "application/json";

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return jsonText(status, JSON.stringify(body), headers);
}

/** For a body that is JSON text already. */
export function jsonText(
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, { status, headers: { "Content-Type": JSON_TYPE, ...headers } });
}

/** The one shape of an answer that is no success. */
export function detail(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return json(status, { detail: text }, headers);
}
