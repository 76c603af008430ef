/**
 * A program as a user would write it with a client of the OpenAPI document: walks all messages,
 * looks at one of them and its events, and shows what a refusal says. Nothing imports it:
 * `client.test.ts` compiles it against the types that `openapi-typescript` makes, and runs it.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type Message = components["schemas"]["Message"];
type Event = components["schemas"]["Event"];
type Filters = NonNullable<paths["/messages"]["get"]["parameters"]["query"]>;
type Refusal = components["schemas"]["Error"] | components["schemas"]["ValidationError"];

const [baseUrl = "http://127.0.0.1:8000"] = process.argv.slice(2);
const postern = createClient<paths>({ baseUrl });

function reasonOf({ detail }: Refusal): string {
  if (typeof detail === "string") return detail;
  return detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
}

/** The cursor in `<?…&cursor=…>; rel="next"`; undefined behind the last page. */
function nextCursor(link: string | null): string | undefined {
  const query = /\?([^>]*)>; rel="next"/.exec(link ?? "")?.[1];
  return new URLSearchParams(query).get("cursor") ?? undefined;
}

/** Every message that matches, page by page. */
async function* messages(filters: Filters): AsyncGenerator<Message> {
  let query: Filters = filters;
  for (;;) {
    const { data, error, response } = await postern.GET("/messages", { params: { query } });
    if (error !== undefined) throw new Error(reasonOf(error));
    yield* data.data;
    const cursor = nextCursor(response.headers.get("Link"));
    if (cursor === undefined) return;
    query = { ...filters, cursor };
  }
}

/** What happened to a message; undefined for one that isn't there. */
async function eventsOf(message_id: string): Promise<readonly Event[] | undefined> {
  const { data } = await postern.GET("/messages/{message_id}", { params: { path: { message_id } } });
  return data?.events;
}

function inOneLine({ kind, ts, message_id }: Event): string {
  return `${kind} of ${message_id ?? "nothing"} at ${ts}`;
}

const walked = await Array.fromAsync(messages({ limit: 2, order: "desc" }), ({ message_id }) => message_id);

const skipped = await postern.GET("/messages", { params: { query: { limit: 1, offset: 3 } } });

const delivered = (await eventsOf("wa:1"))?.map(inOneLine);
const missing = await eventsOf("wa:none");

const list = await postern.GET("/events", { params: { query: { source: "wa", kind: "status" } } });
const listed = list.data?.data.map(inOneLine);

const refused = await postern.GET("/messages", { params: { query: { limit: 1000 } } });
const refusal = refused.error && reasonOf(refused.error);

const { data: stats } = await postern.GET("/stats");

process.stdout.write(
  JSON.stringify({
    walked,
    skipped: skipped.data?.data.map(({ text }) => text),
    total: skipped.data?.total.toFixed(0),
    delivered,
    missing: missing ?? null,
    listed,
    refusal,
    senders: stats?.messages_per_sender.map(({ from, count }) => `${from}: ${count}`),
  }),
);
