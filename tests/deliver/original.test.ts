/**
 * Providers' own requests, handed on: receivers check them as they check their provider's, by the
 * rules of Meta (whose Chatwoot and n8n use), Slack and Twilio.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import type { RecordKind } from "../../src/core/changes.ts";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import type { SourceConfig } from "../../src/core/source.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { META_SECRET, metaBody, signed, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { until } from "../until.ts";
import { answers, inTurn, newReceiver, type Receiver } from "./receiver.ts";

const OWN = "the secret of the app that gets it";
const SLACK_SECRET = "signing secret of the slack source";
const TWILIO_SECRET = "auth token of the twilio source";
const WEBHOOK = "https://postern.example.org/webhook/twilio";
const SOURCES = {
  wa: { kind: "meta", secret: META_SECRET, keep_headers: ["x-trace"] },
  slack: { kind: "slack", secret: SLACK_SECRET },
  twilio: { kind: "twilio", secret: TWILIO_SECRET, public_url: WEBHOOK },
} satisfies Record<string, SourceConfig>;

let receiver: Receiver;
let database: Database;
let service: TestService;
beforeEach(async () => {
  receiver = await newReceiver();
  database = await newDatabase();
});
afterEach(async () => {
  await service.stop();
  await receiver.close();
  await database.drop();
});

interface Said {
  readonly sources?: readonly string[];
  readonly kinds?: readonly RecordKind[];
  readonly path?: string;
  readonly [member: string]: unknown;
}

/** As a file says it. */
const app = ({ path = "/hook", ...more }: Said = {}): DestinationConfig => {
  const destination = {
    ...{ url: `${receiver.url}${path}`, secret: OWN, body: "original", sources: ["wa"], kinds: "all" },
    ...{ start: "start", allow_private: true, retry: ["100ms", "100ms", "100ms", "1s"], ...more },
  };
  const file = { sources: SOURCES, destinations: { app: destination } };
  const [config] = parseConfigFile(JSON.stringify(file), "/postern.json", {}).destinations;
  if (config === undefined) throw new Error("no destination");
  return config;
};
const serve = async (...destinations: DestinationConfig[]) => {
  service = await newService({}, { database, sources: SOURCES, destinations });
};
const take = async (body: string, headers: Record<string, string> = {}) => {
  const post = signed(body);
  const answer = await service.send("/webhook/wa", { ...post, headers: { ...post.headers, ...headers } });
  expect(answer.status).toBe(200);
};
const got = () => receiver.received;
const has = (count: number) => until(`${count} requests`, () => got().length >= count);
const settled = () =>
  until("everything is handed on", async () => {
    const shown = await (await service.get("/destinations/app")).json();
    const { lag_records, put_aside } = shown as { lag_records: number; put_aside: number };
    return lag_records + put_aside === 0;
  });
const isMetas = ({ headers, body }: { headers: Readonly<Record<string, string>>; body: string }) =>
  headers["x-hub-signature-256"] === `sha256=${createHmac("sha256", OWN).update(body).digest("hex")}`;

describe("the provider's own request", () => {
  test("comes once a POST, byte for byte, with its headers, as Chatwoot and n8n check Meta's", async () => {
    await serve(app());
    const body = `  ${metaBody([text("m1", "été ✓"), text("m2")], [status("m0")])}\n`;
    await take(body, { "X-Trace": "café", "User-Agent": "facebookexternalua" });
    await has(1);
    await settled();
    expect(got()).toHaveLength(1);
    const [first] = got();
    expect(first?.body).toBe(body);
    expect(first?.path).toBe("/hook");
    expect(isMetas(first ?? { headers: {}, body: "" })).toBe(true);
    expect(first?.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "facebookexternalua",
      "webhook-id": expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      "postern-attempt": "1",
    });
    expect(first?.headers).not.toHaveProperty("webhook-signature");
    expect(Buffer.from(first?.headers["x-trace"] ?? "", "latin1").toString()).toBe("café");
  });

  test("isn't sent for duplicates, nor for what the filter leaves out", async () => {
    await serve(app({ kinds: ["message"] }));
    await take(metaBody([text("m1")]));
    await take(metaBody([text("m1")]));
    await take(metaBody([], [status("m1")]));
    const mixed = metaBody([text("m1"), text("m2")], [status("m2")]);
    await take(mixed);
    await has(2);
    await settled();
    expect(got().map(({ body }) => body)).toEqual([metaBody([text("m1")]), mixed]);
  });

  test("keeps the order, also of what failed, and a retry sends the same again", async () => {
    receiver.behave(inTurn(answers(500), answers(500), answers(200)));
    await serve(app({ kinds: ["message"] }));
    const bodies = [1, 2, 3, 4].map((post) => metaBody([text(`a${post}`), text(`b${post}`)]));
    for (const body of bodies) await take(body);
    await has(6);
    await settled();
    expect(got().map(({ body }) => body)).toEqual([bodies[0], bodies[0], ...bodies] as string[]);
    expect(new Set(got().map(({ id }) => id)).size).toBe(4);
    expect(got().every(isMetas)).toBe(true);
  });

  test("comes once through a restart in the middle, and again by a replay", async () => {
    receiver.behave(answers(503));
    await serve(app({ retry: ["1h"] }));
    const bodies = [1, 2, 3].map((post) => metaBody([text(`a${post}`)], [status(`a${post}`)]));
    for (const body of bodies) await take(body);
    await has(1);
    await service.stop();
    receiver.behave(answers(200));
    got().length = 0;
    await serve(app());
    await has(3);
    await settled();
    expect(got().map(({ body }) => body)).toEqual(bodies);
    const answer = await service.send("/destinations/app/replay", {
      body: JSON.stringify({ after: "start", rate: "100/s" }),
    });
    expect(answer.status).toBeLessThan(300);
    await has(6);
    await settled();
    expect(got().map(({ body }) => body)).toEqual([...bodies, ...bodies]);
    expect(got().map(({ isReplay }) => isReplay)).toEqual([false, false, false, true, true, true]);
  });

  test("that was put aside comes although the filter, by then, lets through another of its records", async () => {
    const kept = metaBody([text("m1", "kept")], [status("m0")]);
    receiver.behave((answer, received) => answers(received.body === kept ? 500 : 200)(answer, received));
    await serve(app({ retry: ["10m"], order: "none" }));
    await take(kept);
    await take(metaBody([text("m2")]));
    const aside = async () =>
      ((await (await service.get("/destinations/app")).json()) as { put_aside: number }).put_aside;
    await until("it is put aside", async () => (await aside()) === 1);
    await service.stop();
    receiver.behave(answers(200));
    got().length = 0;
    await serve(app({ retry: ["10m"], order: "none", kinds: ["status"] }));
    await service.send("/destinations/app/failures/retry", { body: "{}" });
    await has(1);
    await settled();
    expect(got().map(({ body }) => body)).toEqual([kept]);
  });

  test("is signed now as Slack signs, whatever was signed then", async () => {
    await serve(app({ sources: ["slack"] }));
    const body = JSON.stringify({
      ...{ type: "event_callback", team_id: "T1", event_id: "Ev1" },
      event: { type: "message", channel: "C1", user: "U1", text: "x", ts: "1700000000.000001" },
    });
    const time = String(Math.floor(Date.now() / 1000) - 100);
    const mac = (secret: string, at: string) =>
      `v0=${createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex")}`;
    const answer = await service.send("/webhook/slack", {
      body,
      headers: {
        ...{ "Content-Type": "application/json", "X-Slack-Request-Timestamp": time },
        ...{ "X-Slack-Signature": mac(SLACK_SECRET, time), "X-Slack-Retry-Num": "1" },
      },
    });
    expect(answer.status).toBe(200);
    await has(1);
    const { headers = {}, body: sent } = got()[0] ?? {};
    const at = headers["x-slack-request-timestamp"] ?? "";
    expect(sent).toBe(body);
    expect(Number(at)).toBeGreaterThan(Number(time));
    expect(headers["x-slack-signature"]).toBe(mac(OWN, at));
    expect(headers["x-slack-retry-num"]).toBe("1");
  });

  test.each([
    ["a form", "application/x-www-form-urlencoded"],
    ["JSON", "application/json"],
  ])("is signed for the destination's URL as Twilio signs: %s", async (_, type) => {
    await serve(app({ sources: ["twilio"], path: "/sms?app=1" }));
    const isForm = type !== "application/json";
    const body = isForm
      ? "To=%2B15550100&MessageSid=SM00000000000000000000000000000001&From=%2B14155550123&Body=Hi+there"
      : JSON.stringify([{ specversion: "1.0", type: "com.twilio.x", id: "EZ1", data: {} }]);
    const hash = new Bun.CryptoHasher("sha256").update(body).digest("hex");
    const mac = (secret: string, url: string) => {
      const pairs = isForm ? [...new URLSearchParams(body)].sort(([a], [b]) => (a < b ? -1 : 1)) : [];
      return createHmac("sha1", secret)
        .update(`${url}${pairs.flat().join("")}`)
        .digest("base64");
    };
    const query = isForm ? "" : `?bodySHA256=${hash}`;
    const signature = mac(TWILIO_SECRET, `${WEBHOOK}${query}`);
    const answer = await service.send(`/webhook/twilio${query}`, {
      body,
      headers: { "Content-Type": type, "X-Twilio-Signature": signature },
    });
    expect(answer.status).toBe(200);
    await has(1);
    const { headers = {}, body: sent, path } = got()[0] ?? {};
    expect(sent).toBe(body);
    expect(path).toBe(isForm ? "/sms?app=1" : `/sms?app=1&bodySHA256=${hash}`);
    expect(headers["content-type"]).toBe(type);
    expect(headers["x-twilio-signature"]).toBe(mac(OWN, `${receiver.url}${path}`));
  });
});
