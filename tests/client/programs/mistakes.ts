/**
 * What the types of a client refuse. Each line below an expected error is one: were a type looser
 * than the document's rule, the compiler would complain that the expected error isn't there.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

const postern = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });

// @ts-expect-error: there is no such path
await postern.GET("/message");
// @ts-expect-error: it is read, not posted to
await postern.POST("/messages");
// @ts-expect-error: a path's parameter is required
await postern.GET("/messages/{message_id}");

await postern.GET("/messages", {
  params: {
    query: {
      // @ts-expect-error: a number
      limit: "50",
      // @ts-expect-error: a number
      offset: "0",
      // @ts-expect-error: one of two words
      order: "latest",
    },
  },
});
// @ts-expect-error: no parameter has this name
await postern.GET("/messages", { params: { query: { sender: "+919876543210" } } });
await postern.GET("/events", {
  params: {
    query: {
      // @ts-expect-error: no kind of event
      kind: "message",
    },
  },
});
await postern.PUT("/consumers/{name}", {
  params: { path: { name: "a" } },
  body: {
    // @ts-expect-error: no kind of record
    kinds: ["unknown"],
  },
});
// @ts-expect-error: a position is needed
await postern.POST("/consumers/{name}/ack", { params: { path: { name: "a" } }, body: {} });
await postern.POST("/webhook", {
  params: { header: { "X-Signature": "0".repeat(64) } },
  // @ts-expect-error: `ts` is missing
  body: { message_id: "m1", from: "+919876543210", to: "+14155550100" },
});

const page = await postern.GET("/messages");
// @ts-expect-error: it may be a refusal
page.data.total;
if (page.data !== undefined) {
  // @ts-expect-error: the rows are in `data`
  page.data.messages;
  // @ts-expect-error: a page of messages has no `seq`; one message by itself has
  page.data.data[0]?.seq;
}

declare const message: components["schemas"]["StoredMessage"];
// @ts-expect-error: a message may have no text
message.text.length;
// @ts-expect-error: a number
message.seq.length;

declare const event: components["schemas"]["Event"];
// @ts-expect-error: no kind of event
event.kind === "message";
