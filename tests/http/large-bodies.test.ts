/**
 * Bodies that are inspected in a thread of their own: the same answers, whatever they hold; and
 * what GET and HEAD bring.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { EventRow } from "../../src/core/event-row.ts";
import { META, metaBody, metaPost, signed, text } from "./meta-posts.ts";
import { newService, type SentRequest, type TestService } from "./service.ts";

const TOKEN = "auth token of the twilio source";
const URL_ = "https://hooks.example.org/in";
const SMS = { kind: "twilio", secret: TOKEN, public_url: URL_ };
const SID = "SM0123456789abcdef0123456789abcdef";

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: { ...META, keep_headers: ["X-Kept-*"] }, sms: SMS } });
});
afterAll(() => service.stop());

const idsOf = async () => (await service.rows()).map(({ message_id }) => message_id);
const eventsOf = async (query: string) =>
  ((await (await service.get(`/events?${query}`)).json()) as { data: EventRow[] }).data;
const resultOf = (answer: Response) => [answer.status, answer.headers.get("Postern-Result")];
const lineOf = (answer: Response) => service.logLine(answer.headers.get("X-Request-ID"));

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const twilioSignature = (content: string) => ({
  "X-Twilio-Signature": createHmac("sha1", TOKEN).update(content).digest("base64"),
});

/** A form as Twilio signs it: names sorted, each with its value behind it. */
function twilioPost(fields: readonly (readonly [string, string])[]): SentRequest {
  const content = fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).flat();
  return {
    body: new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString(),
    headers: { ...FORM, ...twilioSignature(URL_ + content.join("")) },
  };
}

const MESSAGE = { Body: "hello", From: "+14155550123", MessageSid: SID, To: "+15005550006" };

describe("a large body", () => {
  const batch = (from: number) => Array.from({ length: 3000 }, (_, index) => text(`m${from + index}`));

  test("a large body is stored as a whole and in order, and is a duplicate afterwards", async () => {
    const post = metaPost(batch(0));
    expect(post.body?.length).toBeGreaterThan(300_000);
    expect(resultOf(await service.send("/webhook/wa", post))).toEqual([200, "ok"]);
    expect(await idsOf()).toEqual(batch(0).map(({ id }) => `wa:${id}`));
    const again = await service.send("/webhook/wa", post);
    expect(resultOf(again)).toEqual([200, "duplicate"]);
    expect(await lineOf(again)).toMatchObject({ level: "INFO", messages: 3000, duplicate: true });
  });

  test("a large body that nobody signed is refused, and what is sent beside it is answered", async () => {
    const wrong = { ...signed("{}"), body: metaBody(batch(5000)) };
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => service.send("/webhook/wa", wrong)),
      ...Array.from({ length: 4 }, (_, index) => service.send("/webhook/wa", metaPost(batch(3000 + index)))),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([...Array(8).fill(401), ...Array(4).fill(200)]);
    expect((await idsOf()).length).toBe(3000 + 3003);
    expect(await lineOf(answers[0] as Response)).toMatchObject({ reason: "no secret made this signature" });
  });

  test("a large body comes with the headers that its source keeps, and never with its signature", async () => {
    const post = metaPost([text("with-headers", "z".repeat(20_000))]);
    const headers = { ...post.headers, "X-Kept-Id": "7", "X-Other": "8" };
    expect(resultOf(await service.send("/webhook/wa", { ...post, headers }))).toEqual([200, "ok"]);
    const found = (await (await service.get("/messages/wa:with-headers")).json()) as { headers: object };
    expect(found.headers).toEqual({
      "content-type": "application/json",
      "user-agent": expect.any(String),
      "x-kept-id": "7",
    });
  });

  test("a large body of the native source is verified and checked like a small one", async () => {
    const native = { message_id: "large", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z", text: "x" };
    const more = { ...native, other: "y".repeat(100_000) };
    expect((await service.post(more, { "X-Signature": "0".repeat(64) })).status).toBe(401);
    expect(resultOf(await service.post(more))).toEqual([200, "ok"]);
    expect(resultOf(await service.post(more))).toEqual([200, "duplicate"]);
    const wrong = (await (await service.post({ ...more, from: "1" })).json()) as { detail: object[] };
    expect(wrong.detail).toMatchObject([{ loc: ["body", "from"] }]);
    const taken = (await (await service.post({ ...more, message_id: "wa:1" })).json()) as {
      detail: object[];
    };
    expect(taken.detail).toMatchObject([{ loc: ["body", "message_id"] }]);
  });
});

describe("what was verified and is too much", () => {
  const objects = `{"object":"whatsapp_business_account","entry":[${"{},".repeat(120_000)}{}]}`;
  const nested = `${"[".repeat(300)}${"]".repeat(300)}`;
  const parameters = Array.from({ length: 1200 }, (_, index) => [`N${index}`, "1"] as const);

  test.each<[string, string, SentRequest, string]>([
    ["items", "wa", signed(objects), "more than 100000 items"],
    [
      "messages",
      "wa",
      metaPost(Array.from({ length: 10_001 }, (_, index) => text(`p${index}`))),
      "more than 10000 parts",
    ],
    ["levels", "wa", signed(nested), "nested deeper than 200 levels"],
    ["values", "wa", signed(`[${"1,".repeat(1_000_000)}1]`), "more than 1000000 values and names"],
    [
      "parameters",
      "sms",
      twilioPost([...Object.entries(MESSAGE), ...parameters]),
      "more than 1000 parameters",
    ],
  ])(
    "what was verified and is too much (%s, to %s) is kept whole as one event, counted and told",
    async (_, source, post, why) => {
      const series = `webhook_kept_whole_total{source="${source}"}`;
      const before = (await service.metric(series)) ?? 0;
      const rows = (await idsOf()).length;
      const answer = await service.send(`/webhook/${source}`, post);
      expect(resultOf(answer)).toEqual([200, "ok"]);
      expect(await lineOf(answer)).toMatchObject({ level: "WARN", kept_whole: why, messages: 0, events: 1 });
      expect(await service.metric(series)).toBe(before + 1);
      expect((await idsOf()).length).toBe(rows);
      const kept = (await eventsOf(`source=${source}`)).filter(({ body }) => body === post.body);
      expect(kept).toMatchObject([{ kind: "other", message_id: null }]);
      expect(resultOf(await service.send(`/webhook/${source}`, post))).toEqual([200, "duplicate"]);
    },
  );

  test("a body of the native source that is too much is a mistake", async () => {
    const message = { message_id: "n", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z" };
    const answer = await service.post({ ...message, more: Array.from({ length: 20_000 }, () => 1) });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ type: "json_too_complex", loc: ["body"] }] });
  });
});

describe("a request without a body", () => {
  const ofEmpty = signed("");

  test("a request without a body by GET is refused where the scheme doesn't sign its query, however it is signed", async () => {
    const before = await eventsOf("source=wa");
    for (const query of ["?a=1", "?a=2", ""]) {
      const answer = await service.send(`/webhook/wa${query}`, {
        method: "GET",
        headers: ofEmpty.headers ?? {},
      });
      expect(resultOf(answer)).toEqual([401, "invalid_signature"]);
      expect(await lineOf(answer)).toMatchObject({
        reason: "it came by GET, and this source's scheme doesn't sign the query",
      });
    }
    expect(await eventsOf("source=wa")).toEqual(before);
  });

  test("a request without a body by GET is a message where the URL is signed; by HEAD it is never stored", async () => {
    const query = new URLSearchParams({ ...MESSAGE, MessageSid: SID.replace("0", "f") }).toString();
    const headers = twilioSignature(`${URL_}?${query}`);
    const before = await idsOf();
    const head = await service.send(`/webhook/sms?${query}`, { method: "HEAD", headers });
    expect(resultOf(head)).toEqual([200, "ok"]);
    expect(await idsOf()).toEqual(before);
    const get = await service.send(`/webhook/sms?${query}`, { method: "GET", headers });
    expect(resultOf(get)).toEqual([200, "ok"]);
    expect(await idsOf()).toEqual([...before, `sms:${SID.replace("0", "f")}`]);
  });

  test("a request without a body by HEAD is answered without a proof: some ask so before they save an address", async () => {
    const answer = await service.send("/webhook/wa", { method: "HEAD" });
    expect(resultOf(answer)).toEqual([200, "ok"]);
    expect(await answer.text()).toBe("");
  });
});
