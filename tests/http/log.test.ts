/** The log: one line a request, all of it, soon, and nothing in it that should stay unsaid. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newService, SECRET, type TestService } from "./service.ts";
import { exchange, head } from "./wire.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService({ API_TOKEN: "token-that-stays-unsaid" });
});
afterAll(() => service.stop());

const REQUEST_FIELDS = ["timestamp", "level", "request_id", "method", "path", "status", "latency_ms"];
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("a line at the start says where it listens", async () => {
  const line = await until("the line", () =>
    service.logLines().find(({ message }) => message === "listening"),
  );
  expect(line).toMatchObject({ level: "INFO", message: "listening", port: service.port, host: "127.0.0.1" });
});

test("a request's line has the contract's fields, of the right types", async () => {
  const answer = await service.get("/stats?secret=query");
  const line = await service.logLine(answer.headers.get("X-Request-ID"));
  expect(Object.keys(line)).toEqual(REQUEST_FIELDS);
  expect(line).toMatchObject({ level: "INFO", method: "GET", path: "/stats", status: 200 });
  expect(String(line["timestamp"])).toMatch(ISO);
  expect(line["latency_ms"]).toBeNumber();
  expect(line["latency_ms"]).toBeGreaterThanOrEqual(0);
});

test.each([
  ["stored", 200, "ok", "INFO", message("logged"), {}],
  ["a duplicate", 200, "duplicate", "INFO", message("logged"), {}],
  ["a differing duplicate", 200, "duplicate", "WARN", message("logged", { text: "other" }), {}],
  ["refused for its signature", 401, "invalid_signature", "WARN", message("logged"), { "X-Signature": "x" }],
  ["refused for its fields", 422, "validation_error", "INFO", {}, {}],
] as const)(
  "a webhook that was %s has result, duplicate and source on its line",
  async (_, status, result, level, body, headers) => {
    const answer = await service.post(body, headers);
    const line = await service.logLine(answer.headers.get("X-Request-ID"));
    expect(line).toMatchObject({ method: "POST", path: "/webhook", status, result, level, source: "native" });
    expect(line["duplicate"]).toBe(result === "duplicate");
    expect(line["message_id"]).toBe(status === 200 ? "logged" : (undefined as never));
    for (const field of REQUEST_FIELDS) expect(line).toHaveProperty(field);
  },
);

test("a webhook that was too large has result, duplicate and source on its line too", async () => {
  const answer = await exchange(
    service.port,
    head("POST /webhook", { "Content-Length": 99_999_999, "X-Request-ID": "large" }),
  );
  expect(answer?.status).toBe(413);
  expect(await service.logLine("large")).toMatchObject({
    status: 413,
    result: "validation_error",
    duplicate: false,
    source: "native",
  });
});

test("every request has one line, and every line is one JSON object", async () => {
  const before = requestLines().length;
  const count = 300;
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      [
        () => service.post(message(`many ${index}`)),
        () => service.post("{", { "X-Signature": "" }),
        () => service.get("/stats"),
        () => service.get(`/nothing/${index}`),
        () => service.post([1, 2]),
      ][index % 5]?.(),
    ),
  );
  await until("as many lines", () => requestLines().length >= before + count);
  expect(requestLines()).toHaveLength(before + count);
  expect(new Set(requestLines().map((line) => line["request_id"])).size).toBe(before + count);
});

const requestLines = () => service.logLines().filter((line) => "request_id" in line);

test("line breaks and quotes from outside stay within their field", async () => {
  const id = 'line\nbreak "quote" \\ \u2028 \u{1f600}';
  const answer = await service.post(message(id));
  expect((await service.logLine(answer.headers.get("X-Request-ID")))["message_id"]).toBe(id);
  for (const path of ['/"', "/%0a%0d", "/\\", `/${"é".repeat(500)}`, "/\u0001x"]) {
    await exchange(service.port, head(`GET ${Buffer.from(path).toString("latin1")}`));
  }
  await service.post(message("after"));
  expect(() => service.logLines()).not.toThrow();
});

test("no secret, signature, token, query string or text is ever in the log", async () => {
  const text = "words-that-stay-unsaid";
  const body = JSON.stringify(message("private", { text }));
  const signature = sign(SECRET, body);
  await service.post(body);
  await service.post(JSON.stringify(message("private", { text: `${text} 2` })));
  await service.post(JSON.stringify({ ...message("private"), text: [text] }));
  await service.post(`{"text":"${text}"`);
  await service.post(body, { "X-Signature": "feedface".repeat(8) });
  await service.get(`/messages?q=${text}&from=%2B919876543210&token=query-that-stays-unsaid`);
  await service.get(`/messages?limit=${text}`);
  await service.get(`/messages/?q=${text}`);
  await service.get(`/nothing?q=${text}`);
  await service.get("/stats", { headers: { Authorization: `Bearer ${text}` } });
  const last = await service.get("/health/live");
  await service.logLine(last.headers.get("X-Request-ID"));
  const log = service.logText();
  for (const unsaid of [
    SECRET,
    signature,
    "feedface",
    "token-that-stays-unsaid",
    text,
    "query-that-stays-unsaid",
    "?",
    "919876543210",
  ]) {
    expect(log).not.toContain(unsaid);
  }
});

test("the log is complete when the service has stopped", async () => {
  const other = await newService();
  const ids = await Promise.all(
    Array.from({ length: 200 }, async (_, index) =>
      (await other.post(message(`m${index}`))).headers.get("X-Request-ID"),
    ),
  );
  const log = await other.stop();
  for (const id of ids) expect(log).toContain(`"request_id":"${id}"`);
  expect(log.trimEnd().split("\n").at(-1)).toContain('"message":"stopped"');
});

describe("LOG_LEVEL", () => {
  test.each([
    ["ERROR", ["ERROR"]],
    ["warn", ["WARN", "ERROR"]],
    ["Info", ["INFO", "WARN", "ERROR"]],
  ] as const)("%s keeps lines below it away", async (level, kept) => {
    const other = await newService({ LOG_LEVEL: level });
    await other.post(message("m"));
    await other.post(message("m", { text: "differs" }));
    const accept = await other.database.refuse("bad", "statement");
    const failed = await other.post(message("bad"));
    await other.logLine(failed.headers.get("X-Request-ID"));
    await accept();
    const levels = new Set(other.logLines().map((line) => String(line["level"])));
    expect([...levels].sort()).toEqual([...kept].sort());
    await other.stop();
  });
});
