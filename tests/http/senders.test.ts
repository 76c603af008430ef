/** `GET /senders` over HTTP; what is in a page is the store's contract. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SenderRow } from "../../src/core/store.ts";
import { message } from "../messages.ts";
import { nextPage } from "./next-page.ts";
import { newService, type TestService } from "./service.ts";

interface Page {
  readonly data: readonly SenderRow[];
  readonly total: number;
}

let service: TestService;
beforeAll(async () => {
  service = await newService();
  for (let at = 0; at < 7; at++)
    await service.post(message(`m${at}`, { from: `+49${at}`, ts: `2025-01-15T10:00:0${at}.0Z`, text: null }));
  await service.post(message("other", { from: "+15", ts: "2025-01-15T09:00:00Z" }));
});
afterAll(() => service.stop());

const list = async (query: string) => (await (await service.get(`/senders${query}`)).json()) as Page;
const fromsOf = async (query: string) => (await list(query)).data.map(({ from }) => from);

test("a page has senders, the latest first, with their counts and last messages as they were sent", async () => {
  const answer = await service.get("/senders?limit=1");
  expect([answer.status, await answer.text()]).toEqual([
    200,
    '{"data":[{"from":"+496","count":1,"last_message":{"message_id":"m6","to":"+14155550100",' +
      '"ts":"2025-01-15T10:00:06.0Z","text":null,"source":"native","type":null}}],"total":8,"limit":1,"offset":0}',
  ]);
  expect(await list("")).toMatchObject({ total: 8, limit: 50, offset: 0 });
  expect(await fromsOf("?order=asc&offset=1&limit=2")).toEqual(["+490", "+491"]);
});

test("who follows the links meets every sender once, with the same filter and order", async () => {
  for (const query of ["limit=3", "limit=2&q=49&order=asc", "q=%2B49&limit=7"]) {
    const met: string[] = [];
    let path: string | undefined = `/senders?${query}`;
    while (path !== undefined) {
      const answer = await service.get(path);
      const { data } = (await answer.json()) as Page;
      met.push(...data.map(({ from }) => from));
      path = nextPage(answer);
    }
    expect(met).toEqual(await fromsOf(`?${query.replace(/limit=\d/, "limit=100")}`));
    expect(met).toHaveLength(query.includes("q=") ? 7 : 8);
  }
});

test("a part of a sender is found with its plus sign encoded or not", async () => {
  expect(await fromsOf("?q=%2B493")).toEqual(["+493"]);
  expect(await fromsOf("?q=+493")).toEqual(["+493"]);
  expect(await fromsOf("?q=93")).toEqual(["+493"]);
  expect(await list("?q=none")).toMatchObject({ data: [], total: 0 });
});

test("each POST moves its sender to the front at once", async () => {
  for (const [at, from] of ["+490", "+491", "+490"].entries()) {
    await service.post(message(`later${at}`, { from, ts: `2025-01-15T11:00:0${at}Z` }));
    const [first] = (await list("?limit=1")).data;
    expect([first?.from, first?.last_message.message_id]).toEqual([from, `later${at}`]);
  }
  expect((await list("?q=%2B490")).data[0]?.count).toBe(3);
});

test("what can't be read is told with its place", async () => {
  for (const [query, name] of [
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["offset=-1", "offset"],
    ["order=up", "order"],
    ["cursor=x", "cursor"],
  ]) {
    const answer = await service.get(`/senders?${query}`);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ["query", name] }] });
  }
});
