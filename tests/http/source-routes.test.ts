/** `/sources`: what is told of them, and the test that each can be sent. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { SourceConfig } from "../../src/sources/open-source.ts";
import { PRESETS } from "../../src/sources/presets.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";
import { META } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

const TOKEN = "the-token-of-the-reader";
const public_url = "https://hooks.example.com/webhook/name?token=a-secret-of-the-address";
const secret = "a secret of the source that is long enough";
const SOURCES: Readonly<Record<string, SourceConfig>> = {
  wa: META,
  sms: { kind: "twilio", secret, public_url },
  bot: { kind: "telegram", secret: "a_secret_of_the_bot" },
  team: { kind: "slack", secret },
  viber: { kind: "viber", secret },
  vonage: { kind: "vonage", secret },
  line: { kind: "generic", preset: "line", secret },
  code: { kind: "generic", preset: "github", secret, allow_from: ["192.0.2.0/24"] },
  strava: {
    ...{
      kind: "generic",
      secret,
      scheme: { header: "X-S", algorithm: "hmac-sha256", encoding: "hex", signed: "{body}" },
    },
    handshakes: [
      {
        match: { method: "GET", query: { "hub.verify_token": "a-secret-of-the-handshake" } },
        answer: { text: "{query.hub.challenge}" },
      },
    ],
  },
  azure: { kind: "generic", preset: "event-grid", secret },
};
const EVENTS_ALONE = new Set(["code", "strava"]);
const UNSIGNABLE: SourceConfig = {
  kind: "generic",
  preset: "sns",
  secret: "arn:aws:sns:eu-west-1:123456789012:orders",
};

describe("sources", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ API_TOKEN: TOKEN }, { sources: { ...SOURCES, topic: UNSIGNABLE } });
  });
  afterAll(async () => {
    await service.stop();
  });
  const post = (path: string) => service.get(path, { method: "POST" });
  const json = async (response: Response) => (await response.json()) as never;

  test("are described in words, without a secret, to whoever has the token", async () => {
    const answer = await service.get("/sources");
    const text = await answer.text();
    for (const said of [secret, META.secret, META.verify_token, "a-secret-of", "a_secret_of"])
      expect(text).not.toContain(said);
    const { data } = JSON.parse(text);
    expect(data.map(({ name }: { name: string }) => name)).toEqual([
      "native",
      ...Object.keys(SOURCES),
      "topic",
    ]);
    for (const source of data) {
      expect(source.steps.length).toBeGreaterThan(0);
      expect(source.proof).not.toBe("");
      expect(await json(await service.get(`/sources/${source.name}`))).toEqual(source as never);
    }
    expect(data[2]).toMatchObject({
      ...{ path: "/webhook/sms", public_url: "https://hooks.example.com/webhook/name", title: "Twilio" },
      weaknesses: [],
    });
    expect(await json(await service.get("/sources/azure"))).toMatchObject({
      weaknesses: [expect.stringContaining("doesn't cover the body")],
    });
    expect(await json(await service.get("/sources/code"))).toMatchObject({
      ...{ preset: "github", networks: ["192.0.2.0/24"], secrets: 1 },
    });
    expect((await service.get("/sources/none")).status).toBe(404);
    expect((await fetch(`${service.readUrl}/sources`)).status).toBe(401);
  });

  test.each(["native", ...Object.keys(SOURCES)])("%s takes a test as its provider's", async (name) => {
    const result: Record<string, unknown> = await json(await post(`/sources/${name}/test`));
    expect(result).toMatchObject({ status: name === "native" ? 200 : result["status"], result: "ok" });
    expect(result["reason"]).toBeNull();
    if (EVENTS_ALONE.has(name)) return expect(result).toMatchObject({ messages: 0, events: 1 });
    expect(result).toMatchObject({ messages: 1, events: 0 });
    const stored: Record<string, unknown> = await json(
      await service.get(`/messages/${encodeURIComponent(String(result["message_id"]))}`),
    );
    expect(stored).toMatchObject({
      source: name,
      text: `This is a test of the source ${name}, sent by Postern itself.`,
    });
    expect(await service.metric(`webhook_requests_total{source="${name}",result="ok"}`)).toBe(1);
  });

  test("a test says so in its log line, and who asked for it", async () => {
    const answer = await post("/sources/wa/test");
    const line = await service.logLine(answer.headers.get("x-request-id"));
    expect(line).toMatchObject({ source: "wa", test: true, messages: 1, client: "127.0.0.1" });
  });

  test("a test is for no stranger, for no source whose key only the sender has, and for none that isn't there", async () => {
    expect((await fetch(`${service.readUrl}/sources/wa/test`, { method: "POST" })).status).toBe(401);
    expect((await post("/sources/none/test")).status).toBe(404);
    const refused = await post("/sources/topic/test");
    expect(refused.status).toBe(409);
    expect(await json(refused)).toEqual({ detail: "only the sender has the key that signs" } as never);
    const { no_test_because } = await json(await service.get("/sources/topic"));
    expect(no_test_because).toBe("only the sender has the key that signs" as never);
  });

  test("what is configured anew is described and tested at once", async () => {
    await service.replaceSources({ later: { kind: "viber", secret } });
    const { data }: { data: { name: string }[] } = await json(await service.get("/sources"));
    expect(data.map(({ name }) => name)).toEqual(["native", "later"]);
    expect((await post("/sources/wa/test")).status).toBe(404);
    expect(await json(await post("/sources/later/test"))).toMatchObject({ messages: 1 } as never);
  });
});

test("every preset has a page of its provider and steps that end as sentences do", () => {
  for (const { title, page, steps } of Object.values(PRESETS)) {
    expect(title).not.toBe("");
    expect(page).toStartWith("https://");
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) expect(step).toEndWith(".");
  }
});

test("without a token no page of another origin can send a test", async () => {
  const service = await newService();
  const asked = (headers: Record<string, string>) =>
    service.get("/sources/native/test", { method: "POST", headers });
  expect((await asked({ Origin: "https://evil.example" })).status).toBe(403);
  expect((await asked({ "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
  expect((await asked({})).status).toBe(200);
  await service.stop();
});

test("where reads have a port of their own, a source says that it isn't there", async () => {
  const apart = async (environment: Record<string, string>) => {
    const service = await newService(environment);
    const source = (await (await service.get("/sources/native")).json()) as Record<string, unknown>;
    await service.stop();
    return source["on_this_listener"];
  };
  expect(await apart({})).toBe(true);
  expect(await apart({ READ_PORT: String(freePort()) })).toBe(false);
});

test("/stats/service tells version, queue, times and disk of the process", async () => {
  const service = await newService();
  await service.get("/sources/native/test", { method: "POST" });
  const figures = await until("it is counted", async () => {
    const found = (await (await service.get("/stats/service")).json()) as Record<string, unknown>;
    return found["messages"] === 1 ? found : undefined;
  });
  expect(figures).toMatchObject({
    ...{ version: expect.any(String), cant_store: null, queue_rows: 0, damaged_rows: 0, events: 0 },
  });
  const buckets = figures["commit_seconds"] as { le: number | null; count: number }[];
  expect(buckets.at(-1)).toEqual({ le: null, count: expect.any(Number) });
  expect(buckets.at(-1)?.count).toBeGreaterThan(0);
  const isHere = process.env["POSTERN_TEST_ENGINE"] !== "postgres";
  expect(figures["disk_free_bytes"]).toEqual(isHere ? expect.any(Number) : null);
  await service.stop();
});
