/** `GET /messages`: stored messages by filters, in the order of their instants, page by page. */
import { Type } from "typebox";
import { DetailAnswer, fieldError, InvalidAnswer } from "../../core/field-errors.ts";
import {
  type FilterParameter,
  filterSchemas,
  InstantParameter,
  PAGE_PARAMETERS,
  type PageParameters,
  pageReader,
  readFilters,
  SourceParameter,
} from "../../core/page-parameters.ts";
import type { ByFilter, MessageFilters, MessageQuery, Page, SortKey, Store } from "../../core/store.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";

const FILTERS: ByFilter<MessageFilters, FilterParameter> = {
  from: {
    name: "from",
    schema: Type.Optional(
      Type.String({
        description:
          "Exact sender: a number, or `channel:id`. An un-encoded `+` and bare digits are understood.",
        examples: ["+919876543210"],
      }),
    ),
    read: number,
  },
  to: {
    name: "to",
    schema: Type.Optional(
      Type.String({ description: "Exact recipient; read like `from`.", examples: ["+14155550100"] }),
    ),
    read: number,
  },
  messageId: {
    name: "message_id",
    schema: Type.Optional(Type.String({ description: "Exact identifier." })),
  },
  source: { name: "source", schema: SourceParameter },
  since: { name: "since", schema: InstantParameter("Instants from this one on (`ts >=`).") },
  until: { name: "until", schema: InstantParameter("Instants before this one (`ts <`).") },
  q: {
    name: "q",
    schema: Type.Optional(
      Type.String({
        description:
          "A part of the text: literal (`%` and `_` are no wildcards), upper and lower case alike.",
      }),
    ),
  },
};

const Parameters = Type.Object({
  ...PAGE_PARAMETERS,
  ...filterSchemas(FILTERS),
  cursor: Type.Optional(
    Type.String({
      description:
        'Continues where the page that gave it in `Link: …; rel="next"` ended. Best for walking everything.',
    }),
  ),
});
const readParameters = pageReader(Parameters);

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
        "and `total` is exact, also right after a POST was answered; where a standby answers reads (`DATABASE_READ_URL`), as of " +
        "the moment that it has come to. Unknown parameters are ignored; of a repeated one the last counts.",
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
  const parameters = readParameters(exchange.query);
  const { given, limit, offset } = parameters;
  const cursor = given["cursor"] === undefined ? undefined : decodeCursor(given["cursor"]);
  const errors =
    given["cursor"] !== undefined && cursor === undefined
      ? [...parameters.errors, cursorError(given["cursor"])]
      : parameters.errors;
  if (errors.length > 0) return json(422, { detail: errors });
  const page = await store.list(messageQuery(parameters, cursor));
  const next = nextLink(parameters, page);
  const body = { data: page.data, total: page.total, limit, offset };
  return json(200, body, next === undefined ? {} : { Link: next });
}

function cursorError(given: string) {
  return fieldError("query", "cursor", "cursor_invalid", "Cursor should be one that Postern gave", given);
}

function messageQuery({ given, limit, offset }: PageParameters, after: SortKey | undefined): MessageQuery {
  return { limit, offset, ...readFilters(given, FILTERS), ...(after !== undefined && { after }) };
}

/** A query string turns `+` into a space: a leading space, or none before bare digits, means `+`. */
function number(value: string): string {
  return /^ ?[0-9]+$/.test(value) ? `+${value.trimStart()}` : value;
}

/** The next page by cursor, with the caller's own filters; relative, so that it holds behind any proxy. */
function nextLink({ given, limit }: PageParameters, { next }: Page): string | undefined {
  if (next === undefined) return undefined;
  const { limit: _limit, offset: _offset, cursor: _cursor, ...filters } = given;
  const search = new URLSearchParams({ ...filters, limit: String(limit), cursor: encodeCursor(next) });
  return `</messages?${search}>; rel="next"`;
}
