/** `GET /stats` over HTTP; the figures themselves are the store's contract. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { message } from "../messages.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService();
});
afterAll(() => service.stop());

const stats = async () => (await service.get("/stats")).json();

test("without messages there are zeros and nulls", async () => {
  const answer = await service.get("/stats");
  expect([answer.status, await answer.text()]).toEqual([
    200,
    '{"total_messages":0,"senders_count":0,"messages_per_sender":[],"first_message_ts":null,"last_message_ts":null}',
  ]);
});

test("the figures are exact right after each POST", async () => {
  for (let count = 1; count <= 15; count++) {
    await service.post(
      message(`m${count}`, { from: "+1", ts: `2025-01-15T10:00:${String(count).padStart(2, "0")}.0Z` }),
    );
    expect(await stats()).toEqual({
      total_messages: count,
      senders_count: 1,
      messages_per_sender: [{ from: "+1", count }],
      first_message_ts: "2025-01-15T10:00:01.0Z",
      last_message_ts: `2025-01-15T10:00:${String(count).padStart(2, "0")}.0Z`,
    });
  }
});

test("a query string changes nothing", async () => {
  expect(await (await service.get("/stats?limit=x&from=%ff")).json()).toEqual(await stats());
});
