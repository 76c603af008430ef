/**
 * `GET /messages/{message_id}`: one message with all that is known of it, and what happened to it.
 */
import { Type } from "typebox";
import {
  BODY_MEMBERS,
  bodyMembers,
  EVENT_EXAMPLE,
  EventRow,
  eventRow,
  HEADERS_MEMBER,
} from "../../core/event-row.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import type { Store, StoredMessage } from "../../core/store.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";

const OrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const MessageAnswer = Type.Object(
  {
    message_id: Type.String(),
    from: Type.String(),
    to: Type.String(),
    ts: Type.String(),
    text: OrNull("The text, if it has one."),
    source: Type.String({ description: "The source's name; `native` for messages of `POST /webhook`." }),
    type: OrNull("The provider's word for what it is; null for native messages."),
    created_at: Type.String({ description: "When it was received." }),
    seq: Type.Integer({ format: "int64", description: "Its place in the order of receipt." }),
    ...HEADERS_MEMBER,
    ...BODY_MEMBERS,
    events: Type.Array(EventRow, { description: "The latest events about it, by instant, then by `seq`." }),
  },
  {
    $id: "StoredMessage",
    examples: [
      {
        ...{
          message_id: "wa:wamid.A1",
          from: "+14155550123",
          to: "+14155550100",
          ts: "2025-11-28T10:00:00Z",
          text: "Is the blue one left?",
          source: "wa",
          type: "text",
          created_at: "2025-11-28T10:00:00.731Z",
          seq: 1204,
          headers: { "content-type": "application/json", "user-agent": "facebookexternalua" },
          body: '{"id":"wamid.A1","from":"14155550123","timestamp":"1764324000","type":"text","text":{"body":"Is the blue one left?"}}',
        },
        events: [EVENT_EXAMPLE],
      },
    ],
  },
);

export function messageRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/messages/{message_id}",
    access: "token",
    listener: "read",
    doc: {
      id: "getMessage",
      tag: "Read",
      summary: "One message and its events",
      description:
        "The identifier percent-encoded, a slash in it as `%2F`. (What a URL can't hold, such as the identifier `..`, " +
        "is found by `/messages?message_id=`.)",
      path: Type.Object({
        message_id: Type.String({ description: "Exact identifier.", examples: ["wa:wamid.A1"] }),
      }),
      answers: {
        200: { description: "The message.", schema: MessageAnswer },
        404: { description: "There is no such message.", schema: DetailAnswer },
        503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
      },
    },
    handle: (exchange) => show(store, exchange),
  };
}

async function show(store: Store, { parameter }: Exchange): Promise<Response> {
  const message = await store.message(parameter);
  return message === undefined ? detail(404, "Not Found") : json(200, answerOf(message));
}

function answerOf({ body, events, ...message }: StoredMessage) {
  const { message_id, from, to, ts, text, source, type, created_at, seq, headers } = message;
  return {
    ...{ message_id, from, to, ts, text, source, type, created_at, seq, headers },
    ...bodyMembers(body),
    events: events.map(eventRow),
  };
}
