/** `GET /senders`: who wrote, by their last messages, page by page. */
import { Type } from "typebox";
import { decodeMessageCursor, encodeMessageCursor } from "../../core/cursor.ts";
import {
  ORDER_PARAMETERS,
  orderedPageReader,
  PAGE_PARAMETERS,
  pageAnswer,
  pageAnswers,
} from "../../core/page-parameters.ts";
import type { Store } from "../../core/store.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";

const Parameters = Type.Object({
  ...PAGE_PARAMETERS,
  q: Type.Optional(
    Type.String({
      description:
        "A part of the sender: literal, A to Z in either case. A leading space before digits, which an un-encoded `+` is, " +
        "means `+`. Every sender is looked at.",
      examples: ["+4915"],
    }),
  ),
  order: Type.Optional(
    Type.Enum(["asc", "desc"], {
      type: "string",
      description: "`desc`: whoever wrote last comes first; `asc` is the other way round.",
      default: "desc",
    }),
  ),
  cursor: ORDER_PARAMETERS.cursor,
});
const readParameters = orderedPageReader(Parameters, decodeMessageCursor);

const Row = Type.Object(
  {
    from: Type.String(),
    count: Type.Integer({ format: "int64", description: "All messages of the sender." }),
    last_message: Type.Object({
      message_id: Type.String(),
      to: Type.String(),
      ts: Type.String(),
      text: Type.Union([Type.String(), Type.Null()]),
      source: Type.String(),
      type: Type.Union([Type.String(), Type.Null()], {
        description: "The provider's word for what it is; null for messages of `POST /webhook`.",
      }),
    }),
  },
  {
    $id: "Sender",
    examples: [
      {
        from: "+14155550123",
        count: 12,
        last_message: {
          message_id: "wa:wamid.A1",
          to: "+14155550100",
          ts: "2025-11-28T10:00:00Z",
          text: "Is the blue one left?",
          source: "wa",
          type: "text",
        },
      },
    ],
  },
);

export function sendersRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/senders",
    access: "token",
    listener: "read",
    doc: {
      id: "listSenders",
      tag: "Read",
      summary: "List senders by their last messages",
      description:
        "Each sender stands where the last of its messages stands in `/messages`: by `ts`, then by `message_id` (bytes). " +
        "Exact, also right after a POST was answered; where a standby answers reads (`DATABASE_READ_URL`), as of the moment " +
        "that it has come to. Whoever writes while somebody walks the pages comes to the front.",
      parameters: Parameters,
      exampleQuery: { limit: 10 },
      answers: pageAnswers("SenderPage", Row, "All senders that match."),
    },
    handle: (exchange) => list(store, exchange),
  };
}

async function list(store: Store, { query }: Exchange): Promise<Response> {
  const parameters = readParameters(query);
  if ("errors" in parameters) return json(422, { detail: parameters.errors });
  const { given, page } = parameters;
  const q = given["q"]?.replace(/^ (?=[0-9])/, "+");
  const found = await store.listSenders({ order: "desc", ...page, ...(q && { q }) });
  return pageAnswer(parameters, found, encodeMessageCursor);
}
