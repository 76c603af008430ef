/**
 * Guesses and floods: what an address beyond its limit gets, what it doesn't lose, and what the log
 * says of it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { LINES_PER_WINDOW_MAX } from "../../src/http/failed-auth.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { META, metaPost, text } from "../http/meta-posts.ts";
import { type LogLine, newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";

const LIMIT = 5;
const TOKEN = "token-that-readers-have";
const TWILIO_TOKEN = "auth token of the twilio source";
const TWILIO_URL = "https://user:password-in-the-url@hooks.example.org/in";
const ENVIRONMENT = { FAILED_AUTH_PER_MINUTE: String(LIMIT), TRUSTED_PROXIES: "127.0.0.1", API_TOKEN: TOKEN };
const SOURCES = {
  wa: META,
  sms: { kind: "twilio", secret: TWILIO_TOKEN, public_url: TWILIO_URL },
  desk: {
    kind: "generic",
    secret: "secret of the generic source",
    public_url: "https://hooks.example.org/desk",
    scheme: { algorithm: "hmac-sha256", header: "X-Desk", encoding: "hex", signed: "{url}{body}" },
  },
};

let service: TestService;
beforeAll(async () => {
  service = await newService(ENVIRONMENT, { sources: SOURCES });
});
afterAll(() => service.stop());

const from = (address: string) => ({ "X-Forwarded-For": address });
const answerOf = (answer: Response) => [answer.status, answer.headers.get("Postern-Result")];
const lineOf = (answer: Response) => service.logLine(answer.headers.get("X-Request-ID"));
const hasLine = (log: readonly LogLine[], answer: Response) =>
  log.some((line) => line["request_id"] === answer.headers.get("X-Request-ID"));

async function repeated(times: number, request: () => Promise<Response>): Promise<Response[]> {
  const answers: Response[] = [];
  for (let n = 0; n < times; n++) answers.push(await request());
  return answers;
}

describe("an address beyond its limit", () => {
  const attacks: readonly (readonly [string, string, number, () => Promise<Response>])[] = [
    [
      "wrong signatures of native messages",
      "203.0.113.1",
      401,
      () => service.post(message("forged"), { "X-Signature": "0".repeat(64), ...from("203.0.113.1") }),
    ],
    [
      "no signatures of native messages",
      "203.0.113.2",
      401,
      () => service.send("/webhook", { body: "{}", headers: from("203.0.113.2") }),
    ],
    [
      "wrong signatures of a provider",
      "203.0.113.3",
      401,
      () =>
        service.send("/webhook/wa", {
          body: "{}",
          headers: { ...metaPost([text("x")]).headers, ...from("203.0.113.3") },
        }),
    ],
    [
      "wrong signatures of a provider that expects 403",
      "203.0.113.4",
      403,
      () => service.send("/webhook/sms", { body: "A=1", headers: from("203.0.113.4") }),
    ],
    [
      "wrong verify tokens",
      "203.0.113.5",
      403,
      () =>
        service.send("/webhook/wa?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guessed-verify-token", {
          method: "GET",
          headers: from("203.0.113.5"),
        }),
    ],
  ];

  test.each(attacks)(
    "an address beyond its limit by %s gets 429, counted as invalid_signature",
    async (_, __, status, attack) => {
      const within = await repeated(LIMIT, attack);
      expect(within.map(answerOf)).toEqual(Array(LIMIT).fill([status, "invalid_signature"]));
      for (const answer of await repeated(3, attack)) {
        expect(answerOf(answer)).toEqual([429, "invalid_signature"]);
        expect(await answer.json()).toEqual({ detail: "too many failed attempts" });
        const wait = Number(answer.headers.get("Retry-After"));
        expect(wait).toBeGreaterThanOrEqual(1);
        expect(wait).toBeLessThanOrEqual(60);
      }
    },
  );

  test("an address beyond its limit still passes with what is rightly signed, of every source, and with the right verify token", async () => {
    for (const [, address] of attacks) {
      const headers = from(address);
      expect(answerOf(await service.post(message(`right ${address}`), headers))).toEqual([200, "ok"]);
      const post = metaPost([text(`right-${address}`)]);
      const meta = await service.send("/webhook/wa", { ...post, headers: { ...post.headers, ...headers } });
      expect(answerOf(meta)).toEqual([200, "ok"]);
      const sid = `SM${createHash("md5").update(address).digest("hex")}`;
      const signed = `${TWILIO_URL}MessageSid${sid}`;
      const signature = createHmac("sha1", TWILIO_TOKEN).update(signed).digest("base64");
      const twilio = await service.send("/webhook/sms", {
        body: `MessageSid=${sid}`,
        headers: {
          "Content-Type": "application/x-www-form-urlencoded",
          "X-Twilio-Signature": signature,
          ...headers,
        },
      });
      expect(answerOf(twilio)).toEqual([200, "ok"]);
      const query = `?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${encodeURIComponent(META.verify_token)}`;
      const greeting = await service.send(`/webhook/wa${query}`, { method: "GET", headers });
      expect(await greeting.text()).toBe("1");
      const read = await service.send("/stats", {
        method: "GET",
        headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
      });
      expect(read.status).toBe(200);
    }
  });

  test("another address than the one beyond its limit gets 401 with its line", async () => {
    const answer = await service.post(message("x"), { "X-Signature": "", ...from("203.0.113.99") });
    expect(answerOf(answer)).toEqual([401, "invalid_signature"]);
    expect(await lineOf(answer)).toMatchObject({ level: "WARN", client: "203.0.113.99" });
  });
});

test("a peer that may stand for everybody has no limit", async () => {
  const answers = await repeated(3 * LIMIT, () => service.post(message("x"), { "X-Signature": "" }));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
});

describe("API tokens", () => {
  const read = (address: string, authorization?: string) =>
    service.send("/messages", {
      method: "GET",
      headers: { ...from(address), ...(authorization !== undefined && { Authorization: authorization }) },
    });

  test.each([
    [
      "wrong",
      "203.0.113.11",
      "Bearer guessed-token",
      "the header Authorization holds no token that is configured",
    ],
    ["missing", "203.0.113.12", undefined, "the header Authorization is missing"],
  ] as const)(
    "API tokens that are %s count, and the right one always passes",
    async (_, address, authorization, reason) => {
      for (const answer of await repeated(LIMIT, () => read(address, authorization))) {
        expect([answer.status, answer.headers.get("WWW-Authenticate")]).toEqual([
          401,
          'Bearer realm="postern"',
        ]);
        expect(await lineOf(answer)).toMatchObject({
          level: "WARN",
          client: address,
          reason,
          path: "/messages",
        });
      }
      const limited = await read(address, authorization);
      expect([limited.status, await limited.json()]).toEqual([429, { detail: "too many failed attempts" }]);
      expect(Number(limited.headers.get("Retry-After"))).toBeGreaterThanOrEqual(1);
      expect(limited.headers.get("Postern-Result")).toBeNull();
      expect((await read(address, `Bearer ${TOKEN}`)).status).toBe(200);
      expect((await read(address, authorization)).status).toBe(429);
    },
  );
});

describe("the log line of a refused request whose URL is signed", () => {
  test.each([
    ["sms", "", "https://…@hooks.example.org/in"],
    [
      "sms",
      "?team=value-of-the-query&flag&bodySHA256=",
      "https://…@hooks.example.org/in?team=&…&bodySHA256=",
    ],
    ["desk", "?a=value-of-the-query&a=value-of-the-query", "https://hooks.example.org/desk?a=&a="],
  ])(
    "the log line of a refused request whose URL is signed says which one was tried, without what may be secret in it (%s%s)",
    async (source, query, url) => {
      service.keepUnsaid("password-in-the-url", "value-of-the-query");
      const headers = {
        "X-Twilio-Signature": "AAAA",
        "X-Desk": "a".repeat(64),
        ...from(`198.51.100.${url.length}`),
      };
      const line = await lineOf(await service.send(`/webhook/${source}${query}`, { headers, body: "" }));
      expect(line).toMatchObject({ url, level: "WARN" });
    },
  );

  test("the log line of a refused request whose URL is signed says none for a kind that signs the body alone", async () => {
    const line = await lineOf(
      await service.send("/webhook/wa?a=b", { body: "{}", headers: from("198.51.100.1") }),
    );
    expect(line).not.toHaveProperty("url");
  });
});

test("each refusal is counted, by what was tried and whether it was limited", async () => {
  const own = await newService(ENVIRONMENT);
  const series = ["webhook", "api"].flatMap((route) => [
    `postern_failed_auth_total{route="${route}"}`,
    `postern_failed_auth_limited_total{route="${route}"}`,
  ]);
  const counts = () => Promise.all(series.map((name) => own.metric(name)));
  expect(await counts()).toEqual([0, 0, 0, 0]);
  await repeated(LIMIT + 2, () => own.send("/webhook", { headers: from("203.0.113.1") }));
  await repeated(LIMIT + 3, () => own.send("/stats", { method: "GET", headers: from("203.0.113.2") }));
  expect(await counts()).toEqual([LIMIT + 2, 2, LIMIT + 3, 3]);
  const counted = await own.metric('webhook_requests_total{source="native",result="invalid_signature"}');
  expect(counted).toBe(LIMIT + 2);
  await own.stop();
});

describe("refusals beyond the limit", () => {
  const summaries = (log: readonly LogLine[]) =>
    log.filter(({ message }) => String(message).includes("too many for a line each"));
  const parse = (log: string) =>
    log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LogLine);

  test("refusals beyond the limit have no line of their own, and one together once the minute is over", async () => {
    let later = 0;
    const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + later };
    const own = await newService(ENVIRONMENT, { clock });
    const attack = () => own.send("/webhook", { headers: from("203.0.113.1") });
    const answers = await repeated(LIMIT + 20, attack);
    later = 60_000;
    const [next] = await repeated(1, attack);
    expect(next?.status).toBe(401);
    await own.logLine(next?.headers.get("X-Request-ID") ?? null);
    const lines = own.logLines();
    expect(answers.map((answer) => hasLine(lines, answer))).toEqual([
      ...Array(LIMIT).fill(true),
      ...Array(20).fill(false),
    ]);
    expect(summaries(lines)).toMatchObject([{ level: "WARN", client: "203.0.113.1", count: 20 }]);
    expect(Date.parse(String(summaries(lines)[0]?.["since"]))).toBeGreaterThan(0);
    await own.stop();
  });

  test("refusals beyond the limit are summed up at the stop as well", async () => {
    const own = await newService(ENVIRONMENT);
    await repeated(LIMIT + 7, () => own.send("/webhook", { headers: from("203.0.113.1") }));
    expect(summaries(parse(await own.stop()))).toMatchObject([{ client: "203.0.113.1", count: 7 }]);
  });

  test("refusals of everybody behind a balancer that isn't trusted don't fill the log either", async () => {
    const own = await newService();
    const beyond = 50;
    await Promise.all(
      Array.from({ length: LINES_PER_WINDOW_MAX + beyond }, () => own.send("/webhook", { body: "{}" })),
    );
    const log = parse(await own.stop());
    expect(log.filter(({ result }) => result === "invalid_signature")).toHaveLength(LINES_PER_WINDOW_MAX);
    expect(summaries(log)).toMatchObject([{ client: "127.0.0.1", count: beyond }]);
  });
});
