/** `GET /messages`: stored messages by filters, in the order of their instants, page by page. */
import { Type } from "typebox";
import { decodeMessageCursor, encodeMessageCursor } from "../../core/cursor.ts";
import {
  addressOf,
  type FilterParameter,
  filterSchemas,
  ORDER_PARAMETERS,
  orderedPageReader,
  PAGE_PARAMETERS,
  pageAnswer,
  pageAnswers,
  readFilters,
  SourceParameter,
  SPAN_FILTERS,
} from "../../core/page-parameters.ts";
import type { ByFilter, MessageFilters, Store } from "../../core/store.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";

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
    read: addressOf,
  },
  to: {
    name: "to",
    schema: Type.Optional(
      Type.String({ description: "Exact recipient; read like `from`.", examples: ["+14155550100"] }),
    ),
    read: addressOf,
  },
  messageId: {
    name: "message_id",
    schema: Type.Optional(Type.String({ description: "Exact identifier.", examples: ["m1"] })),
  },
  source: { name: "source", schema: SourceParameter },
  type: {
    name: "type",
    schema: Type.Optional(
      Type.String({
        description:
          "The provider's word for what a message is: `text`, `image`, …; messages of `POST /webhook` have none.",
        examples: ["image"],
      }),
    ),
  },
  ...SPAN_FILTERS,
  q: {
    name: "q",
    schema: Type.Optional(
      Type.String({
        description:
          "A part of the text: literal (`%` and `_` are no wildcards), upper and lower case alike.",
        examples: ["hello"],
      }),
    ),
  },
};

const Parameters = Type.Object({
  ...PAGE_PARAMETERS,
  ...filterSchemas(FILTERS),
  ...ORDER_PARAMETERS,
});
const readParameters = orderedPageReader(Parameters, decodeMessageCursor);

const Row = Type.Object(
  {
    message_id: Type.String(),
    from: Type.String(),
    to: Type.String(),
    ts: Type.String(),
    text: Type.Union([Type.String(), Type.Null()]),
  },
  {
    $id: "Message",
    examples: [
      {
        message_id: "m1",
        from: "+919876543210",
        to: "+14155550100",
        ts: "2025-01-15T10:00:00Z",
        text: "Hello",
      },
    ],
  },
);

export function messagesRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/messages",
    access: "token",
    listener: "read",
    doc: {
      id: "listMessages",
      tag: "Read",
      summary: "List and search messages",
      description:
        "Filters are combined with AND; an empty one is none. The order is by instant, then by `message_id` (bytes), " +
        "and `total` is exact, also right after a POST was answered; where a standby answers reads (`DATABASE_READ_URL`), as of " +
        "the moment that it has come to. Unknown parameters are ignored; of a repeated one the last counts.",
      parameters: Parameters,
      exampleQuery: { from: "+919876543210", limit: 10 },
      answers: pageAnswers("MessagePage", Row, "Every stored message that the filters match."),
    },
    handle: (exchange) => list(store, exchange),
  };
}

async function list(store: Store, { query }: Exchange): Promise<Response> {
  const parameters = readParameters(query);
  if ("errors" in parameters) return json(422, { detail: parameters.errors });
  const { given, page } = parameters;
  const found = await store.list({ ...page, ...readFilters(given, FILTERS) });
  return pageAnswer(parameters, found, encodeMessageCursor);
}
