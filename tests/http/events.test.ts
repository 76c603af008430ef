/** `GET /events`, `GET /messages/{message_id}` and what `GET /messages` knows of sources. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import type { EventRow } from "../../src/core/event-row.ts";
import type { Message } from "../../src/core/message.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { META, metaPost, signed, status, text } from "./meta-posts.ts";
import { nextPage } from "./next-page.ts";
import { newService, type TestService } from "./service.ts";
import { exchange, head } from "./wire.ts";

const BOT = { kind: "telegram", secret: "token-of-the-telegram-source" };
const BINARY = new Uint8Array([0x00, 0xff, 0x0a]);
const WITH_MARK = "\ufeff{\u0000}";
const BETWEEN = "&since=2023-11-14T22:13:30Z&until=2023-11-14T22:14:00Z";

interface Page {
  readonly data: readonly EventRow[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META, bot: BOT } });
  const requests = [
    metaPost(
      [text("m/1", "first")],
      [
        status("m/1", "read", "1700000030"),
        status("m/1", "sent", "1700000010"),
        status("gone", "failed", "1700000020"),
      ],
    ),
    signed(BINARY),
    signed(WITH_MARK),
  ];
  for (const request of requests) expect((await service.send("/webhook/wa", request)).status).toBe(200);
  const update = { update_id: 5, edited_message: { message_id: 2, date: 1700000040, chat: { id: 3 } } };
  const headers = { "X-Telegram-Bot-Api-Secret-Token": BOT.secret };
  expect((await service.send("/webhook/bot", { body: JSON.stringify(update), headers })).status).toBe(200);
  expect((await service.post(message("native 1 é"))).status).toBe(200);
});
afterAll(() => service.stop());

async function list(query: string): Promise<Page> {
  const answer = await service.get(`/events${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}
const keysOf = async (query: string) =>
  (await list(query)).data.map(({ event_key }) => event_key.slice(0, 11));

describe("a page of events", () => {
  test("a page of events has data, total, limit and offset, ordered by instant", async () => {
    const page = await list("");
    expect(Object.keys(page)).toEqual(["data", "total", "limit", "offset"]);
    expect([page.total, page.limit, page.offset]).toEqual([6, 50, 0]);
    expect(page.data.map(({ kind }) => kind)).toEqual([
      "status",
      "status",
      "status",
      "edit",
      "other",
      "other",
    ]);
  });

  test("a page of events has rows of ten members, as they were sent", async () => {
    const { data } = await list("?message_id=wa:gone");
    expect(data).toEqual([
      {
        seq: expect.any(Number) as never,
        source: "wa",
        kind: "status",
        type: "messages.status.failed",
        event_key: "gone:failed",
        message_id: "wa:gone",
        ts: "2023-11-14T22:13:40Z",
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as never,
        headers: { "content-type": "application/json", "user-agent": expect.any(String) as never },
        body: JSON.stringify(status("gone", "failed", "1700000020")),
      },
    ]);
    expect(Object.keys(data[0] ?? {})).toEqual([
      "seq",
      "source",
      "kind",
      "type",
      "event_key",
      "message_id",
      "ts",
      "created_at",
      "headers",
      "body",
    ]);
  });

  test("a page of events shows bytes that are no text in base64, and text byte for byte", async () => {
    const { data } = await list("?kind=other");
    const bodies = data.map(({ body, body_base64 }) => ({ body, body_base64 }));
    expect(bodies).toContainEqual({ body: undefined, body_base64: Buffer.from(BINARY).toString("base64") });
    expect(bodies).toContainEqual({ body: WITH_MARK, body_base64: undefined });
  });

  test.each(["asc", "desc"])(
    "events are walked by cursor in the order %s, with their filters",
    async (order) => {
      for (const filter of ["", "&source=wa", "&kind=status", "&message_id=wa:m/1", BETWEEN])
        for (const limit of [1, 2, 6]) {
          const all = await list(`?order=${order}${filter}`);
          const walked: EventRow[] = [];
          let path: string | undefined = `/events?limit=${limit}&order=${order}${filter}`;
          while (path !== undefined) {
            const answer = await service.get(path);
            const page = (await answer.json()) as Page;
            expect(page.total).toBe(all.total);
            walked.push(...page.data);
            path = nextPage(answer);
          }
          expect(walked).toEqual([...all.data]);
        }
      const [first, last] = [await list("?order=asc"), await list("?order=desc")];
      expect(last.data.toReversed()).toEqual([...first.data]);
    },
  );

  test.each(["x", "e30", "WyIyMDI1LTAxLTE1VDEwOjAwOjAwIiwiYSJd"])(
    "a cursor of events that Postern did not give (%s) gets 422 at query.cursor",
    async (cursor) => {
      const answer = await service.get(`/events?cursor=${cursor}`);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ detail: [{ loc: ["query", "cursor"] }] });
    },
  );

  test("a page of events is cut by limit and offset, and total stays", async () => {
    const all = await keysOf("");
    expect(await keysOf("?limit=2&offset=1")).toEqual(all.slice(1, 3));
    expect(await list("?limit=2&offset=5")).toMatchObject({ total: 6, limit: 2, offset: 5 });
    expect(await list("?offset=999999999999999")).toMatchObject({ data: [], total: 6 });
  });

  test.each([
    ["?source=wa", 5],
    ["?source=bot", 1],
    ["?source=native", 0],
    ["?source=nobody", 0],
    ["?kind=status", 3],
    ["?kind=reaction", 0],
    ["?type=messages.status.read", 1],
    ["?type=messages.status", 0],
    ["?type=edited_message&kind=edit&source=bot", 1],
    ["?message_id=wa:m%2F1", 2],
    ["?message_id=bot:3:2", 1],
    ["?message_id=m%2F1", 0],
    ["?since=2023-11-14T22:13:50Z", 4],
    ["?since=2023-11-14T22:13:50.000000001Z", 3],
    ["?source=wa&kind=status&since=2023-11-14T22:13:40Z", 2],
    ["?until=2023-11-14T22:13:50Z", 2],
    ["?until=2023-11-14T22:13:50.000000001Z", 3],
    ["?source=wa&kind=status&since=2023-11-14T22:13:40Z&until=2023-11-14T22:13:50.0Z", 1],
    ["?since=2023-11-14T22:13:50Z&until=2023-11-14T22:13:40Z", 0],
    ["?source=&kind=&message_id=&since=&until=", 6],
    ["?kind=status&kind=edit", 1],
    ["?kind=nonsense&kind=edit", 1],
    ["?unknown=1&to=x", 6],
    ["?q=STATUS%22:%22read", 1],
    ["?q=nowhere", 0],
  ])("/events%s finds %i", async (query, total) => {
    const page = await list(query);
    expect([page.total, page.data.length]).toEqual([total, total]);
  });

  test.each([
    ["limit=0", "limit", "out_of_range"],
    ["limit=101", "limit", "out_of_range"],
    ["limit=", "limit", "string_pattern_mismatch"],
    ["offset=-1", "offset", "string_pattern_mismatch"],
    ["kind=statuses", "kind", "enum"],
    ["kind=STATUS", "kind", "enum"],
    ["since=yesterday", "since", "value_error"],
    ["since=2025-02-30T00:00:00Z", "since", "value_error"],
    ["until=yesterday", "until", "value_error"],
    ["until=2025-02-30T00:00:00Z", "until", "value_error"],
    ["source=%ff", "source", "query_invalid"],
    ["source=%00", "source", "query_invalid"],
  ])("a page of events with %s gets 422 in the words of /messages", async (query, field, type) => {
    const answer = await service.get(`/events?${query}`);
    const { detail } = (await answer.json()) as { detail: object[] };
    expect(answer.status).toBe(422);
    expect(detail).toMatchObject([{ type, loc: ["query", field] }]);
    if (field === "kind") {
      expect(detail).toMatchObject([
        { msg: "Input should be one of status, reaction, edit, delete, echo, callback, system, other" },
      ]);
      return;
    }
    const messages = await service.get(`/messages?${query}`);
    expect([messages.status, await messages.json()]).toEqual([422, { detail }]);
  });
});

describe("one message", () => {
  const one = async (id: string) => {
    const answer = await service.get(`/messages/${encodeURIComponent(id)}`);
    return [answer.status, await answer.json()] as const;
  };

  test("a message of a provider comes with its own form and its events", async () => {
    const [code, found] = await one("wa:m/1");
    expect(code).toBe(200);
    expect(found).toEqual({
      message_id: "wa:m/1",
      from: "+14155550123",
      to: "+15550100",
      ts: "2023-11-14T22:13:20Z",
      text: "first",
      source: "wa",
      type: "text",
      created_at: expect.any(String),
      seq: expect.any(Number),
      headers: { "content-type": "application/json", "user-agent": expect.any(String) },
      body: JSON.stringify(text("m/1", "first")),
      events: (await list("?message_id=wa:m%2F1")).data,
    });
    expect((found as { events: EventRow[] }).events).toHaveLength(2);
  });

  test("a message of the native source has no other form, no type and no events", async () => {
    expect(await one("native 1 é")).toEqual([
      200,
      {
        ...message("native 1 é"),
        source: "native",
        type: null,
        created_at: expect.any(String),
        seq: expect.any(Number),
        headers: null,
        body: null,
        events: [],
      },
    ]);
  });

  test("a message that is not there gets 404, also when only events are about it", async () => {
    for (const id of ["m/1", "wa:gone", "WA:m/1", "native", " ", "%", "'"])
      expect(await one(id)).toEqual([404, { detail: "Not Found" }]);
    for (const path of [
      "/messages/wa:m/1",
      "/messages/%ff",
      "/messages/wa:m%2F1/",
      "/messages/native%201%20é%00",
    ])
      expect(
        (await exchange(service.port, head(`GET ${Buffer.from(path).toString("latin1")}`)))?.status,
      ).toBe(404);
  });

  test("a message answers a HEAD, and no other method", async () => {
    expect((await service.get("/messages/wa:m%2F1", { method: "HEAD" })).status).toBe(200);
    const answer = await service.get("/messages/wa:m%2F1", { method: "POST" });
    expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("a request for a message is counted under its pattern", async () => {
    const series = 'http_requests_total{method="GET",path="/messages/{message_id}",status="200"}';
    expect(await service.metric(series)).toBeGreaterThan(0);
    expect(await (await service.get("/metrics")).text()).not.toContain("m%2F1");
  });
});

describe("messages", () => {
  const idsOf = async (query: string) => {
    const { data } = (await (await service.get(`/messages?${query}`)).json()) as { data: Message[] };
    return data.map(({ message_id }) => message_id);
  };

  test("messages are found by their source, in rows of five keys", async () => {
    expect(await idsOf("source=wa")).toEqual(["wa:m/1"]);
    expect(await idsOf("source=native")).toEqual(["native 1 é"]);
    expect(await idsOf("source=bot")).toEqual([]);
    expect(await idsOf("source=")).toHaveLength(2);
    const { data } = (await (await service.get("/messages?source=wa")).json()) as { data: Message[] };
    expect(Object.keys(data[0] ?? {})).toEqual(["message_id", "from", "to", "ts", "text"]);
  });

  test("messages are found by their type, which is the provider's word", async () => {
    const answer = await service.get("/messages?type=text&limit=5");
    const { data, total } = (await answer.json()) as { data: readonly Message[]; total: number };
    expect([total, data.map(({ message_id }) => message_id)]).toEqual([1, ["wa:m/1"]]);
    expect(await (await service.get("/messages?type=image")).json()).toMatchObject({ data: [], total: 0 });
  });

  test("messages of one source are walked by cursor", async () => {
    const own = await newService({}, { sources: { wa: META } });
    await own.send("/webhook/wa", metaPost(["1", "2", "3"].map((id) => text(id))));
    await own.post(message("native"));
    const seen: string[] = [];
    let next: string | undefined = "/messages?source=wa&limit=2";
    while (next !== undefined) {
      const answer = await own.get(next);
      const page = (await answer.json()) as { data: Message[]; total: number };
      expect(page.total).toBe(3);
      seen.push(...page.data.map(({ message_id }) => message_id));
      next = nextPage(answer);
    }
    expect(seen).toEqual(["wa:1", "wa:2", "wa:3"]);
    await own.stop();
  });

  test("messages are found by a sender or recipient that is no phone number, as it is written", async () => {
    const headers = { "X-Telegram-Bot-Api-Secret-Token": BOT.secret };
    const update = (id: number, chat: number) => ({
      update_id: id,
      message: { message_id: id, date: 1700000050, chat: { id: chat }, from: { id: chat }, text: "x" },
    });
    for (const [id, chat] of [
      [90, 123],
      [91, -123],
    ] as const)
      await service.send("/webhook/bot", { body: JSON.stringify(update(id, chat)), headers });
    expect(await idsOf("from=telegram:123")).toEqual(["bot:123:90"]);
    expect(await idsOf("from=telegram%3A-123")).toEqual(["bot:-123:91"]);
    expect(await idsOf("to=telegram:bot")).toHaveLength(2);
    expect(await idsOf("from=123")).toEqual([]);
    expect(await idsOf("from=14155550123")).toEqual(["wa:m/1"]);
  });
});

test("what is answered fits the OpenAPI document", async () => {
  const { paths, components } = (await (await service.get("/openapi.json")).json()) as {
    components: object;
    paths: Record<
      string,
      { get: { responses: Record<string, { content: Record<string, { schema: object }> }> } }
    >;
  };
  for (const [path, pattern, code] of [
    ["/events", "/events", 200],
    ["/events?kind=x", "/events", 422],
    ["/messages/wa:m%2F1", "/messages/{message_id}", 200],
    ["/messages/native%201%20%C3%A9", "/messages/{message_id}", 200],
    ["/messages/none", "/messages/{message_id}", 404],
  ] as const) {
    const answer = await service.get(path);
    const schema = paths[pattern]?.get.responses[code]?.content["application/json"]?.schema;
    const validator = Compile({ ...schema, components } as never);
    expect([path, answer.status, validator.Check(await answer.json())]).toEqual([path, code, true]);
    expect(validator.Check([])).toBe(false);
  }
});

test("with a token and a second listener events are where reads are, and guarded", async () => {
  const guarded = await newService(
    { API_TOKEN: "token-of-the-reads", READ_PORT: String(freePort()) },
    { sources: { wa: META } },
  );
  await guarded.send("/webhook/wa", metaPost([text("1")], [status("1")]));
  for (const path of ["/events", "/messages/wa:1"]) {
    expect((await guarded.get(path)).status).toBe(200);
    expect((await guarded.get(path, { headers: { Authorization: "" } })).status).toBe(401);
    expect((await fetch(`${guarded.url}${path}`)).status).toBe(404);
  }
  const hidden = await fetch(`${guarded.readUrl}/webhook/wa`, { method: "POST", body: "{}" });
  expect(hidden.status).toBe(404);
  await guarded.stop();
});
