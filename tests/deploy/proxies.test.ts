/**
 * The shipped proxies with the programs themselves: what they let through, and that no spelling of
 * a path gets past their rule. Behind them is a service that defends itself by nothing else: no
 * READ_PORT, no API_TOKEN.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "../../src/sources/native.ts";
import { META } from "../http/meta-posts.ts";
import { newService, SECRET, type TestService } from "../http/service.ts";
import { exchange, head } from "../http/wire.ts";
import { message } from "../messages.ts";
import { BALANCER, GATES, PREFIX_RULES, programOf, type StartedProxy, startProxy } from "./proxy.ts";

const ODD = [
  "/webhook/../stats",
  "/webhook/%2e%2e/stats",
  "/webhook/.%2E/stats",
  "/webhook\\..\\stats",
  "/webhook/x\\..\\..\\stats",
  "/webhook/x/..\\..\\..\\stats",
  "/webhook/wa/../../stats",
  "/webhook/./wa",
  "/webhook/%2e/wa",
  "/webhook//wa",
  "//webhook",
  "/webhook\\",
  "/stats/../webhook",
  "/x/../webhook/wa",
];
const OTHER = [
  "/stats",
  "/messages",
  "/",
  "/health/ready",
  "/webhookx",
  "/webhook;x",
  "/webhook%2f..%2fstats",
];

let service: TestService;
let upstream: string;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  upstream = `127.0.0.1:${service.port}`;
});
afterAll(() => service.stop());

/** How many requests came so far, but for a proxy's questions after its health; this one counts. */
async function reached(): Promise<number> {
  const answer = await fetch(`${service.url}/webhook`);
  await service.logLine(answer.headers.get("X-Request-ID"));
  return service.logLines().filter(({ path }) => path !== undefined && !String(path).startsWith("/health/"))
    .length;
}

function refuses(proxy: () => StartedProxy, targets: readonly string[]): void {
  test.each(targets)("the proxy refuses %s itself", async (target) => {
    const before = await reached();
    for (const line of [`GET ${target}`, `POST ${target}?a=/webhook`]) {
      const answer = await exchange(proxy().port, head(line, { "Content-Length": 0 }));
      expect([400, 404]).toContain(answer?.status ?? 0);
      expect(answer?.headers).not.toHaveProperty("x-request-id");
    }
    expect(await reached()).toBe(before + 1);
  });
}

function delivers(proxy: () => StartedProxy): void {
  test("the proxy lets a signed webhook through, and a provider's, with a slash and a query as they were sent", async () => {
    const { port } = proxy();
    const body = JSON.stringify(message(`by ${port}`));
    const headers = { "X-Signature": sign(SECRET, body), "Content-Length": body.length };
    const native = await exchange(port, head("POST /webhook", headers) + body);
    expect([native?.status, native?.headers["postern-result"]]).toEqual([200, "ok"]);
    for (const path of ["/webhook/wa", "/webhook/wa/", "/webhook/wa?a=%2e%2e/%2F", "/webhook/wa?"]) {
      const provider = await exchange(port, head(`GET ${path}`));
      expect([provider?.status, provider?.headers["postern-result"]]).toEqual([401, "invalid_signature"]);
      const line = await service.logLine(provider?.headers["x-request-id"] ?? "");
      expect(line["path"]).toBe(path.replace(/\?.*/, ""));
    }
    const redirect = await exchange(port, head("POST /webhook/?a=b", { "Content-Length": 0 }));
    expect([redirect?.status, redirect?.headers["location"]]).toEqual([307, "../webhook?a=b"]);
  });

  test("the proxy lets no request through that has two hosts", async () => {
    const before = await reached();
    const answer = await exchange(proxy().port, "GET /webhook HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    expect([400, 404]).toContain(answer?.status ?? 400);
    expect(await reached()).toBe(before + 1);
  });
}

for (const kind of [...GATES, BALANCER]) {
  const missing = programOf(kind) === undefined;
  if (missing) console.log(`skipped: deploy/${kind.file} (no ${kind.program} is installed)`);
  describe.skipIf(missing)(`${kind.program} by deploy/${kind.file}`, () => {
    let proxy: StartedProxy;
    beforeAll(async () => {
      proxy = await startProxy(kind, upstream);
    });
    afterAll(() => proxy?.stop());

    delivers(() => proxy);
    refuses(() => proxy, kind === BALANCER ? ODD : [...ODD, ...OTHER]);
    if (kind === BALANCER)
      test("the proxy lets every normal path through, also one with an escaped slash", async () => {
        await service.post(message("a/../b"));
        for (const path of ["/stats", "/health/ready", "/messages?q=//..", "/messages/a%2F..%2Fb"])
          expect((await exchange(proxy.port, head(`GET ${path}`)))?.status).toBe(200);
      });
  });
}

for (const kind of PREFIX_RULES)
  describe.skipIf(programOf(kind) === undefined)(
    `${kind.program} with a rule for the path's beginning`,
    () => {
      let proxy: StartedProxy;
      beforeAll(async () => {
        proxy = await startProxy(kind, upstream);
      });
      afterAll(() => proxy?.stop());

      delivers(() => proxy);
      test.each(ODD)(
        "a rule for the path's beginning leads to nothing but webhooks by %s",
        async (target) => {
          const answer = await exchange(proxy.port, head(`GET ${target}`));
          // Caddy itself answers 200 to what no rule of it is for.
          const postern = answer?.headers["x-request-id"] !== undefined;
          if (postern) expect([307, 401, 404]).toContain(answer?.status ?? 0);
          expect(answer?.body).not.toContain("total_messages");
        },
      );
    },
  );
