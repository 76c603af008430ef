/**
 * `GET /events`: what sources sent besides messages, by filters, in the order of instants, page by
 * page.
 */
import { Type } from "typebox";
import { decodeEventCursor, encodeEventCursor } from "../../core/cursor.ts";
import { EventRow, eventRow } from "../../core/event-row.ts";
import {
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
import { EVENT_KINDS } from "../../core/parsed-body.ts";
import type { ByFilter, EventFilters, Store } from "../../core/store.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";

const FILTERS: ByFilter<EventFilters, FilterParameter> = {
  source: { name: "source", schema: SourceParameter },
  kind: {
    name: "kind",
    schema: Type.Optional(
      Type.Enum([...EVENT_KINDS], {
        type: "string",
        description: "What happened.",
        examples: ["status"],
      }),
    ),
  },
  type: {
    name: "type",
    schema: Type.Optional(
      Type.String({
        description: "The provider's own name of what happened, exactly; what has none never matches.",
        examples: ["messages.status.delivered"],
      }),
    ),
  },
  messageId: {
    name: "message_id",
    schema: Type.Optional(
      Type.String({
        description: "Exact identifier of the message that it is about.",
        examples: ["wa:wamid.A1"],
      }),
    ),
  },
  ...SPAN_FILTERS,
  q: {
    name: "q",
    schema: Type.Optional(
      Type.String({
        description:
          "A part of the event's own form: literal (`%` and `_` are no wildcards), upper and lower case alike. It is looked " +
          "for in the body as it was sent and with its escapes resolved: `Müller` is found where the body has " +
          "`M\\u00fcller`, or, as a form, `M%C3%BCller`. Every body that the other filters let through is looked into.",
        examples: ['"status":"failed"'],
      }),
    ),
  },
};

const Parameters = Type.Object({ ...PAGE_PARAMETERS, ...filterSchemas(FILTERS), ...ORDER_PARAMETERS });
const readParameters = orderedPageReader(Parameters, decodeEventCursor);

export function eventsRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/events",
    access: "token",
    listener: "read",
    doc: {
      id: "listEvents",
      tag: "Read",
      summary: "List events",
      description:
        "Whatever a configured source sent that is no message: delivery statuses, reactions, edits, deletions, echoes, " +
        "and what isn't understood. Filters are combined with AND; an empty one is none. The order is by instant, then " +
        "by `seq`. Unknown parameters are ignored; of a repeated one the last counts.",
      parameters: Parameters,
      exampleQuery: { kind: "status", limit: 10 },
      answers: pageAnswers("EventPage", EventRow, "Every stored event that the filters match."),
    },
    handle: (exchange) => list(store, exchange),
  };
}

async function list(store: Store, { query }: Exchange): Promise<Response> {
  const parameters = readParameters(query);
  if ("errors" in parameters) return json(422, { detail: parameters.errors });
  const { given, page } = parameters;
  const found = await store.events({ ...page, ...readFilters(given, FILTERS) });
  return pageAnswer(parameters, { ...found, data: found.data.map(eventRow) }, encodeEventCursor);
}
