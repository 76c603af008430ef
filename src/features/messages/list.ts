/** `GET /messages`: stored messages by filters, in the order of their instants, page by page. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { DetailAnswer, fieldError, fieldErrors, InvalidAnswer } from "../../core/field-errors.ts";
import { INSTANT_PATTERN } from "../../core/instant.ts";
import type { MessageQuery, Page, Store } from "../../core/store.ts";
import { parseQueryString } from "../../lib/query-string.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 100;

const Number15 = { pattern: "^[0-9]{1,15}$" };

/** The parameters as text: what a query string holds. Ranges are checked after they are numbers. */
const Parameters = Type.Object({
  limit: Type.Optional(
    Type.String({
      ...Number15,
      description: `Rows on a page, 1 to ${LIMIT_MAX} (default ${LIMIT_DEFAULT}).`,
      examples: ["50"],
    }),
  ),
  offset: Type.Optional(
    Type.String({ ...Number15, description: "Rows to skip (default 0).", examples: ["0"] }),
  ),
  from: Type.Optional(
    Type.String({
      description: "Exact sender. An un-encoded `+` and bare digits are understood.",
      examples: ["+919876543210"],
    }),
  ),
  to: Type.Optional(
    Type.String({ description: "Exact recipient; read like `from`.", examples: ["+14155550100"] }),
  ),
  message_id: Type.Optional(Type.String({ description: "Exact identifier." })),
  since: Type.Optional(
    Type.String({
      pattern: INSTANT_PATTERN,
      format: "instant",
      description: "Instants from this one on (`ts >=`).",
    }),
  ),
  until: Type.Optional(
    Type.String({
      pattern: INSTANT_PATTERN,
      format: "instant",
      description: "Instants before this one (`ts <`).",
    }),
  ),
  q: Type.Optional(
    Type.String({
      description: "A part of the text: literal (`%` and `_` are no wildcards), upper and lower case alike.",
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description:
        'Continues where the page that gave it in `Link: …; rel="next"` ended. Best for walking everything.',
    }),
  ),
});
const validator = Compile(Parameters);

const Row = Type.Object({
  message_id: Type.String(),
  from: Type.String(),
  to: Type.String(),
  ts: Type.String(),
  text: Type.Union([Type.String(), Type.Null()]),
});
const PageAnswer = Type.Object({
  data: Type.Array(Row),
  total: Type.Integer({ description: "Every stored message that the filters match." }),
  limit: Type.Integer(),
  offset: Type.Integer(),
});

export function messagesRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/messages",
    access: "token",
    listener: "read",
    doc: {
      id: "listMessages",
      summary: "List and search messages",
      description:
        "Filters are combined with AND; an empty one is none. The order is by instant, then by `message_id` (bytes), " +
        "and `total` is exact, also right after a POST was answered. Unknown parameters are ignored; of a repeated " +
        "one the last counts.",
      parameters: Parameters,
      answers: {
        200: {
          description: "One page.",
          schema: PageAnswer,
          headers: { Link: 'The next page, `rel="next"` (RFC 8288), when there is one.' },
        },
        422: { description: "A parameter can't be read.", schema: InvalidAnswer },
        503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
      },
    },
    handle: (exchange) => list(store, exchange),
  };
}

async function list(store: Store, exchange: Exchange): Promise<Response> {
  const parameters = parseQueryString(exchange.query);
  if (!(parameters instanceof Map)) {
    const { parameter, raw, reason } = parameters as Exclude<typeof parameters, ReadonlyMap<string, string>>;
    return json(422, {
      detail: [fieldError("query", parameter, "query_invalid", `Query string: ${reason}`, raw)],
    });
  }
  const read = readQuery(parameters);
  if ("errors" in read) return json(422, { detail: read.errors });
  const page = await store.list(read.query);
  const body = { data: page.data, total: page.total, limit: read.query.limit, offset: read.query.offset };
  const next = nextLink(parameters, read.query.limit, page);
  return json(200, body, next === undefined ? {} : { Link: next });
}

type Read = { readonly query: MessageQuery } | { readonly errors: readonly unknown[] };

function readQuery(parameters: ReadonlyMap<string, string>): Read {
  const given = Object.fromEntries(
    [...parameters].filter(
      ([name, value]) =>
        Object.hasOwn(Parameters.properties, name) && (value !== "" || name === "limit" || name === "offset"),
    ),
  );
  const errors = validator.Check(given) ? [] : fieldErrors(validator, given, "query");
  const bad = new Set(errors.map((error) => error.loc[1]));
  const limit = Number(given["limit"] ?? LIMIT_DEFAULT);
  if (!bad.has("limit") && (limit < 1 || limit > LIMIT_MAX)) {
    errors.push(
      fieldError("query", "limit", "out_of_range", `Input should be from 1 to ${LIMIT_MAX}`, given["limit"]),
    );
  }
  const cursor = given["cursor"] === undefined ? undefined : decodeCursor(given["cursor"]);
  if (given["cursor"] !== undefined && cursor === undefined) {
    errors.push(
      fieldError(
        "query",
        "cursor",
        "cursor_invalid",
        "Cursor should be one that Postern gave",
        given["cursor"],
      ),
    );
  }
  if (errors.length > 0) return { errors };
  return {
    query: {
      limit,
      offset: Number(given["offset"] ?? 0),
      ...(given["from"] !== undefined && { from: number(given["from"]) }),
      ...(given["to"] !== undefined && { to: number(given["to"]) }),
      ...(given["message_id"] !== undefined && { messageId: given["message_id"] }),
      ...(given["since"] !== undefined && { since: given["since"] }),
      ...(given["until"] !== undefined && { until: given["until"] }),
      ...(given["q"] !== undefined && { q: given["q"] }),
      ...(cursor !== undefined && { after: cursor }),
    },
  };
}

/** A query string turns `+` into a space: a leading space, or none before bare digits, means `+`. */
function number(value: string): string {
  return /^ ?[0-9]+$/.test(value) ? `+${value.trimStart()}` : value;
}

/** The next page by cursor, with the caller's own filters; relative, so that it holds behind any proxy. */
function nextLink(parameters: ReadonlyMap<string, string>, limit: number, page: Page): string | undefined {
  if (page.next === undefined) return undefined;
  const search = new URLSearchParams();
  for (const [name, value] of parameters) {
    if (
      Object.hasOwn(Parameters.properties, name) &&
      name !== "offset" &&
      name !== "cursor" &&
      name !== "limit" &&
      value !== ""
    ) {
      search.set(name, value);
    }
  }
  search.set("limit", String(limit));
  search.set("cursor", encodeCursor(page.next));
  return `</messages?${search}>; rel="next"`;
}
