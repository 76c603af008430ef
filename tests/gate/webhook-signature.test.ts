/** The gate: who gets in, and in which order a request is looked at. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { exchange, head, Wire } from "../http/wire.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";

const REFUSED = { detail: "invalid signature" };

describe("the signature", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService();
  });
  afterAll(() => service.stop());

  const body = JSON.stringify(message("never stored"));
  const right = sign(SECRET, body);
  const missing = "the header X-Signature is missing";
  const malformed = "X-Signature is not 64 lower-case hexadecimal digits";
  const other = "no secret made this signature";
  const ofNoKey = new Bun.CryptoHasher("sha256", "").update(body).digest("hex");
  const plainHash = new Bun.CryptoHasher("sha256").update(body).digest("hex");
  const wrong: [string, Record<string, string>, string][] = [
    ["is missing", {}, missing],
    ["is empty", { "X-Signature": "" }, malformed],
    [
      "is of upper-case digits",
      { "X-Signature": right.toUpperCase() },
      "X-Signature is in upper case: it takes lower-case hexadecimal",
    ],
    ["is cut short", { "X-Signature": right.slice(0, 63) }, malformed],
    ["has a digit too many", { "X-Signature": `${right}0` }, malformed],
    ["is no hexadecimal number", { "X-Signature": "z".repeat(64) }, malformed],
    [
      "has a prefix",
      { "X-Signature": `sha256=${right}` },
      "X-Signature has the prefix sha256=: it takes the digits alone",
    ],
    ["is of another secret", { "X-Signature": sign("another", body) }, other],
    ["is of another body", { "X-Signature": sign(SECRET, `${body} `) }, other],
    ["is of the empty key", { "X-Signature": ofNoKey }, other],
    ["is a plain hash", { "X-Signature": plainHash }, other],
    ["is right but under another name", { "X-Signature-256": right }, missing],
    ["is a list of two", { "X-Signature": `${right}, ${right}` }, malformed],
  ];
  test.each(wrong)(
    "a signature that %s gets 401, nothing is stored, and the log says why",
    async (_, headers, reason) => {
      const answer = await fetch(`${service.url}/webhook`, { method: "POST", body, headers });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual(REFUSED);
      expect(answer.headers.get("Postern-Result")).toBe("invalid_signature");
      expect(await service.rows()).toEqual([]);
      const line = await service.logLine(answer.headers.get("X-Request-ID"));
      expect(line).toMatchObject({ level: "WARN", source: "native", client: "127.0.0.1", reason });
    },
  );

  test.each(["\u00e9".repeat(64), "\u00ff\u00fe\u0080", `${right.slice(0, 63)}\u00e4`])(
    "a signature of bytes beyond ASCII (%j) gets 401",
    async (signature) => {
      const request = head("POST /webhook", { "X-Signature": signature, "Content-Length": body.length });
      const answer = await exchange(service.port, request + body);
      expect([answer?.status, answer?.body]).toEqual([401, JSON.stringify(REFUSED)]);
    },
  );

  test("sent twice gets 401", async () => {
    const request = `POST /webhook HTTP/1.1\r\nHost: a\r\nX-Signature: ${right}\r\nX-Signature: ${right}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect((await exchange(service.port, request))?.status).toBe(401);
  });

  test("a signature that is missing is told before any of the body was sent", async () => {
    const answer = await exchange(service.port, head("POST /webhook", { "Content-Length": 1000 }));
    expect(answer?.status).toBe(401);
  });

  test("a signature that is malformed is told before any of a chunked body was sent", async () => {
    const headers = { "X-Signature": right.toUpperCase(), "Transfer-Encoding": "chunked" };
    expect((await exchange(service.port, head("POST /webhook", headers)))?.status).toBe(401);
  });

  test("a signature is looked at after the size: an oversized body without one gets 413", async () => {
    const answer = await exchange(
      service.port,
      head("POST /webhook", { "Content-Length": 4 * 1024 * 1024 + 1 }),
    );
    expect([answer?.status, answer?.body]).toEqual([413, '{"detail":"body too large"}']);
  });

  test.each(["no JSON", "{}", "\u0000", "[".repeat(100_000)])(
    "a signature is looked at before the body %#: what is wrong in it stays unsaid",
    async (given) => {
      const answer = await service.post(given, { "X-Signature": "0".repeat(64) });
      expect([answer.status, await answer.json()]).toEqual([401, REFUSED]);
    },
  );

  test("a signature is of the raw bytes: the same JSON written differently wants another one", async () => {
    const spaced = JSON.stringify(message("never stored"), null, 2);
    expect((await service.post(spaced, { "X-Signature": right })).status).toBe(401);
  });

  test("a signature of an empty body lets it in, to be told that it is no JSON", async () => {
    expect((await service.post("")).status).toBe(422);
    expect((await fetch(`${service.url}/webhook`, { method: "POST" })).status).toBe(401);
  });

  test("nothing of all this was stored, and each refusal was counted", async () => {
    expect(await service.rows()).toEqual([]);
    const counted = await service.metric(
      'webhook_requests_total{source="native",result="invalid_signature"}',
    );
    await until("as many lines as were counted", () => {
      return service.logLines().filter((line) => line["result"] === "invalid_signature").length === counted;
    });
    expect(counted).toBeGreaterThan(wrong.length);
  });

  test("a right signature gets 200, with any content type or none", async () => {
    for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded", "nonsense"]) {
      const answer = await service.post(
        message(`typed ${type}`),
        type === undefined ? {} : { "Content-Type": type },
      );
      expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    }
  });

  test("a right signature of a body sent byte by byte gets 200", async () => {
    const bytes = JSON.stringify(message("slow"));
    const wire = await Wire.connect(service.port);
    const headers = { "X-Signature": sign(SECRET, bytes), "Content-Length": bytes.length };
    for (const byte of head("POST /webhook", headers) + bytes) await wire.send(byte);
    expect((await wire.answer())?.status).toBe(200);
    wire.end();
  });
});

describe("while a secret is rotated", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ WEBHOOK_SECRET: "the new one", WEBHOOK_SECRET_PREVIOUS: "the old one" });
  });
  afterAll(() => service.stop());

  test.each(["the new one", "the old one"])(
    "while a secret is rotated what %s signed gets in",
    async (secret) => {
      const body = JSON.stringify(message(`rotated ${secret.slice(4, 7)}`));
      expect((await service.post(body, { "X-Signature": sign(secret, body) })).status).toBe(200);
    },
  );

  test.each(["a third one", " the new one", "The new one"])(
    "while a secret is rotated what %j signed does not get in",
    async (secret) => {
      const body = JSON.stringify(message("x"));
      expect((await service.post(body, { "X-Signature": sign(secret, body) })).status).toBe(401);
    },
  );
});

test("a secret beyond ASCII is used as UTF-8", async () => {
  const secret = "geheim ß \u{1f511}";
  const service = await newService({ WEBHOOK_SECRET: secret });
  const body = JSON.stringify(message("m"));
  const signature = new Bun.CryptoHasher("sha256", Buffer.from(secret, "utf8")).update(body).digest("hex");
  expect((await service.post(body, { "X-Signature": signature })).status).toBe(200);
  await service.stop();
});
