/** `/webhook/{source}`: who gets in, what is answered, and what is kept of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { EventRow } from "../../src/core/event-row.ts";
import type { Message } from "../../src/core/message.ts";
import { REFUSAL } from "../databases/refusal.ts";
import { until } from "../until.ts";
import { META, META_SECRET, metaBody, metaPost, signed, status, text } from "./meta-posts.ts";
import { newService, type SentRequest, type TestService } from "./service.ts";
import { chunk, exchange, head, Wire } from "./wire.ts";

const TWILIO_TOKEN = "auth token of the twilio source";
const TWILIO_URL = "https://hooks.example.org/in";
const SLACK_SECRET = "signing secret of the slack source";
const BOT_TOKEN = "token-of-the-telegram-source";
const SOURCES = {
  wa: META,
  sms: { kind: "twilio", secret: TWILIO_TOKEN, public_url: TWILIO_URL },
  team: { kind: "slack", secret: SLACK_SECRET },
  bot: { kind: "telegram", secret: [BOT_TOKEN, "previous-token-of-the-source"] },
};

let service: TestService;
beforeAll(async () => {
  service = await newService({ BODY_BYTES_MAX: "100000" }, { sources: SOURCES });
});
afterAll(() => service.stop());

const idsOf = async () => (await service.rows()).map(({ message_id }) => message_id);
const eventsOf = async (query: string) =>
  ((await (await service.get(`/events?${query}`)).json()) as { data: EventRow[] }).data;
const lineOf = (answer: Response) => service.logLine(answer.headers.get("X-Request-ID"));
const resultOf = (answer: Response) => [answer.status, answer.headers.get("Postern-Result")];

describe("a source that nobody configured", () => {
  test.each(["GET", "POST", "HEAD"])(
    "a source that nobody configured gets 404 for a %s, whatever it brings",
    async (method) => {
      for (const path of [
        "/webhook/nobody",
        "/webhook/WA",
        "/webhook/wa%2F",
        "/webhook/wa%20",
        "/webhook/toString",
      ]) {
        const answer = await service.send(`${path}?hub.mode=subscribe`, {
          method,
          headers: signed("{}").headers ?? {},
          ...(method === "POST" && { body: "{}" }),
        });
        expect([answer.status, answer.headers.get("Postern-Result")]).toEqual([404, null]);
        expect(await answer.text()).toBe(method === "HEAD" ? "" : '{"detail":"Not Found"}');
      }
    },
  );

  test("the body for a source that nobody configured is not even read", async () => {
    const answer = await exchange(
      service.port,
      head("POST /webhook/nobody", { "Content-Length": 99_999_999 }),
    );
    expect(answer?.status).toBe(404);
  });

  test("a source that nobody configured adds no series but that of the pattern", async () => {
    const metrics = await (await service.get("/metrics")).text();
    expect(metrics).not.toContain("nobody");
    expect(metrics).toContain('http_requests_total{method="POST",path="/webhook/{source}",status="404"}');
  });
});

test("a name may come percent-encoded, and not brokenly", async () => {
  expect((await service.sendRaw("/webhook/%77%61", metaPost([text("encoded")]))).status).toBe(200);
  expect(await idsOf()).toContain("wa:encoded");
  for (const path of ["/webhook/w%", "/webhook/%ff", "/webhook/wa%00", "/webhook/wa//", "/webhook/wa/x"])
    expect((await service.sendRaw(path, metaPost([text("broken")]))).status).toBe(404);
  expect(await idsOf()).not.toContain("wa:broken");
});

test("a slash behind the name changes nothing, with any method", async () => {
  const answer = await service.sendRaw("/webhook/wa/", metaPost([text("slashed")]));
  expect([answer.status, answer.headers["postern-result"]]).toEqual([200, "ok"]);
  expect(await idsOf()).toContain("wa:slashed");
  expect(await service.logLine(answer.headers["x-request-id"] ?? "")).toMatchObject({
    path: "/webhook/wa/",
    source: "wa",
  });
  expect((await service.send("/webhook/wa/", { method: "GET" })).status).toBe(401);
  expect((await service.send("/webhook/wa/", { method: "PUT" })).status).toBe(405);
  expect((await service.send("/webhook/nobody/", { method: "GET" })).status).toBe(404);
});

test.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s gets 405 with what is allowed", async (method) => {
  const answer = await service.send("/webhook/wa", { method });
  expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "POST, GET, HEAD"]);
});

describe("a handshake", () => {
  const query = (token: string) =>
    `?hub.mode=subscribe&hub.challenge=0042%2B%22x&hub.verify_token=${encodeURIComponent(token)}`;

  test("a handshake by GET gets the challenge back raw, as plain text, and is no delivery", async () => {
    const before = await eventsOf("");
    const answer = await service.send(`/webhook/wa${query(META.verify_token)}`, { method: "GET" });
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect(answer.headers.get("Content-Type")).toStartWith("text/plain");
    expect(await answer.text()).toBe('0042+"x');
    expect(await lineOf(answer)).toMatchObject({
      level: "INFO",
      source: "wa",
      result: "ok",
      duplicate: false,
      handshake: true,
    });
    expect(await eventsOf("")).toEqual(before);
  });

  test("a handshake with another token gets 403, is logged as a warning, and counts as a wrong signature", async () => {
    for (const token of ["verify token of the meta sourcf", "", META.verify_token.toUpperCase()]) {
      const answer = await service.send(`/webhook/wa${query(token)}`, { method: "GET" });
      expect(resultOf(answer)).toEqual([403, "invalid_signature"]);
      expect(await answer.text()).not.toContain("0042");
      expect(await lineOf(answer)).toMatchObject({
        level: "WARN",
        source: "wa",
        client: "127.0.0.1",
        result: "invalid_signature",
        reason: "the verify token is wrong, or none is configured",
      });
    }
  });

  test("a handshake by POST gets its challenge only when it is signed", async () => {
    const body = JSON.stringify({ type: "url_verification", challenge: 'ch"1' });
    const seconds = Math.floor(Date.now() / 1000);
    const signature = createHmac("sha256", SLACK_SECRET).update(`v0:${seconds}:${body}`).digest("hex");
    const headers = {
      "X-Slack-Request-Timestamp": String(seconds),
      "X-Slack-Signature": `v0=${signature}`,
    };
    const answer = await service.send("/webhook/team", { body, headers });
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect(answer.headers.get("Content-Type")).toStartWith("text/plain");
    expect(await answer.text()).toBe('ch"1');
    expect(await eventsOf("source=team")).toEqual([]);
    const unsigned = await service.send("/webhook/team", { body });
    expect(resultOf(unsigned)).toEqual([401, "invalid_signature"]);
  });
});

describe("a request that proves nothing", () => {
  const without: readonly [string, string, SentRequest, number, string][] = [
    ["no signature", "wa", { body: "{}" }, 401, "the header X-Hub-Signature-256 is missing"],
    [
      "a signature of another body",
      "wa",
      { ...metaPost([text("x1")]), body: metaBody([text("x2")]) },
      401,
      "no secret made this signature",
    ],
    ["another source's secret", "wa", signed("{}", BOT_TOKEN), 401, "no secret made this signature"],
    ["a GET that is no handshake", "wa", { method: "GET" }, 401, "the header X-Hub-Signature-256 is missing"],
    [
      "a GET without a token",
      "bot",
      { method: "GET" },
      401,
      "the header X-Telegram-Bot-Api-Secret-Token is missing",
    ],
    [
      "a wrong Twilio signature",
      "sms",
      { body: "A=1", headers: { "X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" } },
      403,
      "no secret made this signature",
    ],
  ];

  test.each(without)(
    "a request that proves nothing (%s, to %s) is refused, and only the log says why",
    async (_, source, request, code, reason) => {
      const [rows, events] = [await idsOf(), await eventsOf("")];
      const answer = await service.send(`/webhook/${source}`, request);
      expect(resultOf(answer)).toEqual([code, "invalid_signature"]);
      expect(await answer.json()).toEqual({ detail: "invalid signature" });
      const line = await lineOf(answer);
      expect(line).toMatchObject({
        level: "WARN",
        source,
        client: "127.0.0.1",
        result: "invalid_signature",
        duplicate: false,
        reason,
      });
      expect(line["path"]).toBe(`/webhook/${source}`);
      expect([await idsOf(), await eventsOf("")]).toEqual([rows, events]);
    },
  );

  test("a request that proves nothing is refused for its size first: declared, or while it is sent", async () => {
    const declared = await exchange(service.port, head("POST /webhook/wa", { "Content-Length": 100_001 }));
    const chunked = await exchange(
      service.port,
      `${head("POST /webhook/wa", { "Transfer-Encoding": "chunked", "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` })}${chunk("x".repeat(60_000)).repeat(2)}0\r\n\r\n`,
    );
    for (const answer of [declared, chunked]) {
      expect([answer?.status, answer?.body]).toEqual([413, '{"detail":"body too large"}']);
      expect(answer?.headers["postern-result"]).toBe("validation_error");
    }
  });
});

describe("what was verified", () => {
  test("what was verified is answered as Meta expects it", async () => {
    const answer = await service.send("/webhook/wa", metaPost([text("plain")]));
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect(answer.headers.get("Content-Type")).toBe("application/json");
    expect(await answer.text()).toBe('{"status":"ok"}');
  });

  test("what was verified is answered as Twilio expects it, with empty TwiML, for the URL that is configured", async () => {
    const form = { Body: "hi", From: "+14155550123", MessageSid: "SM1", To: "+15005550006" };
    const text = Object.entries(form).flat().join("");
    const send = (at: string, query = "") =>
      service.send(`/webhook/sms${query}`, {
        body: new URLSearchParams(form).toString(),
        headers: {
          Host: "hooks.example.com",
          "X-Forwarded-Host": "hooks.example.com",
          "Content-Type": "application/x-www-form-urlencoded",
          "X-Twilio-Signature": createHmac("sha1", TWILIO_TOKEN)
            .update(at + text)
            .digest("base64"),
        },
      });
    const answer = await send(`${TWILIO_URL}?a=b`, "?a=b");
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect(answer.headers.get("Content-Type")).toStartWith("text/xml");
    expect(await answer.text()).toBe("<Response/>");
    expect(resultOf(await send("https://hooks.example.com/webhook/sms"))).toEqual([403, "invalid_signature"]);
    expect(resultOf(await send(`${TWILIO_URL}?a=b`))).toEqual([403, "invalid_signature"]);
  });

  test("what was verified is stored whole: many messages and statuses of one POST, each under its source's name", async () => {
    const ids = Array.from({ length: 120 }, (_, index) => `batch-${index}`);
    const states = ["sent", "delivered", "read"];
    const request = metaPost(
      ids.map((id) => text(id)),
      states.map((state) => status("batch-0", state)),
    );
    const answer = await service.send("/webhook/wa", request);
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect((await idsOf()).filter((id) => id.startsWith("wa:batch-"))).toEqual(ids.map((id) => `wa:${id}`));
    const events = await eventsOf("message_id=wa:batch-0");
    expect(events.map(({ event_key }) => event_key).sort()).toEqual(
      states.map((state) => `batch-0:${state}`).sort(),
    );
    expect(await lineOf(answer)).toMatchObject({
      level: "INFO",
      source: "wa",
      result: "ok",
      duplicate: false,
      message_id: "wa:batch-0",
      messages: 120,
      events: 3,
    });
  });

  test("what was verified is stored as a whole or not at all", async () => {
    const accept = await service.database.refuse("wa:bad", "statement");
    const request = metaPost([text("good-1"), text("bad"), text("good-2")], [status("good-1")]);
    const refused = await service.send("/webhook/wa", request);
    expect(resultOf(refused)).toEqual([500, "error"]);
    expect(await refused.text()).not.toContain(REFUSAL);
    expect((await idsOf()).filter((id) => /good-|bad/.test(id))).toEqual([]);
    expect(await eventsOf("message_id=wa:good-1")).toEqual([]);
    await accept();
    expect(resultOf(await service.send("/webhook/wa", request))).toEqual([200, "ok"]);
    expect((await idsOf()).filter((id) => /good-|bad/.test(id))).toEqual([
      "wa:good-1",
      "wa:bad",
      "wa:good-2",
    ]);
  });

  test("what was verified is a duplicate only when nothing of it is new, be it an event", async () => {
    const first = [text("again-1")];
    const results = [];
    for (const request of [
      metaPost(first),
      metaPost(first),
      metaPost([...first, text("again-2")]),
      metaPost(first, [status("again-1")]),
      metaPost([], [status("again-1")]),
      metaPost([], [status("again-1", "read")]),
    ]) {
      const answer = await service.send("/webhook/wa", request);
      const line = await lineOf(answer);
      expect(line["duplicate"]).toBe(line["result"] === "duplicate");
      results.push(answer.headers.get("Postern-Result"));
    }
    expect(results).toEqual(["ok", "duplicate", "ok", "ok", "duplicate", "ok"]);
  });

  test("what was verified keeps the first write; what differs is a duplicate, logged at WARN", async () => {
    await service.send("/webhook/wa", metaPost([text("differing", "first words")]));
    const answer = await service.send("/webhook/wa", metaPost([text("differing", "second words")]));
    expect(resultOf(answer)).toEqual([200, "duplicate"]);
    expect(await lineOf(answer)).toMatchObject({ level: "WARN", differs: true, duplicate: true });
    const row = (await service.rows()).find(({ message_id }) => message_id === "wa:differing");
    expect(row?.text).toBe("first words");
  });

  test("what was verified and has other content under an event's key is kept, logged at WARN and counted", async () => {
    const counted = () => service.metric('webhook_events_differing_total{source="bot"}');
    const before = (await counted()) ?? Number.NaN;
    const update = (data: string) => ({
      method: "POST",
      headers: { "X-Telegram-Bot-Api-Secret-Token": BOT_TOKEN, "Content-Type": "application/json" },
      body: JSON.stringify({ update_id: 117314199, callback_query: { id: "1", data } }),
    });
    const results = [];
    for (const data of ["buy", "cancel", "buy", "cancel"]) {
      const answer = await service.send("/webhook/bot", update(data));
      const { level, differs, duplicate } = await lineOf(answer);
      results.push([...resultOf(answer), level, differs, duplicate]);
    }
    expect(results).toEqual([
      [200, "ok", "INFO", undefined, false],
      [200, "ok", "WARN", true, false],
      [200, "duplicate", "INFO", undefined, true],
      [200, "duplicate", "INFO", undefined, true],
    ]);
    const keys = (await eventsOf("source=bot&limit=100")).map(({ event_key }) => event_key);
    expect(keys.filter((key) => key.startsWith("117314199"))).toEqual(["117314199", "117314199#2"]);
    expect(await counted()).toBe(before + 1);
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "hello"],
    ["another JSON", "[1,2]"],
    ["a JSON of another shape", '{"object":"whatsapp_business_account","entry":{"changes":"none"}}'],
    ["deep JSON", "[".repeat(40_000)],
    ["deep JSON in a known place", `{"entry":[{"changes":${"[".repeat(20_000)}${"]".repeat(20_000)}}]}`],
    ["no UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x00])],
  ])("what was verified is never refused for its shape: %s", async (_, body) => {
    const answer = await service.send("/webhook/wa", signed(body));
    expect(resultOf(answer)).toEqual([200, "ok"]);
    const bytes = Buffer.from(body as string);
    const kept = (await eventsOf("source=wa&kind=other&limit=100")).map((event) =>
      event.body_base64 === undefined
        ? Buffer.from(event.body ?? "")
        : Buffer.from(event.body_base64, "base64"),
    );
    expect(kept.some((each) => each.equals(bytes))).toBe(true);
    expect(resultOf(await service.send("/webhook/wa", signed(body)))).toEqual([200, "duplicate"]);
  });

  test("what was verified by either of two secrets is let in", async () => {
    for (const [index, token] of SOURCES.bot.secret.entries()) {
      const answer = await service.send("/webhook/bot", {
        body: `{"update_id":${index}}`,
        headers: { "X-Telegram-Bot-Api-Secret-Token": token },
      });
      expect(resultOf(answer)).toEqual([200, "ok"]);
    }
  });

  test("a POST that comes fifty times at once is stored once", async () => {
    const request = metaPost([text("raced")], [status("raced")]);
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.send("/webhook/wa", request)));
    expect(answers.filter((answer) => answer.headers.get("Postern-Result") === "ok")).toHaveLength(1);
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect((await idsOf()).filter((id) => id === "wa:raced")).toHaveLength(1);
    expect(await eventsOf("message_id=wa:raced")).toHaveLength(1);
  });
});

test("beyond QUEUE_ROWS_MAX a provider gets 503 with Retry-After; what is larger than the queue gets in alone", async () => {
  const small = await newService({ QUEUE_ROWS_MAX: "2" }, { sources: { wa: META } });
  const posts = Array.from({ length: 20 }, (_, index) =>
    metaPost([text(`${index}-1`), text(`${index}-2`)], [status(`${index}-1`)]),
  );
  const answers = await Promise.all(posts.map((given) => small.send("/webhook/wa", given)));
  const refused = answers.filter(({ status: code }) => code === 503);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(resultOf(answer)).toEqual([503, "overloaded"]);
    expect(answer.headers.get("Retry-After")).toBe("1");
  }
  expect(await small.rows()).toHaveLength(2 * (answers.length - refused.length));
  for (const given of posts) expect((await small.send("/webhook/wa", given)).status).toBe(200);
  expect(await small.rows()).toHaveLength(2 * posts.length);
  await small.stop();
});

test("on the way out what was accepted is stored, and what comes now gets 503", async () => {
  const own = await newService({}, { sources: { wa: META } });
  const { body = "", headers = {} } = metaPost([text("accepted")]);
  const [slow, late] = await Promise.all([Wire.connect(own.port), Wire.connect(own.port)]);
  await slow.send(head("POST /webhook/wa", { ...headers, "Content-Length": body.length }));
  // Half of a head, so that the connection isn't closed as one that nobody uses.
  await late.send("GET /webhook/wa?hub.mode=subscribe HTTP/1.1\r\n");
  expect((await own.get("/health/live")).status).toBe(200);
  const stopping = own.stop();
  await until("it to stop", () => own.logText().includes('"message":"stopping"'));
  await late.send("Host: 127.0.0.1\r\n\r\n");
  const refused = await late.answer();
  expect([refused?.status, refused?.headers["postern-result"]]).toEqual([503, "overloaded"]);
  await slow.send(body as string);
  const accepted = await slow.answer();
  expect([accepted?.status, accepted?.headers["postern-result"]]).toEqual([200, "ok"]);
  for (const wire of [slow, late]) wire.end();
  expect(await stopping).toContain('"message_id":"wa:accepted"');
});

describe("a message whose identifier another source's message has", () => {
  test("a message whose identifier another source's message has is kept as an event, and its request is an error for the operator alone", async () => {
    const own = await newService({}, { sources: { a: META, "a:b": META } });
    expect(resultOf(await own.send("/webhook/a", metaPost([text("b:1", "the first one")])))).toEqual([
      200,
      "ok",
    ]);
    const request = metaPost([text("1", "of another source"), text("2")]);
    for (const round of [1, 2]) {
      const answer = await own.send("/webhook/a%3Ab", request);
      expect(resultOf(answer)).toEqual([200, "error"]);
      expect(await answer.text()).toBe('{"status":"ok"}');
      expect(await own.logLine(answer.headers.get("X-Request-ID"))).toMatchObject({
        level: "ERROR",
        source: "a:b",
        conflict: true,
        duplicate: false,
        message_id: "a:b:1",
        messages: 2,
        events: 0,
      });
      expect(await own.metric("webhook_conflicts_total")).toBe(round);
      expect(await own.metric('webhook_messages_total{source="a:b",result="conflict"}')).toBe(round);
    }
    expect((await own.rows()).map(({ message_id, text }) => [message_id, text])).toEqual([
      ["a:b:1", "the first one"],
      ["a:b:2", "text of 2"],
    ]);
    const { data } = (await (await own.get("/events")).json()) as { data: EventRow[] };
    expect(data).toMatchObject([
      { source: "a:b", kind: "other", message_id: "a:b:1", ts: "2023-11-14T22:13:20Z" },
    ]);
    expect(data[0]?.event_key).toMatch(/^conflict:[0-9a-f]{64}$/);
    expect(JSON.parse(data[0]?.body ?? "")).toEqual(text("1", "of another source"));
    expect(await own.metric('webhook_events_total{source="a:b",kind="other"}')).toBe(1);
    await own.stop();
  });

  test("a message whose identifier another source's message has is kept whole when it is a native one", async () => {
    const own = await newService({}, { sources: { wa: META } });
    await own.send("/webhook/wa", metaPost([text("1", "the provider's")]));
    await own.replaceSources({});
    const native: Message = {
      message_id: "wa:1",
      from: "+1",
      to: "+2",
      ts: "2025-01-15T10:00:00.5Z",
      text: "x",
    };
    const answer = await own.post(native);
    expect(resultOf(answer)).toEqual([200, "error"]);
    expect(await own.logLine(answer.headers.get("X-Request-ID"))).toMatchObject({
      level: "ERROR",
      conflict: true,
      source: "native",
    });
    const { data } = (await (await own.get("/events?source=native")).json()) as { data: EventRow[] };
    expect(data).toMatchObject([
      { kind: "other", message_id: "wa:1", ts: native.ts, body: JSON.stringify(native) },
    ]);
    expect((await own.rows()).map(({ text }) => text)).toEqual(["the provider's"]);
    await own.stop();
  });
});

test("none of all this said a secret, and only what was made to fail got a 500", () => {
  for (const secret of [
    META_SECRET,
    META.verify_token,
    TWILIO_TOKEN,
    SLACK_SECRET,
    BOT_TOKEN,
    "hub.",
    "text of ",
  ])
    expect(service.logText()).not.toContain(secret);
  expect(service.logLines().filter((line) => Number(line["status"]) >= 500)).toHaveLength(1);
});
