/** Handshakes and answers that a configuration says, against the whole service. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { newService, type SentRequest, type TestService } from "./service.ts";

const SECRET = "secret of the handshakes' sources";
const generic = (options: object) => ({
  kind: "generic",
  secret: SECRET,
  scheme: { algorithm: "hmac-sha256", encoding: "hex", header: "X-Sig", signed: "{body}" },
  ...options,
});
const events = {
  match: { method: "OPTIONS", header: { "WebHook-Request-Origin": "*" } },
  answer: {
    text: "",
    headers: { "WebHook-Allowed-Origin": "{header.WebHook-Request-Origin}", "WebHook-Allowed-Rate": "120" },
  },
};
const SOURCES = {
  plain: generic({}),
  grid: generic({ handshakes: [events] }),
  graph: generic({
    handshakes: [
      {
        match: { query: { validationToken: "*" } },
        signed: false,
        answer: { text: "{query.validationToken}" },
      },
    ],
  }),
  ping: generic({
    handshakes: [{ match: { json: { ping: true } }, signed: false, answer: { json: { pong: "{json.n}" } } }],
  }),
  kept: generic({
    handshakes: [{ match: { json: { ask: "*" } }, keep: true, answer: { status: 202, text: "{json.ask}" } }],
    delivery_id: "json id",
  }),
  head: generic({
    handshakes: [{ match: { method: "HEAD" }, answer: { text: "", headers: { "X-Ready": "yes" } } }],
  }),
  accepted: generic({ answer: { body: "[accepted]" } }),
  created: generic({ answer: { status: 201, type: "application/json", body: '{"ok":1}' } }),
  nothing: generic({ answer: { status: 204 } }),
  empty: generic({ answer: { body: "" } }),
};

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: SOURCES });
});
afterAll(() => service.stop());

const signed = (body: string): SentRequest => ({
  body,
  headers: { "X-Sig": createHmac("sha256", SECRET).update(body).digest("hex") },
});
const eventsOf = async (source: string) =>
  (
    (await (await service.get(`/events?source=${source}`)).json()) as {
      data: { kind: string; event_key: string }[];
    }
  ).data;
const lineOf = (answer: Response) => service.logLine(answer.headers.get("X-Request-ID"));

describe("OPTIONS", () => {
  const asked = { method: "OPTIONS", headers: { "WebHook-Request-Origin": "eventgrid.azure.net" } };

  test("OPTIONS is answered by the handshake of a source that has one, and is logged as that", async () => {
    const answer = await service.send("/webhook/grid", asked);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(answer.headers.get("WebHook-Allowed-Origin")).toBe("eventgrid.azure.net");
    expect(answer.headers.get("WebHook-Allowed-Rate")).toBe("120");
    expect(answer.headers.get("Content-Type")).toBeNull();
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(await lineOf(answer)).toMatchObject({ source: "grid", result: "ok", handshake: true });
  });

  test.each([
    ["/webhook/plain", asked],
    ["/webhook/nobody", asked],
    ["/webhook/grid", { method: "OPTIONS" }],
  ])("OPTIONS that is no handshake stays 405: %s", async (path, request) => {
    const answer = await service.send(path, request);
    expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "POST, GET, HEAD"]);
    expect(answer.headers.get("WebHook-Allowed-Origin")).toBeNull();
    expect(answer.headers.get("Postern-Result")).toBeNull();
  });
});

test("HEAD has an answer of its own where a handshake says one", async () => {
  const answer = await service.send("/webhook/head", { method: "HEAD" });
  expect([answer.status, answer.headers.get("X-Ready")]).toEqual([200, "yes"]);
});

test("an unsigned POST by its query is answered as plain text without sniffing, and nothing is stored", async () => {
  const token = "Validation: Testing <script>alert(1)</script>";
  const answer = await service.send(`/webhook/graph?validationToken=${encodeURIComponent(token)}`, {
    body: "",
  });
  expect([answer.status, await answer.text()]).toEqual([200, token]);
  expect(answer.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(await lineOf(answer)).toMatchObject({ level: "INFO", handshake: true, duplicate: false });
  expect(await eventsOf("graph")).toEqual([]);
});

test.each([10, 30_000])(
  "an unsigned POST by its body is answered, others are refused, and signed ones are kept: %d spaces",
  async (spaces) => {
    const space = " ".repeat(spaces);
    const asked = await service.send("/webhook/ping", { body: `{"ping":true,"n":"7"}${space}` });
    expect([asked.status, await asked.text()]).toEqual([200, '{"pong":"7"}']);
    const other = `{"ping":false}${space}`;
    const refused = await service.send("/webhook/ping", { body: other });
    expect(refused.status).toBe(401);
    expect(await lineOf(refused)).toMatchObject({ level: "WARN", reason: expect.stringContaining("X-Sig") });
    const before = (await eventsOf("ping")).length;
    expect((await service.send("/webhook/ping", signed(other))).status).toBe(200);
    expect(await eventsOf("ping")).toHaveLength(before + 1);
  },
);

test("an unsigned POST that is too long to be a handshake is refused", async () => {
  const answer = await service.send("/webhook/ping", { body: `{"ping":true,"n":"7"}${" ".repeat(65_536)}` });
  expect(answer.status).toBe(401);
});

test("answers to handshakes don't count as failed attempts", async () => {
  const limited = await newService(
    { FAILED_AUTH_PER_MINUTE: "2", TRUSTED_PROXIES: "127.0.0.1" },
    { sources: SOURCES },
  );
  try {
    const from = { "X-Forwarded-For": "203.0.113.9" };
    const ask = () => limited.send("/webhook/ping", { body: '{"ping":true,"n":"1"}', headers: from });
    for (let count = 0; count < 5; count++) expect((await ask()).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 4; count++)
      statuses.push((await limited.send("/webhook/ping", { body: "{}", headers: from })).status);
    expect(statuses).toContain(429);
    expect((await ask()).status).toBe(200);
  } finally {
    await limited.stop();
  }
});

test("a signed handshake that is kept is one event too, and what it asked is answered again", async () => {
  const body = '{"ask":"who?","id":"k-1"}';
  for (const result of ["ok", "duplicate"]) {
    const answer = await service.send("/webhook/kept", signed(body));
    expect([answer.status, await answer.text()]).toEqual([202, "who?"]);
    expect(answer.headers.get("Postern-Result")).toBe(result);
    expect(await lineOf(answer)).toMatchObject({ handshake: true, events: 1 });
  }
  expect(await eventsOf("kept")).toMatchObject([{ kind: "other", event_key: "k-1" }]);
  expect((await service.send("/webhook/kept", { body })).status).toBe(401);
});

test.each([
  ["accepted", 200, "text/plain; charset=utf-8", "[accepted]"],
  ["created", 201, "application/json", '{"ok":1}'],
  ["nothing", 204, null, ""],
  ["empty", 200, null, ""],
])("what is stored is answered as the source says: %s", async (source, status, type, body) => {
  for (const result of ["ok", "duplicate"]) {
    const answer = await service.send(`/webhook/${source}`, signed('{"a":1}'));
    expect([answer.status, answer.headers.get("Content-Type"), await answer.text()]).toEqual([
      status,
      type,
      body,
    ]);
    expect(answer.headers.get("Postern-Result")).toBe(result);
  }
  expect(await eventsOf(source)).toHaveLength(1);
  const unsigned = await service.send(`/webhook/${source}`, { body: "{}" });
  expect([unsigned.status, await unsigned.json()]).toEqual([401, { detail: "invalid signature" }]);
});
