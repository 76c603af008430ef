/** Bodies: how large, how many, how slow. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newService, SECRET, type TestService } from "./service.ts";
import { chunk, exchange, head, Wire } from "./wire.ts";

const TOO_LARGE = '{"detail":"body too large"}';
const WELL_FORMED = "0".repeat(64);

/** A valid body of so many bytes. */
function bodyOf(bytes: number, messageId = "padded"): string {
  const body = JSON.stringify({ ...message(messageId), padding: "" });
  return `${body.slice(0, -2)}${"x".repeat(bytes - body.length)}"}`;
}

const signed = (body: string) => ({ "X-Signature": sign(SECRET, body) });

describe.each([
  ["small", 1000],
  ["large", 300_000],
])("with a %s BODY_BYTES_MAX", (_, bodyBytesMax) => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ BODY_BYTES_MAX: String(bodyBytesMax) });
  });
  afterAll(() => service.stop());

  test("a body of just so many bytes is let in", async () => {
    const answer = await service.post(bodyOf(bodyBytesMax, "exact"));
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });

  test("a chunked body of just so many bytes is let in", async () => {
    const body = bodyOf(bodyBytesMax, "exact and chunked");
    const request = head("POST /webhook", { ...signed(body), "Transfer-Encoding": "chunked" });
    const answer = await exchange(
      service.port,
      `${request}${chunk(body.slice(0, 7))}${chunk(body.slice(7))}0\r\n\r\n`,
    );
    expect([answer?.status, answer?.headers["postern-result"]]).toEqual([200, "ok"]);
  });

  test("one byte more gets 413, by its declared length alone", async () => {
    const request = head("POST /webhook", { ...signed("x"), "Content-Length": bodyBytesMax + 1 });
    const answer = await exchange(service.port, request);
    expect([answer?.status, answer?.body]).toEqual([413, TOO_LARGE]);
    expect(answer?.headers["postern-result"]).toBe("validation_error");
  });

  test("one byte more gets 413, signed well and sent as a whole", async () => {
    const answer = await service.post(bodyOf(bodyBytesMax + 1));
    expect([answer.status, await answer.text()]).toEqual([413, TOO_LARGE]);
  });

  test("one byte more gets 413 while it streams in chunks", async () => {
    const body = bodyOf(bodyBytesMax + 1);
    const request = head("POST /webhook", { ...signed(body), "Transfer-Encoding": "chunked" });
    const answer = await exchange(service.port, request + chunk(body));
    expect([answer?.status, answer?.body]).toEqual([413, TOO_LARGE]);
    expect(answer?.headers["postern-result"]).toBe("validation_error");
  });

  test("a client that goes on sending a declared length receives its 413", async () => {
    const total = bodyBytesMax + 6_000_000;
    const wire = await Wire.connect(service.port);
    await wire.send(head("POST /webhook", { ...signed("x"), "Content-Length": total }));
    for (let sent = 0; sent < total && !wire.closed; sent += 100_000) await wire.send("x".repeat(100_000));
    expect((await wire.answer())?.status).toBe(413);
    wire.end();
  });

  test("a client that goes on sending chunks receives its 413", async () => {
    const wire = await Wire.connect(service.port);
    await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, "Transfer-Encoding": "chunked" }));
    for (let sent = 0; sent < 6_000_000 && !wire.closed; sent += 50_000)
      await wire.send(chunk("x".repeat(50_000)));
    const answer = await wire.answer();
    expect([answer?.status, answer?.body]).toEqual([413, TOO_LARGE]);
    wire.end();
  });

  test("nothing that was refused is stored", async () => {
    expect((await service.rows()).map(({ message_id }) => message_id)).toEqual([
      "exact",
      "exact and chunked",
    ]);
  });

  test("afterwards the service is as well as before", async () => {
    expect((await service.post(message(`after ${bodyBytesMax}`))).status).toBe(200);
    expect((await service.get("/health/ready")).status).toBe(200);
  });
});

describe("lengths that contradict themselves never get a 200", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService();
  });
  afterAll(() => service.stop());

  const body = JSON.stringify(message("smuggled"));
  test.each([
    ["no number", `Content-Length: ${body.length}x\r\n`],
    ["a negative number", `Content-Length: -${body.length}\r\n`],
    ["two numbers", `Content-Length: ${body.length}\r\nContent-Length: ${body.length + 1}\r\n`],
    ["a number beyond 2^64", "Content-Length: 99999999999999999999999\r\n"],
    ["chunks of broken sizes", "Transfer-Encoding: chunked\r\n"],
  ])("%s", async (_, length) => {
    const request = `POST /webhook HTTP/1.1\r\nHost: a\r\nX-Signature: ${sign(SECRET, body)}\r\n${length}\r\n${body}`;
    const wire = await Wire.connect(service.port);
    await wire.send(request);
    expect([400, 401, 413, 422]).toContain((await wire.answer())?.status ?? 400);
    wire.end();
    expect(await service.rows()).toEqual([]);
  });
});

describe("bodies that are not verified yet", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ BODY_BYTES_INFLIGHT_MAX: "200000", BODY_BYTES_MAX: "150000" });
  });
  afterAll(() => service.stop());

  const wires: Wire[] = [];
  afterEach(() => {
    for (const wire of wires.splice(0)) wire.end();
  });
  const hold = async (bytes: number, sent: string): Promise<Wire> => {
    const wire = await Wire.connect(service.port);
    wires.push(wire);
    await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, "Content-Length": bytes }) + sent);
    return wire;
  };
  const probe = () =>
    exchange(
      service.port,
      head("POST /webhook", { "X-Signature": WELL_FORMED, "Content-Length": 50_000 }) + "x".repeat(50_000),
    );

  test.each([
    ["that are announced", 60_000, ""],
    ["that arrive", 65_000, "x".repeat(64_990)],
    ["that arrive and are large", 100_000, "x".repeat(99_990)],
  ])(
    "%s beyond BODY_BYTES_INFLIGHT_MAX get 503 before they are read, until there is room",
    async (_, bytes, sent) => {
      for (let count = 0; count < 3; count++) await hold(bytes, sent);
      const refused = await until("the bound is reached", async () => {
        const answer = await probe();
        return answer?.status === 503 ? answer : undefined;
      });
      expect(JSON.parse(refused.body)).toEqual({ detail: "too many bodies at once" });
      expect(refused.headers["retry-after"]).toMatch(/^[0-9]+$/);
      expect(refused.headers["postern-result"]).toBe("overloaded");
      for (const wire of wires.splice(0)) wire.end();
      await until("there is room again", async () => (await probe())?.status === 401);
    },
  );

  test("of a length within the bound are let in while others wait", async () => {
    await hold(60_000, "x");
    const body = bodyOf(100_000);
    expect((await service.post(body)).status).toBe(200);
  });

  test("do not hold up health or reads", async () => {
    for (let count = 0; count < 3; count++) await hold(60_000, "x");
    for (const path of ["/health/live", "/health/ready", "/messages", "/stats"]) {
      expect((await service.get(path)).status).toBe(200);
    }
  });
});

describe("a body that does not arrive", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ BODY_TIMEOUT_MS: "150" });
  });
  afterAll(() => service.stop());

  test.each([
    ["of a small declared length", { "Content-Length": 100 }, "x"],
    ["of a large declared length", { "Content-Length": 1_000_000 }, "x".repeat(5000)],
    ["in chunks", { "Transfer-Encoding": "chunked" }, chunk("xxx")],
    ["in chunks, none of which came", { "Transfer-Encoding": "chunked" }, ""],
  ])("%s in BODY_TIMEOUT_MS gets 408", async (_, length, sent) => {
    const answer = await exchange(
      service.port,
      head("POST /webhook", { "X-Signature": WELL_FORMED, ...length }) + sent,
    );
    expect(answer?.status).toBe(408);
    expect(JSON.parse(answer?.body ?? "")).toHaveProperty("detail", expect.any(String));
    expect(answer?.headers["postern-result"]).toBe("validation_error");
  });

  test("because the client left is counted, stores nothing and harms nobody", async () => {
    const before =
      (await service.metric('webhook_requests_total{source="native",result="validation_error"}')) ?? 0;
    for (const length of [
      { "Content-Length": 100 },
      { "Content-Length": 1_000_000 },
      { "Transfer-Encoding": "chunked" },
    ]) {
      const wire = await Wire.connect(service.port);
      await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, ...length }) + chunk("xxx"));
      wire.end();
    }
    await until("each is counted", async () => {
      const after =
        (await service.metric('webhook_requests_total{source="native",result="validation_error"}')) ?? 0;
      return after === before + 3;
    });
    expect(await service.rows()).toEqual([]);
    expect((await service.post(message("well"))).status).toBe(200);
  });
});
