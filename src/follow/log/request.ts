/** `GET /log/{seq}/request`: the provider's request that a record came in, and what it brought. */
import { Type } from "typebox";
import { BODY_MEMBERS, bodyMembers, HEADERS_MEMBER } from "../../core/event-row.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import { positionOf } from "../../core/position.ts";
import { shownRecord } from "../../core/record-text.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { LogRecord, RECORD_EXAMPLE } from "../followed-record.ts";
import type { Following } from "../following.ts";

const SEQ = /^[1-9]\d{0,15}$/;
/** A thousand messages may come in one request. */
const RECORDS_MAX = 100;

const RequestAnswer = Type.Object(
  {
    source: Type.String(),
    created_at: Type.String({ description: "When it was received." }),
    ...HEADERS_MEMBER,
    ...BODY_MEMBERS,
    records: Type.Array(LogRecord, {
      description: `What it brought that was new, in its order, ${RECORDS_MAX} at most.`,
    }),
    more: Type.Boolean({ description: "Whether it brought more." }),
  },
  {
    $id: "ProviderRequest",
    examples: [
      {
        source: "wa",
        created_at: "2025-11-28T10:00:00.731Z",
        headers: { "content-type": "application/json", "user-agent": "facebookexternalua" },
        body: '{"object":"whatsapp_business_account","entry":[]}',
        records: [RECORD_EXAMPLE],
        more: false,
      },
    ],
  },
);

export function requestRoute(following: Following): Route {
  return {
    method: "GET",
    path: "/log/{seq}/request",
    access: "token",
    listener: "read",
    doc: {
      id: "readRequest",
      tag: "Read",
      summary: "The request that a record came in",
      description:
        "The provider's request byte for byte, with the headers that its source keeps, and all new messages and events " +
        "that it brought. `seq` is a message's or an event's place in the order of receipt.",
      path: Type.Object({ seq: Type.String({ description: "Of the record.", examples: ["1204"] }) }),
      answers: {
        200: { description: "The request.", schema: RequestAnswer },
        404: {
          description: "There is no such record, or it came in no provider's request, as native messages do.",
          schema: DetailAnswer,
        },
        503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
      },
    },
    handle: (exchange) => show(following, exchange),
  };
}

async function show({ store }: Following, { parameter }: Exchange): Promise<Response> {
  const notFound = () => detail(404, "Not Found");
  if (!SEQ.test(parameter)) return notFound();
  const seq = Number(parameter);
  const { records, bodies, headers } = await store.changes({ after: seq - 1, limit: 1, bodies: true });
  const [record] = records;
  if (record?.seq !== seq || !("delivery" in record)) return notFound();
  const { delivery, source, created_at } = record;
  const body = bodies.get(delivery);
  if (body === undefined || body.length < record.stop) return notFound();
  // A request is known by the number of its first record, and its records are neighbours.
  const page = await store.changes({ after: delivery - 1, limit: RECORDS_MAX + 1 });
  const own = page.records.filter((each) => "delivery" in each && each.delivery === delivery);
  return json(200, {
    ...{ source, created_at, headers: headers?.get(delivery) ?? null },
    ...bodyMembers(body),
    records: own
      .slice(0, RECORDS_MAX)
      .map((each) => shownRecord(positionOf(page.log, each), each, undefined)),
    more: own.length > RECORDS_MAX,
  });
}
