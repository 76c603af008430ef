/**
 * `GET /stats`: how many messages there are, from whom most of them, and their first and last
 * instants.
 */
import { Type } from "typebox";
import { DetailAnswer } from "../../core/field-errors.ts";
import type { Store } from "../../core/store.ts";
import { json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";

const Instant = Type.Union([Type.String(), Type.Null()]);
const Count = Type.Integer({ format: "int64" });
const StatsAnswer = Type.Object(
  {
    total_messages: Count,
    senders_count: Count,
    messages_per_sender: Type.Array(Type.Object({ from: Type.String(), count: Count }), {
      description: "The ten senders with most messages: by count, then by `from` (bytes).",
    }),
    first_message_ts: Instant,
    last_message_ts: Instant,
  },
  {
    $id: "Stats",
    examples: [
      {
        total_messages: 4,
        senders_count: 2,
        messages_per_sender: [
          { from: "+919876543210", count: 3 },
          { from: "+14155550123", count: 1 },
        ],
        first_message_ts: "2025-01-15T10:00:00Z",
        last_message_ts: "2025-11-28T10:00:00Z",
      },
    ],
  },
);

export function statsRoute(store: Store): Route {
  return {
    method: "GET",
    path: "/stats",
    access: "token",
    listener: "read",
    doc: {
      id: "getStats",
      tag: "Read",
      summary: "Count messages and senders",
      description:
        "All figures come from one snapshot and are exact, also right after a POST was answered; where a standby answers " +
        "reads (`DATABASE_READ_URL`), as of the moment that it has come to.",
      answers: {
        200: { description: "The figures.", schema: StatsAnswer },
        503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
      },
    },
    handle: async () => json(200, await store.stats()),
  };
}
