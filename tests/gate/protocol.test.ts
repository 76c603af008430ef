/** Paths, methods, redirects, request ids and connections: what every route has in common. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { exchange, head, Wire } from "../http/wire.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";

const READS = [
  "/messages",
  "/events",
  "/stats",
  "/health/live",
  "/health/ready",
  "/metrics",
  "/openapi.json",
  "/docs",
];

let service: TestService;
beforeAll(async () => {
  service = await newService();
});
afterAll(() => service.stop());

describe("an unknown path gets 404", () => {
  test.each([
    "//",
    "/ui/a/b",
    "/ui/%69ndex.html",
    "/Webhook",
    "/WEBHOOK",
    "/webhook/x",
    "/webhook//",
    "//webhook",
    "/messages/m1",
    "/messages/m1/",
    "/messages/a/b",
    "/messages/%ff",
    "/messages/%00",
    "/messages/%",
    "/webhook/x/",
    "/webhook/%2F",
    "/messages.json",
    "/health",
    "/health/",
    "/index.html",
    "/.env",
    "/messages;x=1",
    "/messages%20",
    "/mess%61ges",
    "/messages%2F",
    "/messages%2f",
    "/%",
    "/%ff",
    "/a//",
    "/unknown/",
    "/\\evil.example",
    "//evil.example/",
    "//evil.example/messages/",
    "/http://evil.example/",
    `/${"x".repeat(5000)}`,
  ])("the unknown path %s gets 404", async (path) => {
    const answer = await exchange(service.port, head(`GET ${path}`));
    expect([answer?.status, answer?.body]).toEqual([404, '{"detail":"Not Found"}']);
    expect(answer?.headers["content-type"]).toStartWith("application/json");
  });
});

describe("a wrong method gets 405 with Allow", () => {
  const DETAIL = '{"detail":"Method Not Allowed"}';
  test.each(["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])(
    "%s /webhook gets 405 with Allow",
    async (method) => {
      const wire = await Wire.connect(service.port);
      await wire.send(head(`${method} /webhook`));
      const answer = await wire.answer({ toHead: method === "HEAD" });
      wire.end();
      // What Bun's parser refuses by itself (an unknown method) never gets here.
      if (method === "BREW" && answer?.status !== 405)
        return expect([400, 501]).toContain(answer?.status ?? 400);
      expect([answer?.status, answer?.headers["allow"]]).toEqual([405, "POST"]);
      if (method !== "HEAD") expect(answer?.body).toBe(DETAIL);
    },
  );

  test.each(READS)("POST %s gets 405 with Allow", async (path) => {
    const answer = await service.get(path, { method: "POST", body: "x" });
    expect([answer.status, await answer.text(), answer.headers.get("Allow")]).toEqual([
      405,
      DETAIL,
      "GET, HEAD",
    ]);
  });
});

describe("HEAD gets what GET would, without a body", () => {
  test.each([...READS, "/messages?limit=0", "/nothing"])(
    "HEAD %s gets what GET would, without a body",
    async (path) => {
      const get = await service.get(path);
      await get.text();
      const wire = await Wire.connect(service.port);
      await wire.send(head(`HEAD ${path}`));
      const answer = await wire.answer({ toHead: true });
      expect(answer?.status).toBe(get.status);
      expect(answer?.headers["content-type"]).toBe(get.headers.get("Content-Type") as string);
      // What follows on the connection is the next answer: no body came.
      await wire.send(head("GET /health/live"));
      expect((await wire.answer())?.body).toBe('{"status":"alive"}');
      wire.end();
    },
  );
});

describe("one slash too many redirects, with the query, to the constant path", () => {
  test.each([
    ["/messages/", "../messages"],
    ["/messages/?from=+1&q=%2F", "../messages?from=+1&q=%2F"],
    ["/stats/?", "../stats"],
    ["/webhook/", "../webhook"],
    ["/events/", "../events"],
    ["/health/live/", "../live"],
    ["/docs/", "../docs"],
    ["/openapi.json/", "../openapi.json"],
    ["/metrics/?a=b", "../metrics?a=b"],
  ])("%s redirects to %s, with the query", async (path, location) => {
    for (const method of ["GET", "POST"]) {
      const answer = await exchange(service.port, head(`${method} ${path}`, { "Content-Length": 0 }));
      expect([answer?.status, answer?.headers["location"]]).toEqual([307, location]);
    }
  });

  test("a POST that follows a redirect is stored", async () => {
    const body = JSON.stringify(message("redirected"));
    const answer = await fetch(`${service.url}/webhook/`, {
      method: "POST",
      body,
      headers: { "X-Signature": sign(SECRET, body) },
    });
    expect(answer.status).toBe(200);
  });
});

describe("X-Request-ID", () => {
  test.each(["abc", "A-b_c.d:1", "0".repeat(128), crypto.randomUUID()])(
    "X-Request-ID is the caller's when it is sane: %s",
    async (id) => {
      const answer = await service.get("/stats", { headers: { "X-Request-ID": id } });
      expect(answer.headers.get("X-Request-ID")).toBe(id);
      expect((await service.logLine(id))["path"]).toBe("/stats");
    },
  );

  test.each(["", "a b", '"', "a\\b", "x".repeat(129), "a\u00e9", "{}", "a,b", "<script>"])(
    "X-Request-ID is a new one when it is not: %j",
    async (id) => {
      const answer = await exchange(service.port, head("GET /stats", { "X-Request-ID": id }));
      expect(answer?.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test("X-Request-ID is on every kind of answer, and never the same twice", async () => {
    const answers = await Promise.all([
      service.post(message("identified")),
      service.post("{}"),
      service.post("{}", { "X-Signature": "" }),
      service.get("/messages?limit=0"),
      service.get("/nothing"),
      service.get("/webhook"),
      service.get("/stats/"),
      ...READS.map((path) => service.get(path)),
    ]);
    const ids = answers.map(({ headers }) => headers.get("X-Request-ID"));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("Postern-Result", () => {
  test("Postern-Result is on answers of the webhook route alone", async () => {
    for (const path of [...READS, "/nothing"]) {
      expect((await service.get(path)).headers.get("Postern-Result")).toBeNull();
    }
  });
});

describe("on one connection", () => {
  const post = (id: string) => {
    const body = JSON.stringify(message(id));
    return head("POST /webhook", { "X-Signature": sign(SECRET, body), "Content-Length": body.length }) + body;
  };

  test("requests one after the other on one connection are answered one after the other", async () => {
    const wire = await Wire.connect(service.port);
    for (let index = 0; index < 50; index++) {
      await wire.send(post(`sequential ${index}`));
      const answer = await wire.answer();
      expect([answer?.status, answer?.headers["postern-result"]]).toEqual([200, "ok"]);
      expect(answer?.headers["connection"]).not.toBe("close");
    }
    expect(wire.closed).toBe(false);
    wire.end();
  });

  test("a refused request leaves its connection usable, or closes it; nothing of it is taken for the next", async () => {
    for (const refused of [
      `${head("POST /webhook", { "Content-Length": 3 })}{}x`,
      head("GET /nothing"),
      `${head("POST /stats", { "Content-Length": 5 })}GET /`,
    ]) {
      const wire = await Wire.connect(service.port);
      await wire.send(refused);
      expect((await wire.answer())?.status).toBeGreaterThanOrEqual(401);
      await wire.send(head("GET /health/live"));
      const next = await wire.answer();
      if (next !== undefined) expect([next.status, next.body]).toEqual([200, '{"status":"alive"}']);
      wire.end();
    }
  });

  test("pipelined requests never get a wrong answer: a 200 is a row, and none comes out of turn", async () => {
    for (let round = 0; round < 20; round++) {
      const ids = Array.from({ length: 4 }, (_, index) => `piped ${round} ${index}`);
      const wire = await Wire.connect(service.port);
      await wire.send(
        ids
          .map((id, index) => post(id).replace("Host:", `X-Request-ID: p-${round}-${index}\r\nHost:`))
          .join(""),
      );
      const answered: string[] = [];
      for (const _ of ids) {
        const answer = await wire.answer();
        if (answer === undefined) break;
        expect([answer.status, answer.headers["postern-result"]]).toEqual([200, "ok"]);
        answered.push(answer.headers["x-request-id"] ?? "");
      }
      wire.end();
      expect(answered).toEqual(answered.map((_, index) => `p-${round}-${index}`));
      const rows = new Set((await service.rows()).map(({ message_id }) => message_id));
      for (const [index] of answered.entries()) expect(rows.has(ids[index] ?? "")).toBe(true);
    }
    expect((await service.get("/health/ready")).status).toBe(200);
    expect((await service.post(message("after pipelining"))).status).toBe(200);
  });

  test("pipelined reads get their own answers, if any", async () => {
    const wire = await Wire.connect(service.port);
    await wire.send(head("GET /health/live") + head("GET /nothing") + head("GET /health/live"));
    for (const expected of [200, 404, 200]) {
      const answer = await wire.answer();
      if (answer === undefined) break;
      expect(answer.status).toBe(expected);
    }
    wire.end();
  });

  test("a client that leaves before its answer harms nobody", async () => {
    for (let index = 0; index < 20; index++) {
      const wire = await Wire.connect(service.port);
      await wire.send(post(`left ${index}`));
      wire.end();
    }
    await until("what it sent is stored", async () =>
      (await service.rows()).some(({ message_id }) => message_id === "left 19"),
    );
    expect((await service.get("/health/ready")).status).toBe(200);
  });
});

describe("a Host", () => {
  const ask = (...hosts: readonly string[]) => {
    const lines = hosts.map((host) => `Host: ${host}\r\n`).join("");
    return exchange(service.port, `GET /stats HTTP/1.1\r\n${lines}\r\n`);
  };

  test.each([
    [["a", "b"]],
    [["127.0.0.1", "127.0.0.1"]],
    [[""]],
    [["a b"]],
    [["a,b"]],
    [["a/b"]],
    [["a@b"]],
    [["a\\b"]],
    [["a?b"]],
    [["a#b"]],
    [["[::1"]],
    [["a:x"]],
    [["\u00e9"]],
  ])("the Host %j is refused, counted and logged", async (hosts) => {
    const answer = await ask(...hosts);
    expect([answer?.status, answer?.body]).toEqual([
      400,
      '{"detail":"the request must name one valid Host"}',
    ]);
    const line = await service.logLine(answer?.headers["x-request-id"] ?? "");
    expect(line).toMatchObject({ path: "/stats", status: 400 });
  });

  test.each(["a", "a.example:8000", "127.0.0.1:1", "[::1]:80", "[2001:DB8::1]", "a_b.c-d", "a:"])(
    "the Host %s is taken",
    async (host) => expect((await ask(host))?.status).toBe(200),
  );

  test("a Host is not missed in HTTP/1.0, which has none", async () => {
    expect((await exchange(service.port, "GET /health/ready HTTP/1.0\r\n\r\n"))?.status).toBe(200);
    for (const path of ["/messages/..", "/webhook\\..\\stats", "/webhook/../stats"])
      expect((await exchange(service.port, `GET ${path} HTTP/1.0\r\n\r\n`))?.status).toBe(404);
  });
});

describe("every answer", () => {
  const ASKED = [...READS, "/", "/nothing", "/stats/", "/webhook", "/messages?limit=0", "/messages/none"];

  test.each([...ASKED, "/webhook\\..\\stats"])("every answer forbids to guess its type: %s", async (path) => {
    for (const method of ["GET", "POST", "HEAD"]) {
      const wire = await Wire.connect(service.port);
      await wire.send(head(`${method} ${path}`, { "Content-Length": 0 }));
      const answer = await wire.answer({ toHead: method === "HEAD" });
      wire.end();
      expect(answer?.headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  test.each(ASKED)("every answer to a GET or HEAD is kept by no cache: %s", async (path) => {
    for (const method of ["GET", "HEAD"])
      expect((await service.get(path, { method })).headers.get("Cache-Control")).toBe("no-store");
  });
});

describe("what is no HTTP", () => {
  test.each([
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\u0016\u0003\u0001\u0000\u00a5\u0001",
    "GET /stats HTTP/1.1\r\n\r\n",
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  ])("what is no HTTP is refused and harms nobody (%#)", async (bytes) => {
    const wire = await Wire.connect(service.port);
    await wire.send(bytes);
    await wire.send("\r\n\r\n");
    const answer = await wire.answer();
    if (answer !== undefined) expect(answer.status).toBeGreaterThanOrEqual(400);
    wire.end();
    expect((await service.get("/health/live")).status).toBe(200);
  });

  test("HTTP/1.0 without a Host is answered or refused, never with a 500", async () => {
    const answer = await exchange(service.port, "GET /health/live HTTP/1.0\r\n\r\n");
    expect([200, 400, 505]).toContain(answer?.status ?? 400);
  });
});

test("none of all this got a 500", () => {
  expect(service.logLines().filter((line) => Number(line["status"]) >= 500)).toEqual([]);
});
