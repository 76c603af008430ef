/**
 * That a path leads where it says and nowhere else, however it is spelt: what a proxy let through
 * stays what it is.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { json } from "../../src/lib/response.ts";
import type { Route } from "../../src/lib/route.ts";
import { META } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { exchange, head, Wire } from "../http/wire.ts";
import { message } from "../messages.ts";
import { fc } from "../property.ts";
import { serveRoutes, streamRoute } from "./routes-server.ts";

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  for (const id of ["b", "a/b", "a\\b", "..", "...", "a b"]) await service.post(message(id));
});
afterAll(() => service.stop());

const get = async (target: string) => {
  const answer = await exchange(service.port, head(`GET ${target}`));
  if (answer === undefined) throw new Error(`no answer to ${target}`);
  return answer;
};
const unmatched = () => service.metric('http_requests_total{method="GET",path="unmatched",status="404"}');

describe("a target that isn't normal is 404, whatever it would be once it was", () => {
  test.each([
    "/webhook/../stats",
    "/webhook/%2e%2e/stats",
    "/webhook/.%2E/stats",
    "/webhook\\..\\stats",
    "/webhook/..\\stats",
    "/webhook/x/..\\..\\..\\stats",
    "/webhook/wa\\..\\..\\stats",
    "/webhook/wa/../../stats",
    "/a/../../../stats",
    "/../stats",
    "/./stats",
    "/%2e/stats",
    "/stats/.",
    "/stats/%2E",
    "/stats/x/..",
    "/stats/x%5C..",
    "/stats\\",
    "\\stats",
    "/\\stats",
    "//stats",
    "/stats//",
    "///stats",
    "/health//live",
    "/messages//b",
    "/messages/x/../b",
    "/messages/x\\..\\b",
    "/messages\\b",
    "/messages/./b",
    "/messages/b/",
    "/messages/..",
    "/messages/.",
    "/messages/%2e%2e",
    "/messages/%2E.",
    "/messages/b#x",
    "/stats;x",
    "/stats;/../stats",
    "/%73tats",
    "/%2fstats",
    "/%5cstats",
    "/..%2fstats",
    "/..%5cstats",
    "/stats%00",
    "/stats%20",
    "/stats%09",
    "/stats%0d%0a",
    "/stats%23",
    "/stats%3f",
    "/stats#f",
    "/stats#/../x",
    "/#/../stats",
    "/stats\u00a0",
    "/%c0%ae%c0%ae/stats",
    "/%u002e%u002e/stats",
    "/%252e%252e/stats",
    "/a/b/c/d/e/f/g/h/i/../../../../../../../../../stats",
    "http://127.0.0.1/webhook/../stats",
    "http://127.0.0.1/webhook\\..\\stats",
    "http://127.0.0.1//stats",
    "http:////stats",
  ])("a target that isn't normal is 404: %s", async (target) => {
    const before = (await unmatched()) ?? 0;
    const answer = await exchange(service.port, head(`GET ${target}`));
    // What Bun's parser refuses by itself gets no further.
    if (answer?.status === 400 && answer.body === "") return;
    expect([answer?.status, answer?.body]).toEqual([404, '{"detail":"Not Found"}']);
    expect(await unmatched()).toBe(before + 1);
  });

  test.each(["*", "stats", "", "?", ".", "..", "\\", "evil:80", "@127.0.0.1/stats", "http:/stats"])(
    "a target that is no path at all gets 400 or 404: %j",
    async (target) => {
      const answer = await exchange(service.port, head(`GET ${target}`));
      expect([400, 404]).toContain(answer?.status ?? 400);
    },
  );

  test("a target that isn't normal gets past with no method", async () => {
    for (const method of ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const wire = await Wire.connect(service.port);
      await wire.send(head(`${method} /webhook\\..\\stats`, { "Content-Length": 0 }));
      expect((await wire.answer({ toHead: method === "HEAD" }))?.status).toBe(404);
      wire.end();
    }
  });

  test("whatever random dots, slashes and escapes lie between, no answer but 404 and 400 comes from /stats", async () => {
    const bits = fc.constantFrom("/", "\\", ".", "..", "%2e", "%2f", "%5c", ";", "//", "webhook", "wa", "x");
    const target = fc.array(bits, { minLength: 1, maxLength: 8 }).map((parts) => `/${parts.join("")}`);
    await fc.assert(
      fc.asyncProperty(target, fc.constantFrom("/", "\\", "%2f", "/./"), async (before, join) => {
        const given = `${before}${join}stats`;
        const answer = await exchange(service.port, head(`GET ${given}`));
        expect(answer?.body ?? "").not.toContain("total_messages");
      }),
    );
  });
});

describe("what is normal is served", () => {
  test.each([
    ["/messages/b", "b"],
    ["/messages/%62", "b"],
    ["/messages/b?x=/../y", "b"],
    ["/messages/a%2Fb", "a/b"],
    ["/messages/a%2fb", "a/b"],
    ["/messages/a%5Cb", "a\\b"],
    ["/messages/...", "..."],
    ["/messages/a%20b", "a b"],
  ])("%s is the message %s", async (target, id) => {
    const answer = await get(target);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ message_id: id });
  });

  test("any identifier but two is found once it is encoded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), async (id) => {
        fc.pre(id.isWellFormed() && !id.includes("\0") && id.trim() !== "" && id !== "." && id !== "..");
        expect((await service.post(message(id))).status).toBe(200);
        expect(JSON.parse((await get(`/messages/${encodeURIComponent(id)}`)).body)).toMatchObject({
          message_id: id,
        });
      }),
    );
  });

  test("the identifiers . and .. have no path, and are found by the filter", async () => {
    const { body } = await get("/messages?message_id=..");
    expect(JSON.parse(body)).toMatchObject({ total: 1, data: [{ message_id: ".." }] });
  });

  test.each(["http://127.0.0.1", "http://other.example:81", "HTTP://127.0.0.1", "https://a@b"])(
    "what is normal is served of an absolute target the path counts: %s",
    async (origin) => {
      expect((await get(`${origin}/health/live?a=b`)).body).toBe('{"status":"alive"}');
      const slash = await get(`${origin}/stats/?a=b`);
      expect([slash.status, slash.headers["location"]]).toEqual([307, "../stats?a=b"]);
    },
  );
});

describe("the log says what was sent", () => {
  test.each([
    ["/webhook\\..\\stats", "/webhook\\..\\stats"],
    ["/webhook/../stats?secret=1", "/webhook/../stats"],
    ["/webhook/%2e%2e/stats", "/webhook/../stats"],
    ["/webhook/wa/../../stats/", "/webhook/wa/../../stats/"],
    ["/messages/x\\..\\b", "/messages/x\\..\\b"],
    ["/messages/%2e%2e", "/messages/.."],
    ["/%5cstats", "/%5cstats"],
    ["/a%20b/%ff", "/a%20b/%ff"],
    ["//stats", "//stats"],
    ["http://127.0.0.1/a/../stats", "/a/../stats"],
  ])("the log says %s as %s", async (target, path) => {
    const { headers } = await get(target);
    expect((await service.logLine(headers["x-request-id"] ?? ""))["path"]).toBe(path);
  });
});

describe("a parameter before a constant end", () => {
  const answering = (method: Route["method"], path: string): Route => ({
    ...streamRoute(() => ({}) as never, path),
    method,
    handle: ({ parameter }) => json(200, { path, parameter }),
  });
  const [one, next] = ["/consumers/{name}", "/consumers/{name}/next"];
  const server = serveRoutes([
    ...(["GET", "PUT", "DELETE"] as const).map((method) => answering(method, one)),
    answering("GET", next),
    answering("POST", "/consumers/{name}/ack"),
  ]);
  afterAll(() => server.stop());
  const ask = async (request: string) => {
    const wire = await Wire.connect(server.port);
    await wire.send(head(request, { "Content-Length": 0 }));
    const answer = await wire.answer();
    wire.end();
    return answer;
  };

  test.each([
    ["GET /consumers/a/next", next, "a"],
    ["GET /consumers/next/next?x=/y", next, "next"],
    ["GET /consumers/a%2Fnext/next", next, "a/next"],
    ["GET /consumers/a%5Cb/next", next, "a\\b"],
    ["GET /consumers/.../next", next, "..."],
    ["GET http://127.0.0.1/consumers/a/next", next, "a"],
    ["GET /consumers/next", one, "next"],
    ["PUT /consumers/a", one, "a"],
    ["DELETE /consumers/a", one, "a"],
  ])("a parameter before a constant end is found: %s is %s of %s", async (request, path, parameter) => {
    const answer = await ask(request);
    expect([answer?.status, answer?.body]).toEqual([200, JSON.stringify({ path, parameter })]);
  });

  test.each([
    ["/consumers/a/next", "GET, HEAD"],
    ["/consumers/a", "GET, HEAD, PUT, DELETE"],
    ["/consumers/a/ack", "POST"],
  ])("a parameter before a constant end has its path's own methods: %s allows %s", async (path, allow) => {
    const answer = await ask(`PATCH ${path}`);
    expect([answer?.status, answer?.headers["allow"]]).toEqual([405, allow]);
  });

  test.each([
    ["/consumers/a/next/?wait=1", "../next?wait=1"],
    ["/consumers/a%2Fb%3F/next/", "../next"],
    ["/consumers/a$&/next/", "../next"],
  ])("a parameter before a constant end and one slash too many lead on: %s to %s", async (path, location) => {
    const answer = await ask(`GET ${path}`);
    expect([answer?.status, answer?.headers["location"]]).toEqual([307, location]);
  });

  test.each([
    "/consumers/../next",
    "/consumers/./next",
    "/consumers/%2e%2e/next",
    "/consumers/%2E/next/",
    "/consumers//next",
    "/consumers/a\\..\\b/next",
    "/consumers/x\\..\\a\\next",
    "/consumers/a\\next",
    "/consumers/a/../next",
    "/consumers/a/./next",
    "/consumers/a/b/next",
    "/consumers/x/../a/next",
    "/x/../consumers/a/next",
    "/x\\..\\consumers\\a\\next",
    "/consumers/a%00/next",
    "/consumers/%ff/next",
    "/consumers/a#b/next",
    "/consumers/a/next//",
    "/consumers/a/next/.",
    "/consumers/a/nex%74",
    "/consumers/a/next;x",
    "/consumers%2Fa/next",
    "//consumers/a/next",
  ])("a parameter before a constant end is none where the target isn't normal: %s", async (target) => {
    const answer = await ask(`GET ${target}`);
    if (answer?.status === 400 && answer.body === "") return;
    expect([answer?.status, answer?.body]).toEqual([404, '{"detail":"Not Found"}']);
  });
});
