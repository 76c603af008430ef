/** `GET /metrics` of destinations: how each stands, and what its attempts came to. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { destinationTo, FOR_LONG, SECRET } from "./destination.ts";
import { answers, newReceiver, type Receiver } from "./receiver.ts";

let receiver: Receiver;
let service: TestService;
beforeEach(async () => {
  receiver = await newReceiver({ secrets: [SECRET] });
});
afterEach(async () => {
  await service.stop();
  await receiver.close();
});

const config = (more: Partial<DestinationConfig> = {}) =>
  destinationTo(receiver.url, { retryMs: [50], ...more });
const serve = async (...destinations: DestinationConfig[]) => {
  service = await newService({}, { destinations });
};
const post = async (id: string, from = "+1") =>
  expect((await service.post(message(id, { from }))).status).toBe(200);
/** Without the name's beginning, and with the labels behind the destination's. */
const metric = (name: string, labels = "") =>
  service.metric(`postern_destination_${name}{destination="app"${labels}}`);
const states = async () => {
  const all = ["ok", "down", "paused", "inactive"];
  const values = await Promise.all(all.map((state) => metric("state", `,state="${state}"`)));
  return all.filter((_, index) => values[index] === 1).join(" ");
};

test("a destination that has had nothing has every series, at 0", async () => {
  await serve(config());
  for (const result of ["success", "failure"])
    expect(await metric("attempts_total", `,result="${result}"`)).toBe(0);
  for (const name of ["lag_records", "lag_seconds", "overdue_seconds", "put_aside", "dead"])
    expect([name, await metric(name)]).toEqual([name, 0]);
  expect(await metric("answer_seconds_count")).toBe(0);
  expect(await states()).toBe("ok");
});

test("attempts count by what came of them, and each answer's time is in a bucket", async () => {
  await serve(config());
  receiver.behave((answer, { body }) =>
    answers(JSON.parse(body).data.message_id === "bad" ? 500 : 200)(answer, undefined as never),
  );
  await post("bad", "+1");
  await post("good", "+2");
  await until("the bad one is dead", async () => (await metric("dead")) === 1);
  await until(
    "the good one has come",
    async () => (await metric("attempts_total", ',result="success"')) === 1,
  );
  expect(await metric("attempts_total", ',result="failure"')).toBe(2);
  expect(await metric("answer_seconds_count")).toBe(3);
  const text = await (await service.get("/metrics")).text();
  expect(text).toMatch(/^postern_destination_answer_seconds_bucket\{.*le="\+Inf".*\} 3$/m);
});

test("a paused destination says so, and how far it falls behind", async () => {
  await serve(config());
  expect((await service.send("/destinations/app/pause", { method: "POST" })).status).toBe(200);
  await post("a");
  await post("b");
  await until("it is told that it is paused", async () => (await states()) === "paused");
  await until("both are behind", async () => (await metric("lag_records")) === 2);
  await until("its lag has an age", async () => ((await metric("lag_seconds")) ?? 0) > 0);
});

test("a destination that nobody answers for is down", async () => {
  await serve(config({ url: "http://127.0.0.1:1", retryMs: FOR_LONG }));
  for (const [index, id] of ["a", "b", "c"].entries()) await post(id, `+${index}`);
  await until("it is down", async () => (await states()) === "down");
});

test("what is put aside is overdue from the time at which it should have been tried", async () => {
  await serve(config({ retryMs: FOR_LONG }));
  receiver.behave((answer, { body }) =>
    answers(JSON.parse(body).data.message_id === "bad" ? 500 : 200)(answer, undefined as never),
  );
  await post("bad", "+1");
  await post("good", "+2");
  await until("it is put aside", async () => (await metric("put_aside")) === 1);
  await service.send("/destinations/app/pause", { method: "POST" });
  await until("it is overdue", async () => ((await metric("overdue_seconds")) ?? 0) > 0);
});

test("one that was taken out of the file is inactive, and has no lag that anybody could tell", async () => {
  await serve(config());
  await service.replaceSources({}, []);
  expect(await states()).toBe("inactive");
  expect(await metric("lag_records")).toBeUndefined();
  expect(await metric("overdue_seconds")).toBeUndefined();
  expect(await metric("attempts_total", ',result="success"')).toBeUndefined();
  expect(await metric("dead")).toBe(0);
});
