/**
 * A signed URL as a log may hold it: what can be wrong with it stays, and what may be secret in it
 * doesn't.
 */

const URL_CHARS_MAX = 256;
/** In place of what is left out. */
const LEFT_OUT = "…";

/**
 * Without the query's values, and without the user and password before the host; names of
 * parameters stay.
 */
export function loggedUrl(url: string): string {
  const queryAt = url.indexOf("?");
  const head = (queryAt < 0 ? url : url.slice(0, queryAt)).replace(/\/\/[^/]*@/, `//${LEFT_OUT}@`);
  return queryAt < 0 ? cut(head) : cut(`${head}?${withoutValues(url.slice(queryAt + 1))}`);
}

/** A part without `=` may be a token as well as a name. */
function withoutValues(query: string): string {
  return query
    .slice(0, URL_CHARS_MAX * 4)
    .split("&")
    .map((part) => (part.includes("=") ? part.slice(0, part.indexOf("=") + 1) : part === "" ? "" : LEFT_OUT))
    .join("&");
}

function cut(text: string): string {
  return text.length <= URL_CHARS_MAX ? text : `${text.slice(0, URL_CHARS_MAX)}${LEFT_OUT}`;
}
