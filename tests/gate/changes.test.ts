/** Who may change something where no token is configured. */
import { afterEach, expect, test } from "bun:test";
import { json } from "../../src/lib/response.ts";
import { head, Wire } from "../http/wire.ts";
import { type RoutesServer, serveRoutes, streamRoute } from "./routes-server.ts";

let server: RoutesServer;
let changes = 0;
afterEach(() => server.stop());

function serve(options: Parameters<typeof serveRoutes>[1] = {}): void {
  changes = 0;
  const route = streamRoute(() => ({}) as never, "/thing");
  const change = () => {
    changes++;
    return json(200, {});
  };
  server = serveRoutes(
    [
      { ...route, handle: () => json(200, {}) },
      { ...route, method: "PUT", changes: true, handle: change },
    ],
    options,
  );
}

async function ask(method: string, headers: Record<string, string> = {}) {
  const wire = await Wire.connect(server.port);
  await wire.send(head(`${method} /thing`, { "Content-Length": 0, ...headers }));
  const answer = await wire.answer();
  wire.end();
  return answer;
}

test.each(["0.0.0.0", "::", "192.0.2.1", "localhost.example", "postern"])(
  "without a token and with HOST=%s nothing may be changed, and reads go on",
  async (host) => {
    serve({ host });
    const answer = await ask("PUT");
    expect([answer?.status, JSON.parse(answer?.body ?? "")]).toEqual([
      403,
      { detail: "set API_TOKEN to use this, or HOST to a loopback address" },
    ]);
    expect([(await ask("GET"))?.status, changes]).toEqual([200, 0]);
  },
);

test.each(["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])(
  "without a token and with HOST=%s a program may change something",
  async (host) => {
    serve({ host });
    expect([(await ask("PUT"))?.status, changes]).toEqual([200, 1]);
  },
);

test("with a token every HOST and every origin may change something: who has the token is asked elsewhere", async () => {
  serve({ host: "0.0.0.0", guarded: true });
  expect((await ask("PUT", { Origin: "https://app.example", "Sec-Fetch-Site": "cross-site" }))?.status).toBe(
    200,
  );
});

test.each([
  { Origin: "https://evil.example" },
  { Origin: "null" },
  { Origin: "" },
  { Origin: "http://127.0.0.1:9" },
  { Origin: "http://127.0.0.1:8000, https://evil.example" },
  { Origin: "http://127.0.0.1:8000.evil.example" },
  { Origin: "moz-extension://127.0.0.1:8000" },
  { "Sec-Fetch-Site": "cross-site" },
  { "Sec-Fetch-Site": "same-site" },
  { "Sec-Fetch-Site": "same-site", Origin: "http://127.0.0.1:8000" },
])("without a token a page of another origin changes nothing: %j", async (headers) => {
  serve();
  const answer = await ask("PUT", { Host: "127.0.0.1:8000", ...headers });
  expect([answer?.status, changes]).toEqual([403, 0]);
  expect(answer?.body).toContain("another origin");
  expect((await ask("GET", { Host: "127.0.0.1:8000", ...headers }))?.status).toBe(200);
});

test.each([
  {},
  { Origin: "http://127.0.0.1:8000" },
  { Origin: "HTTP://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin" },
  { "Sec-Fetch-Site": "none" },
])("without a token a page of the service's own origin may change something: %j", async (headers) => {
  serve();
  expect((await ask("PUT", { Host: "127.0.0.1:8000", ...headers }))?.status).toBe(200);
  expect(changes).toBe(1);
});
