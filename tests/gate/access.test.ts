/** Who may read: tokens, and the second listener. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newService, type TestService } from "../http/service.ts";
import { exchange, head } from "../http/wire.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";

const OPEN = ["/health/live", "/health/ready", "/openapi.json", "/docs"];
const GUARDED = ["/messages", "/events", "/senders", "/stats"];

const read = (service: TestService, path: string, authorization?: string) =>
  fetch(`${service.readUrl}${path}`, {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });

describe("with API_TOKEN and API_TOKEN_PREVIOUS", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ API_TOKEN: "new-token", API_TOKEN_PREVIOUS: "old-token" });
  });
  afterAll(() => service.stop());

  test.each([...GUARDED, "/metrics"])("%s wants one of the tokens", async (path) => {
    for (const authorization of [
      "Bearer new-token",
      "Bearer old-token",
      "bearer new-token",
      "BEARER  new-token",
    ]) {
      expect((await read(service, path, authorization)).status).toBe(200);
    }
    const wrong = [
      undefined,
      "",
      "new-token",
      "Bearer",
      "Bearer ",
      "Bearer new-toke",
      "Bearer new-token2",
      "Bearer New-Token",
      "Bearer new-token old-token",
      "Bearer undefined",
      "Basic new-token",
      `Basic ${btoa("x:new-token")}`,
    ];
    for (const authorization of wrong) {
      const answer = await read(service, path, authorization);
      expect([answer.status, await answer.json()]).toEqual([401, { detail: "unauthorized" }]);
      expect(answer.headers.get("WWW-Authenticate")).toStartWith("Bearer");
    }
  });

  test("a token of bytes beyond ASCII is refused like any other", async () => {
    const answer = await exchange(
      service.port,
      head("GET /stats", { Authorization: "Bearer n\u00e9w-t\u00f8ken" }),
    );
    expect(answer?.status).toBe(401);
  });

  test("what is wrong in a query stays unsaid without a token", async () => {
    expect((await read(service, "/messages?limit=0")).status).toBe(401);
    expect((await read(service, "/messages?limit=0", "Bearer new-token")).status).toBe(422);
  });

  test("a token in the query does not count", async () => {
    expect((await read(service, "/stats?token=new-token&access_token=new-token")).status).toBe(401);
  });

  test.each(OPEN)("%s wants no token", async (path) => {
    expect((await read(service, path)).status).toBe(200);
  });

  test("the webhook wants none, and a token is no signature", async () => {
    expect((await service.post(message("m"))).status).toBe(200);
    const answer = await service.post(message("n"), { "X-Signature": "", Authorization: "Bearer new-token" });
    expect(answer.status).toBe(401);
  });

  test("no answer and no log line repeats a token", () => {
    expect(service.logText()).not.toContain("new-token");
    expect(service.logText()).not.toContain("old-token");
  });
});

describe("with METRICS_PUBLIC=true", () => {
  test("with METRICS_PUBLIC=true metrics are open and the rest is not", async () => {
    const service = await newService({ API_TOKEN: "token", METRICS_PUBLIC: "true" });
    expect((await read(service, "/metrics")).status).toBe(200);
    for (const path of GUARDED) expect((await read(service, path)).status).toBe(401);
    await service.stop();
  });
});

describe("without API_TOKEN", () => {
  test("without API_TOKEN everything is open, and a blank one counts as none", async () => {
    const service = await newService({ API_TOKEN: "", API_TOKEN_PREVIOUS: "   " });
    for (const path of [...GUARDED, ...OPEN, "/metrics"])
      expect((await read(service, path)).status).toBe(200);
    await service.stop();
  });

  test("a blank previous token lets nobody in beside the real one", async () => {
    const service = await newService({ API_TOKEN: "token", API_TOKEN_PREVIOUS: " " });
    for (const authorization of ["Bearer ", "Bearer  ", "Bearer"]) {
      expect((await read(service, "/stats", authorization)).status).toBe(401);
    }
    await service.stop();
  });

  test("an address that is not loopback is warned of at start, once; with a token or on loopback it is not", async () => {
    const warnings = async (environment: Record<string, string>) => {
      const log = await (await newService(environment)).stop();
      return log.split("\n").filter((line) => line.includes("API_TOKEN") && line.includes('"level":"WARN"'))
        .length;
    };
    expect(await warnings({ HOST: "0.0.0.0" })).toBe(1);
    expect(await warnings({ HOST: "0.0.0.0", API_TOKEN: "token" })).toBe(0);
    expect(await warnings({ HOST: "127.0.0.1" })).toBe(0);
  });
});

describe("without API_TOKEN a browser under a name that may be anybody's", () => {
  const SENT = [
    { "Sec-Fetch-Site": "same-origin" },
    { Origin: "http://evil.example" },
    { "Accept-Language": "en" },
  ];
  let service: TestService;
  const ask = (line: string, headers: Record<string, string>, of = service) =>
    exchange(of.port, head(line, { "Content-Length": 0, ...headers }));
  beforeAll(async () => {
    service = await newService({ ALLOWED_HOSTS: "postern.example, Postern" });
  });
  afterAll(() => service.stop());

  test.each([...GUARDED, "/metrics", "/messages/m", "/messages?limit=0"])(
    "a browser under a name that may be anybody's is refused %s",
    async (path) => {
      for (const sent of SENT) {
        const answer = await ask(`GET ${path}`, { Host: "evil.example:8000", ...sent });
        expect([answer?.status, answer?.body]).toEqual([403, expect.stringContaining("ALLOWED_HOSTS")]);
      }
    },
  );

  test("a browser under a name that may be anybody's is refused what changes something too", async () => {
    for (const path of ["/admin/reload", "/admin/rebuild-index"]) {
      const answer = await ask(`POST ${path}`, { Host: "evil.example", Origin: "http://evil.example" });
      expect([answer?.status, answer?.body]).toEqual([403, expect.stringContaining("ALLOWED_HOSTS")]);
    }
  });

  test.each(["127.0.0.1:1", "[::1]", "localhost:8000", "a.localhost", "POSTERN.example.", "postern:80"])(
    "a browser under a name that may be anybody's reads under %s",
    async (Host) => {
      for (const sent of SENT)
        for (const path of GUARDED) expect((await ask(`GET ${path}`, { Host, ...sent }))?.status).toBe(200);
    },
  );

  test("a browser under a name that may be anybody's gets webhooks, health and docs under any name, and so does a program everything", async () => {
    const Host = "evil.example";
    for (const sent of SENT) {
      for (const path of OPEN) expect((await ask(`GET ${path}`, { Host, ...sent }))?.status).toBe(200);
      expect((await ask("POST /webhook", { Host, ...sent }))?.status).toBe(401);
      expect((await ask("POST /webhook/x", { Host, ...sent }))?.status).toBe(404);
    }
    for (const path of GUARDED) expect((await ask(`GET ${path}`, { Host }))?.status).toBe(200);
  });

  test("a browser under a name that may be anybody's needs the token alone where there is one", async () => {
    const guarded = await newService({ API_TOKEN: "token" });
    const headers = { Host: "evil.example", Origin: "http://evil.example" };
    expect((await ask("GET /stats", headers, guarded))?.status).toBe(401);
    const known = { ...headers, Authorization: "Bearer token" };
    expect((await ask("GET /stats", known, guarded))?.status).toBe(200);
    await guarded.stop();
  });

  test("a browser under a name that may be anybody's reads metrics that are public", async () => {
    const open = await newService({ METRICS_PUBLIC: "true" });
    const headers = { Host: "evil.example", "Sec-Fetch-Site": "none" };
    expect((await ask("GET /metrics", headers, open))?.status).toBe(200);
    expect((await ask("GET /stats", headers, open))?.status).toBe(403);
    await open.stop();
  });
});

describe("with READ_PORT", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await newService({ READ_PORT: String(freePort()) });
  });
  afterAll(() => service.stop());

  test("webhooks and health are on the first port alone, everything else on the second alone", async () => {
    const first = (path: string) => fetch(`${service.url}${path}`, { redirect: "manual" });
    for (const path of ["/health/live", "/health/ready"]) {
      expect((await first(path)).status).toBe(200);
      expect((await service.get(path)).status).toBe(404);
    }
    for (const path of [...GUARDED, "/metrics", "/openapi.json", "/docs"]) {
      expect((await service.get(path)).status).toBe(200);
      const hidden = await first(path);
      expect([hidden.status, await hidden.json()]).toEqual([404, { detail: "Not Found" }]);
      expect((await first(`${path}/`)).status).toBe(404);
    }
    expect((await first("/webhook")).status).toBe(405);
    expect((await service.get("/webhook")).status).toBe(404);
    expect((await first("/webhook/")).status).toBe(307);
    expect((await service.get("/stats/")).status).toBe(307);
  });

  test("a message that came in through the first is read through the second", async () => {
    expect((await service.post(message("m"))).status).toBe(200);
    expect(await (await service.get("/messages")).json()).toMatchObject({ total: 1 });
    const answer = await fetch(`${service.readUrl}/webhook`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(404);
  });

  test("paths that the other port serves count as unmatched", async () => {
    expect(
      await service.metric('http_requests_total{method="GET",path="/stats",status="404"}'),
    ).toBeUndefined();
    expect(
      await service.metric('http_requests_total{method="GET",path="unmatched",status="404"}'),
    ).toBeGreaterThan(0);
  });
});
