/** `GET /messages`: filters, order, pages and what is wrong with a query. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Message } from "../../src/core/message.ts";
import { anyMessage, anyQuery, message } from "../messages.ts";
import { compareMessages, Model } from "../model.ts";
import { fc } from "../property.ts";
import { nextPage } from "./next-page.ts";
import { newService, type TestService } from "./service.ts";
import { exchange, head } from "./wire.ts";

interface Page {
  readonly data: readonly Message[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

const MESSAGES: readonly Message[] = [
  message("m1", { from: "+919876543210", to: "+14155550100", ts: "2025-01-15T10:00:00Z", text: "Hello" }),
  message("m2", {
    from: "+919876543210",
    to: "+14155550101",
    ts: "2025-01-15T10:00:00.5Z",
    text: "100% sure",
  }),
  message("m3", { from: "+15550001", to: "+14155550100", ts: "2025-01-15T10:00:00.50Z", text: "snake_case" }),
  message("m4", { from: "+15550001", to: "+14155550101", ts: "2025-01-16T00:00:00Z", text: null }),
  message("m 5+%&=#", {
    from: "+15550002",
    to: "+14155550100",
    ts: "2025-01-14T00:00:00Z",
    text: "ΟΔΥΣΣΕΥΣ \u{1f600}",
  }),
];
const IN_ORDER = ["m 5+%&=#", "m1", "m2", "m3", "m4"];

let service: TestService;
beforeAll(async () => {
  service = await newService();
  for (const each of MESSAGES) expect((await service.post(each)).status).toBe(200);
});
afterAll(() => service.stop());

async function list(query: string): Promise<Page> {
  const answer = await service.get(`/messages${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}
const idsOf = async (query: string) => (await list(query)).data.map(({ message_id }) => message_id);

/** The query by hand, because a client library would encode it. */
async function raw(query: string): Promise<{ status: number | undefined; body: unknown }> {
  const answer = await exchange(service.port, head(`GET /messages?${query}`));
  return { status: answer?.status, body: JSON.parse(answer?.body ?? "null") };
}

describe("a page", () => {
  test("a page has data, total, limit and offset, and rows of five keys as they were sent", async () => {
    const answer = await service.get("/messages");
    expect(answer.headers.get("Content-Type")).toStartWith("application/json");
    const page = (await answer.json()) as Page;
    expect(Object.keys(page)).toEqual(["data", "total", "limit", "offset"]);
    expect({ ...page, data: [] }).toEqual({ data: [], total: 5, limit: 50, offset: 0 });
    expect(page.data).toEqual([...MESSAGES].sort(compareMessages));
    for (const row of page.data) expect(Object.keys(row)).toEqual(["message_id", "from", "to", "ts", "text"]);
  });

  test("a page echoes limit and offset as numbers", async () => {
    expect(await list("?limit=2&offset=1")).toMatchObject({ total: 5, limit: 2, offset: 1 });
    expect(await list("?limit=007&offset=000000000000001")).toMatchObject({ limit: 7, offset: 1 });
    expect(await idsOf("?limit=2&offset=1")).toEqual(["m1", "m2"]);
  });

  test("beyond the end is empty with the exact total", async () => {
    expect(await list("?offset=999999999999999")).toEqual({
      data: [],
      total: 5,
      limit: 50,
      offset: 999999999999999,
    });
  });
});

describe("limit and offset", () => {
  test.each(["1", "100", "0100"])("limit=%s is taken", async (limit) => {
    expect((await list(`?limit=${limit}`)).limit).toBe(Number(limit));
  });

  const refused = [
    "",
    "0",
    "101",
    "-1",
    "1.0",
    "1e1",
    "+1",
    "%201",
    "1%20",
    "0x1",
    "abc",
    "9".repeat(16),
    "%D9%A1",
    "null",
  ];
  test.each(refused)("limit=%s gets 422 at query.limit", async (limit) => {
    expect(await raw(`limit=${limit}`)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ["query", "limit"] }] },
    });
  });

  test.each(refused.filter((value) => value !== "0" && value !== "101"))(
    "offset=%s gets 422 at query.offset",
    async (offset) => {
      expect(await raw(`offset=${offset}`)).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ["query", "offset"] }] },
      });
    },
  );

  test("a parameter's name without a value is an empty parameter", async () => {
    expect((await raw("limit")).status).toBe(422);
    expect((await raw("offset")).status).toBe(422);
  });

  test("all that is wrong is told at once, in the shape of every 422", async () => {
    const answer = await raw("limit=0&offset=x&since=x&until=2025-02-30T00:00:00Z&cursor=x");
    expect(answer.status).toBe(422);
    const { detail } = answer.body as { detail: { loc: string[] }[] };
    for (const mistake of detail)
      expect(Object.keys(mistake).sort()).toEqual(["input", "loc", "msg", "type"]);
    expect(detail.map(({ loc }) => loc.join(".")).sort()).toEqual([
      "query.cursor",
      "query.limit",
      "query.offset",
      "query.since",
      "query.until",
    ]);
  });
});

describe("filters", () => {
  test.each([
    ["from=%2B919876543210", ["m1", "m2"]],
    ["from=+919876543210", ["m1", "m2"]],
    ["from=%20919876543210", ["m1", "m2"]],
    ["from=919876543210", ["m1", "m2"]],
    ["from=++919876543210", []],
    ["from=91987654321", []],
    ["from=%2B%2B919876543210", []],
    ["from=x", []],
    ["to=+14155550101", ["m2", "m4"]],
    ["to=14155550101", ["m2", "m4"]],
    ["to=%2B14155550101", ["m2", "m4"]],
    ["message_id=m1", ["m1"]],
    ["message_id=M1", []],
    ["message_id=m", []],
    ["message_id=m+5%2B%25%26%3D%23", ["m 5+%&=#"]],
    ["since=2025-01-15T10:00:00.500Z", ["m2", "m3", "m4"]],
    ["until=2025-01-15T10:00:00.5Z", ["m 5+%&=#", "m1"]],
    ["since=2025-01-15T10:00:00Z&until=2025-01-15T10:00:00.50Z", ["m1"]],
    ["since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999999999Z", IN_ORDER],
    ["since=2025-01-17T00:00:00Z&until=2025-01-16T00:00:00Z", []],
    ["q=%25", ["m2"]],
    ["q=_", ["m3"]],
    ["q=hELL", ["m1"]],
    ["q=L", ["m1"]],
    ["q=%CF%82", ["m 5+%&=#"]],
    ["q=%F0%9F%98%80", ["m 5+%&=#"]],
    ["q=0%25+S", ["m2"]],
    ["q=+", ["m 5+%&=#", "m2"]],
    ["q='", []],
    ["from=15550001&q=a", ["m3"]],
    [
      "from=15550001&to=14155550100&since=2025-01-15T10:00:00Z&until=2025-01-16T00:00:00Z&q=snake&message_id=m3",
      ["m3"],
    ],
    ["from=15550001&to=14155550100&message_id=m4", []],
  ])("?%s finds what it asks for", async (query, expected) => {
    const answer = await raw(query);
    expect(answer.status).toBe(200);
    const page = answer.body as Page;
    expect(page.data.map(({ message_id }) => message_id)).toEqual(expected);
    expect(page.total).toBe(expected.length);
  });

  test("filters that are empty are none", async () => {
    expect(await idsOf("?from=&to=&message_id=&since=&until=&q=&cursor=")).toEqual(IN_ORDER);
    expect((await raw("from&q&since")).body).toMatchObject({ total: 5 });
  });

  test("of a repeated filter the last counts, an empty one too", async () => {
    expect(await idsOf("?message_id=m1&message_id=m2")).toEqual(["m2"]);
    expect(await idsOf("?message_id=m1&message_id=")).toEqual(IN_ORDER);
    expect((await list("?limit=x&limit=3")).limit).toBe(3);
    expect((await raw("limit=3&limit=x")).status).toBe(422);
  });

  test("filters that are unknown are ignored, odd names included", async () => {
    const odd = "sort=desc&__proto__=1&constructor=2&toString=3&Limit=0&FROM=x&=x&&&a[]=1&limit%20=0";
    expect((await raw(odd)).body).toMatchObject({ total: 5, limit: 50 });
  });

  test("filters may have their names escaped", async () => {
    expect((await raw("message%5Fid=m1")).body).toMatchObject({ total: 1 });
  });

  test.each(["since", "until"])("%s has the grammar of ts", async (name) => {
    const wrong = [
      "2025-01-15",
      "2025-01-15T10:00:00",
      "2025-02-29T00:00:00Z",
      "2025-01-15T24:00:00Z",
      "0000-01-01T00:00:00Z",
      "2025-01-15T10:00:00.1234567890Z",
      "2025-01-15T10:00:00+00:00",
      "now",
      "0",
      "%202025-01-15T10:00:00Z",
    ];
    for (const value of wrong) {
      expect(await raw(`${name}=${value}`)).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ["query", name] }] },
      });
    }
  });

  test.each([
    "q=%",
    "q=%2",
    "q=%zz",
    "q=%ff",
    "q=%ed%a0%80",
    "q=%c0%af",
    "q=%00",
    "from=%00",
    "%ff=1",
    "x=%e2%82",
    "message_id=a%00b",
  ])("?%s can't be read: 422 at query", async (query) => {
    const answer = await raw(query);
    expect(answer.status).toBe(422);
    expect((answer.body as { detail: { loc: string[] }[] }).detail[0]?.loc[0]).toBe("query");
  });

  test("a long filter is answered", async () => {
    expect((await list(`?q=${"x".repeat(5000)}`)).total).toBe(0);
  });
});

describe("walking by Link", () => {
  const walk = async (query: string): Promise<{ ids: string[]; pages: number }> => {
    const ids: string[] = [];
    let pages = 0;
    for (let path: string | undefined = `/messages${query}`; path !== undefined; pages++) {
      const answer = await service.get(path);
      expect(answer.status).toBe(200);
      const page = (await answer.json()) as Page;
      expect(Object.keys(page)).toEqual(["data", "total", "limit", "offset"]);
      ids.push(...page.data.map(({ message_id }) => message_id));
      path = nextPage(answer);
    }
    return { ids, pages };
  };

  test("walking by Link visits everything once, in order, and ends", async () => {
    expect(await walk("?limit=2")).toEqual({ ids: IN_ORDER, pages: 3 });
    expect(await walk("?limit=5")).toEqual({ ids: IN_ORDER, pages: 1 });
    expect(await walk("?limit=1")).toEqual({ ids: IN_ORDER, pages: 5 });
  });

  test("walking by Link keeps the filters, an un-encoded + among them", async () => {
    expect(await walk("?limit=1&from=+919876543210")).toEqual({ ids: ["m1", "m2"], pages: 2 });
    expect(await walk("?limit=1&q=%25&unknown=%26")).toEqual({ ids: ["m2"], pages: 1 });
    expect(
      await walk("?limit=1&since=2025-01-15T00:00:00Z&until=2025-01-16T00:00:00Z&to=14155550100&q=e"),
    ).toEqual({
      ids: ["m1", "m3"],
      pages: 2,
    });
  });

  test("walking by Link visits everything from the end where the order is desc, which the next pages keep", async () => {
    for (const limit of [1, 2, 3, 4, 5, 6])
      expect((await walk(`?limit=${limit}&order=desc`)).ids).toEqual(IN_ORDER.toReversed());
    expect((await walk("?limit=2&order=asc")).ids).toEqual(IN_ORDER);
    expect((await walk("?limit=1&order=desc&from=+919876543210")).ids).toEqual(["m2", "m1"]);
  });

  test.each(["up", "DESC", ""])(
    "an order of %p gets 422 at query.order, an empty one is none",
    async (order) => {
      const answer = await raw(`order=${order}`);
      if (order === "") expect(answer.status).toBe(200);
      else expect(answer).toMatchObject({ status: 422, body: { detail: [{ loc: ["query", "order"] }] } });
    },
  );

  test("walking by Link goes on from an offset", async () => {
    expect((await walk("?limit=2&offset=2")).ids).toEqual(IN_ORDER.slice(2));
  });

  test.each(["x", "e30", "W10", "WyJhIiwiYiJd", "bnVsbA", "%C3%A9", "WyIyMDI1LTAxLTE1VDEwOjAwOjAwIiwxXQ"])(
    "a cursor that Postern did not give (%s) gets 422 at query.cursor",
    async (cursor) => {
      expect(await raw(`cursor=${cursor}`)).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ["query", "cursor"] }] },
      });
    },
  );
});

test("a read that takes too long gets 503 with Retry-After, never a wrong total", async () => {
  const slow = await newService({ QUERY_TIMEOUT_MS: "1" });
  const text = "x".repeat(4096);
  await Promise.all(Array.from({ length: 1500 }, (_, index) => slow.post(message(`m${index}`, { text }))));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => slow.get(`/messages?q=xxy${index}`)),
  );
  const late = answers.filter(({ status }) => status === 503);
  expect(late.length).toBeGreaterThan(0);
  for (const { headers } of late) expect(headers.get("Retry-After")).toMatch(/^[0-9]+$/);
  for (const answer of answers.filter(({ status }) => status !== 503)) {
    expect([answer.status, ((await answer.json()) as Page).total]).toEqual([200, 0]);
  }
  await slow.stop();
});

test("any messages under any query are what a Map would give", async () => {
  const fresh = await newService();
  const model = new Model();
  for (const each of fc.sample(anyMessage, 60)) {
    const expected = model.append(each);
    const answer = await fresh.post(each);
    expect(answer.headers.get("Postern-Result")).toBe(expected === "created" ? "ok" : "duplicate");
  }
  await fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      const { messageId, ...rest } = query;
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries({ ...rest, message_id: messageId })) {
        if (value !== undefined) search.set(name, String(value));
      }
      const answer = await fresh.get(`/messages?${search}`);
      const { data, total } = model.list(query);
      expect(await answer.json()).toEqual({ data, total, limit: query.limit, offset: query.offset });
    }),
  );
  await fresh.stop();
});
