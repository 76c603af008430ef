/** What a 200 of the webhook means: stored now, once, and told apart from a duplicate. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { REFUSAL } from "../databases/refusal.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService();
});
afterAll(() => service.stop());

const counted = async (result: string) =>
  (await service.metric(`webhook_requests_total{source="native",result="${result}"}`)) ?? 0;
const ACCEPTED = '{"status":"ok"}';

test("a 200 has the constant body, and the row can be read by anybody at once", async () => {
  for (let index = 0; index < 20; index++) {
    const answer = await service.post(message(`at once ${index}`));
    expect(answer.status).toBe(200);
    expect((await service.rows()).at(-1)).toEqual(message(`at once ${index}`));
    expect(await answer.text()).toBe(ACCEPTED);
    expect(answer.headers.get("Content-Type")).toStartWith("application/json");
  }
});

test("new and duplicate get the same body; Postern-Result, counter and log tell which", async () => {
  const before = { ok: await counted("ok"), duplicate: await counted("duplicate") };
  const first = await service.post(message("twice"));
  const second = await service.post(message("twice"));
  expect(await first.text()).toBe(ACCEPTED);
  expect(await second.text()).toBe(ACCEPTED);
  expect([first, second].map(({ headers }) => headers.get("Postern-Result"))).toEqual(["ok", "duplicate"]);
  expect({ ok: await counted("ok"), duplicate: await counted("duplicate") }).toEqual({
    ok: before.ok + 1,
    duplicate: before.duplicate + 1,
  });
  const lines = await Promise.all(
    [first, second].map(({ headers }) => service.logLine(headers.get("X-Request-ID"))),
  );
  expect(lines).toMatchObject([
    { level: "INFO", message_id: "twice", duplicate: false, result: "ok", source: "native", status: 200 },
    {
      level: "INFO",
      message_id: "twice",
      duplicate: true,
      result: "duplicate",
      source: "native",
      status: 200,
    },
  ]);
  for (const line of lines) expect(line).not.toHaveProperty("differs");
});

test("a duplicate that differs keeps the first write, and is logged at WARN and counted", async () => {
  await service.post(message("kept", { text: "first" }));
  const before = (await service.metric("webhook_duplicates_differing_total")) ?? Number.NaN;
  const answer = await service.post(message("kept", { text: "second" }));
  expect([answer.status, await answer.text(), answer.headers.get("Postern-Result")]).toEqual([
    200,
    ACCEPTED,
    "duplicate",
  ]);
  expect((await service.rows()).filter(({ message_id }) => message_id === "kept")).toEqual([
    message("kept", { text: "first" }),
  ]);
  const line = await service.logLine(answer.headers.get("X-Request-ID"));
  expect(line).toMatchObject({ level: "WARN", differs: true, duplicate: true, result: "duplicate" });
  expect(await service.metric("webhook_duplicates_differing_total")).toBe(before + 1);
});

test("the same message in other JSON does not differ", async () => {
  const { text: _, ...rest } = message("other JSON");
  await service.post(message("other JSON", { text: null }));
  const answer = await service.post(JSON.stringify({ extra: 1, ...rest }, null, 3));
  const line = await service.logLine(answer.headers.get("X-Request-ID"));
  expect(line).toMatchObject({ level: "INFO", duplicate: true });
});

test("fifty posts of one message at once get fifty 200, one of them as new, and one row", async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => service.post(message("raced"))));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const results = answers.map(({ headers }) => headers.get("Postern-Result"));
  expect(results.filter((result) => result === "ok")).toHaveLength(1);
  expect(results.filter((result) => result === "duplicate")).toHaveLength(49);
  expect((await service.rows()).filter(({ message_id }) => message_id === "raced")).toHaveLength(1);
});

test("a 200 waits for the commit: while somebody else holds the database there is none", async () => {
  const release = await service.database.hold();
  let answered = false;
  const posting = service.post(message("held")).finally(() => {
    answered = true;
  });
  // Health and reads go on meanwhile.
  for (let index = 0; index < 20; index++) expect((await service.get("/health/live")).status).toBe(200);
  expect((await service.get("/messages?message_id=held")).status).toBe(200);
  expect(answered).toBe(false);
  await release();
  expect((await posting).status).toBe(200);
});

describe("a message that the engine refuses", () => {
  test("a message that the engine refuses gets 500 alone, says nothing of the engine, and the others get 200", async () => {
    const accept = await service.database.refuse("bad", "statement");
    const ids = Array.from({ length: 64 }, (_, index) => (index === 31 ? "bad" : `good ${index}`));
    const answers = await Promise.all(ids.map((id) => service.post(message(id))));
    expect(answers.map(({ status }) => status)).toEqual(ids.map((id) => (id === "bad" ? 500 : 200)));
    const refused = answers[31] as Response;
    expect(refused.headers.get("Postern-Result")).toBe("error");
    expect(await refused.text()).not.toContain(REFUSAL);
    const line = await service.logLine(refused.headers.get("X-Request-ID"));
    expect(line).toMatchObject({ level: "ERROR", status: 500, result: "error" });
    expect(String(line["error"])).toContain(REFUSAL);
    expect((await service.get("/health/ready")).status).toBe(200);
    await accept();
    expect((await service.post(message("bad"))).status).toBe(200);
  });
});

test("beyond QUEUE_ROWS_MAX there is 503 with Retry-After, and every 200 is a row", async () => {
  const small = await newService({ QUEUE_ROWS_MAX: "4" });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => small.post(message(`m${index}`))),
  );
  const refused = answers.filter(({ status }) => status === 503);
  expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) {
    expect([headers.get("Retry-After"), headers.get("Postern-Result")]).toEqual(["1", "overloaded"]);
  }
  expect(await small.rows()).toHaveLength(200 - refused.length);
  const overloaded = await small.metric('webhook_requests_total{source="native",result="overloaded"}');
  expect(overloaded).toBe(refused.length);
  await until("all get in by retrying", async () => {
    const again = await small.post(message(`m${(await small.rows()).length}`));
    await again.text();
    return again.status === 200;
  });
  await small.stop();
});

test("after a stop and a start of the service a retry is still a duplicate", async () => {
  const database = await newDatabase();
  const first = await newService({}, { database });
  expect((await first.post(message("m"))).headers.get("Postern-Result")).toBe("ok");
  await first.stop();
  const second = await newService({}, { database });
  expect((await second.post(message("m"))).headers.get("Postern-Result")).toBe("duplicate");
  await second.stop();
  await database.drop();
});
