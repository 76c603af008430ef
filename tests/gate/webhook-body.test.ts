/** Bodies: how large, how many, how slow. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { chunk, exchange, head, Wire } from "../http/wire.ts";
import { message } from "../messages.ts";
import { type SteeredClock, steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";

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
    for (let sent = 0; sent < total && !wire.closed; sent += 100_000)
      await wire.send("x".repeat(Math.min(100_000, total - sent)));
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
  ])("lengths that contradict themselves never get a 200: %s", async (_, length) => {
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
  const hold = async (bytes: number, sent: string): Promise<void> => {
    const wire = await Wire.connect(service.port);
    wires.push(wire);
    await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, "Content-Length": bytes }) + sent);
  };
  const probe = (bytes = 50_000) =>
    exchange(
      service.port,
      head("POST /webhook", { "X-Signature": WELL_FORMED, "Content-Length": bytes }) + "x".repeat(bytes),
    );

  test("beyond BODY_BYTES_INFLIGHT_MAX get 503, until there is room", async () => {
    for (let count = 0; count < 3; count++) await hold(65_000, "x".repeat(64_990));
    const refused = await until("the bound is reached", async () => {
      const answer = await probe();
      return answer?.status === 503 ? answer : undefined;
    });
    expect(JSON.parse(refused.body)).toEqual({ detail: "too many bodies at once" });
    expect(refused.headers["retry-after"]).toMatch(/^[0-9]+$/);
    expect(refused.headers["postern-result"]).toBe("overloaded");
    for (const wire of wires.splice(0)) wire.end();
    await until("there is room again", async () => (await probe())?.status === 401);
  });

  test.each([
    ["at 60,000 bytes", 60_000],
    ["at 8,000 bytes", 8000],
  ])(
    "bodies that are not verified yet count for what has arrived: those that are only announced, %s, take no room",
    async (_, bytes) => {
      for (let count = 0; count < 200; count++) await hold(bytes, "");
      expect((await service.post(bodyOf(140_000, `beside promises of ${bytes}`))).status).toBe(200);
    },
  );

  test("bodies that are not verified yet leave a reserve to small ones, however many large ones there are", async () => {
    await hold(149_000, "x".repeat(148_000));
    await until("large ones are turned away", async () => (await probe(100_000))?.status === 503);
    expect((await service.post(bodyOf(20_000, "in the reserve"))).status).toBe(200);
  });

  test("bodies that are not verified yet of a length within the bound are let in while others wait", async () => {
    await hold(60_000, "x");
    const body = bodyOf(100_000);
    expect((await service.post(body)).status).toBe(200);
  });

  test("bodies that are not verified yet do not hold up health or reads", async () => {
    for (let count = 0; count < 3; count++) await hold(60_000, "x");
    for (const path of ["/health/live", "/health/ready", "/messages", "/stats"]) {
      expect((await service.get(path)).status).toBe(200);
    }
  });
});

describe("of one client's address", () => {
  const from = (address: string) => ({ "X-Forwarded-For": address, "X-Signature": WELL_FORMED });
  const behindProxy = (more: Record<string, string> = {}) =>
    newService({ BODY_BYTES_INFLIGHT_MAX: "400000", TRUSTED_PROXIES: "127.0.0.1/32", ...more });

  test.each([
    ["a quarter of the room", {}, 60_000],
    ["BODY_BYTES_INFLIGHT_PER_CLIENT_MAX", { BODY_BYTES_INFLIGHT_PER_CLIENT_MAX: "50000" }, 30_000],
  ])(
    "bodies of one client's address hold at most %s; others have the rest, and what was held is given back",
    async (_, more, bytes) => {
      const service = await behindProxy(more);
      const wire = await Wire.connect(service.port);
      const post = (address: string) =>
        exchange(
          service.port,
          head("POST /webhook", { ...from(address), "Content-Length": bytes }) + "x".repeat(bytes),
        );
      await wire.send(
        head("POST /webhook", { ...from("203.0.113.7"), "Content-Length": bytes }) + "x".repeat(bytes - 1),
      );
      const refused = await until("its part is full", async () => {
        const answer = await post("203.0.113.7");
        return answer?.status === 503 ? answer : undefined;
      });
      expect(refused.headers["postern-result"]).toBe("overloaded");
      expect((await post("203.0.113.8"))?.status).toBe(401);
      wire.end();
      await until("its part is free again", async () => (await post("203.0.113.7"))?.status === 401);
      for (let count = 0; count < 20; count++) expect((await post("203.0.113.7"))?.status).toBe(401);
      await service.stop();
    },
  );
});

test("a client that never stops sending gets its 413 at once, is slowed down, and then let go", async () => {
  const service = await newService({ BODY_TIMEOUT_MS: "1500" });
  const wire = await Wire.connect(service.port);
  await wire.send(head("POST /webhook", { ...signed("x"), "Content-Length": 2 ** 40 }));
  const begun = performance.now();
  let sentBytes = 0;
  while (!wire.closed) {
    await wire.send(Buffer.alloc(1_000_000));
    sentBytes += 1_000_000;
  }
  const seconds = (performance.now() - begun) / 1000;
  // What the system keeps for a connection is gone at once; then it goes at the pace.
  expect(sentBytes).toBeLessThan(20_000_000 + (seconds + 1) * 17_000_000);
  expect(wire.text()).toStartWith("HTTP/1.1 413");
  await service.stop();
}, 120_000);

describe("chunks", () => {
  const CHUNKED = { "X-Signature": WELL_FORMED, "Transfer-Encoding": "chunked" };
  let service: TestService;
  beforeAll(async () => {
    service = await newService();
  });
  afterAll(() => service.stop());

  test("chunks of one byte are refused after some thousand, with an answer that closes the connection", async () => {
    const wire = await Wire.connect(service.port);
    await wire.send(head("POST /webhook", CHUNKED) + chunk("x").repeat(100_000));
    const answer = await wire.answer();
    expect([answer?.status, answer?.body]).toEqual([413, '{"detail":"body in too many chunks"}']);
    expect(answer?.headers["postern-result"]).toBe("validation_error");
    expect(answer?.headers["connection"]).toBe("close");
    await until("it is closed", () => wire.closed);
  });

  test("chunks of a few bytes are taken where the body is small, and of any number where they are of a size", async () => {
    const small = bodyOf(2000, "a chunk a byte");
    const large = bodyOf(1_000_000, "a chunk a KiB");
    for (const [body, size] of [
      [small, 1],
      [large, 1024],
    ] as const) {
      const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
        chunk(body.slice(index * size, (index + 1) * size)),
      );
      const request = head("POST /webhook", { ...CHUNKED, ...signed(body) });
      const answer = await exchange(service.port, `${request}${pieces.join("")}0\r\n\r\n`);
      expect([answer?.status, answer?.headers["postern-result"]]).toEqual([200, "ok"]);
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
  ])("a body %s that does not arrive in BODY_TIMEOUT_MS gets 408", async (_, length, sent) => {
    const answer = await exchange(
      service.port,
      head("POST /webhook", { "X-Signature": WELL_FORMED, ...length }) + sent,
    );
    expect(answer?.status).toBe(408);
    expect(JSON.parse(answer?.body ?? "")).toHaveProperty("detail", expect.any(String));
    expect(answer?.headers["postern-result"]).toBe("validation_error");
  });

  test("a body that does not arrive because the client left is counted, stores nothing and harms nobody", async () => {
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

describe("a body that is slow", () => {
  let clock: SteeredClock;
  let service: TestService;
  beforeEach(async () => {
    clock = steeredClock();
    service = await newService({ BODY_TIMEOUT_MS: "60000" }, { clock });
  });
  afterEach(() => service.stop());

  const begin = async (length: Record<string, string | number>, sent: string): Promise<Wire> => {
    const wire = await Wire.connect(service.port);
    await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, ...length }) + sent);
    return wire;
  };
  /**
   * What was sent so far has arrived, and what it leads to has happened: an answer that came later
   * is there.
   */
  const settled = async () => {
    for (let turn = 0; turn < 3; turn++) await service.get("/health/live");
  };
  /** Lets this time pass, at the end of which there is no answer. */
  const isOpenAfter = async (ms: number, wire: Wire): Promise<void> => {
    await settled();
    clock.advance(ms);
    await settled();
    expect([wire.text(), wire.closed]).toEqual(["", false]);
  };

  test.each([
    ["of a small declared length", { "Content-Length": 300 }],
    ["of a large declared length", { "Content-Length": 65_536 }],
    ["in chunks", { "Transfer-Encoding": "chunked" }],
  ])(
    "a body %s that doesn't begin within two seconds gets 408, and its connection is closed",
    async (_, length) => {
      const wire = await begin(length, "");
      await isOpenAfter(1999, wire);
      clock.advance(1001);
      const answer = await wire.answer();
      expect([answer?.status, answer?.headers["connection"]]).toEqual([408, "close"]);
      expect(answer?.headers["postern-result"]).toBe("validation_error");
      await until("it is closed", () => wire.closed);
    },
  );

  test.each([
    ["of a small declared length", { "Content-Length": 300 }, "x"],
    ["of a large declared length", { "Content-Length": 65_536 }, "x".repeat(2047)],
    ["in chunks", { "Transfer-Encoding": "chunked" }, chunk("x".repeat(2047))],
  ])(
    "a body %s that has begun and comes at less than 2 KiB in four seconds gets 408",
    async (_, length, sent) => {
      const wire = await begin(length, sent);
      await isOpenAfter(3999, wire);
      clock.advance(1001);
      expect((await wire.answer())?.status).toBe(408);
      await until("it is closed", () => wire.closed);
    },
  );

  test("a body at the rate of a slow mobile network is taken, however long that takes", async () => {
    const body = bodyOf(12_000, "from afar");
    const wire = await begin({ "Content-Length": body.length, ...signed(body) }, body.slice(0, 2100));
    for (let at = 2100; at < body.length; at += 2100) {
      await isOpenAfter(3900, wire);
      await wire.send(body.slice(at, at + 2100));
      await settled();
      clock.advance(100);
    }
    expect((await wire.answer())?.status).toBe(200);
    wire.end();
  });
});

test("a body that comes quickly gets 408 at BODY_TIMEOUT_MS all the same", async () => {
  const service = await newService({ BODY_TIMEOUT_MS: "400" });
  const wire = await Wire.connect(service.port);
  await wire.send(head("POST /webhook", { "X-Signature": WELL_FORMED, "Content-Length": 4_000_000 }));
  const started = performance.now();
  // It would be whole after thirteen seconds.
  for (let sent = 0; !wire.closed && sent < 4_000_000; sent += 3000) {
    await wire.send("x".repeat(3000));
    await Bun.sleep(10);
  }
  expect((await wire.answer())?.status).toBe(408);
  expect(performance.now() - started).toBeGreaterThanOrEqual(400);
  await service.stop();
});
