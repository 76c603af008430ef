/** `postern healthcheck` against a service that is ready, one that is not, and none. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { newServer, postern, type Server } from "./postern.ts";

let server: Server;
beforeAll(async () => {
  server = await newServer();
});
afterAll(() => server.stop());

test("healthcheck exits with 0 for a ready service, without a secret", async () => {
  const env = { PORT: String(server.port) };
  expect(await postern(["healthcheck"], { env })).toEqual({ code: 0, stdout: "ready\n", stderr: "" });
});

test("healthcheck asks the loopback address of a service that listens on every interface", async () => {
  const env = { PORT: String(server.port), HOST: "0.0.0.0" };
  expect((await postern(["healthcheck"], { env })).code).toBe(0);
});

test("healthcheck asks past a proxy that the environment names", async () => {
  const env = {
    PORT: String(server.port),
    HTTP_PROXY: "http://127.0.0.1:1",
    http_proxy: "http://127.0.0.1:1",
  };
  expect((await postern(["healthcheck"], { env })).code).toBe(0);
});

test("healthcheck exits with 1 and one line that names the answer when it is not 200", async () => {
  const url = `${server.url}/nothing`;
  const { code, stdout, stderr } = await postern(["healthcheck", "--url", url]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe(`postern: not ready: ${url} answered 404 {"detail":"Not Found"}\n`);
});

test("healthcheck exits with 1 and one line when nobody listens", async () => {
  const { code, stderr } = await postern(["healthcheck", "--url", "http://127.0.0.1:1/"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^postern: not ready: no answer from [^\n]+\n$/);
});

test("healthcheck gives up after --timeout when the answer doesn't come", async () => {
  const never = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => undefined) });
  try {
    const { code, stderr } = await postern(["healthcheck", "--url", never.url.href, "--timeout", "50"]);
    expect(code).toBe(1);
    expect(stderr).toContain("nothing within 50 ms");
  } finally {
    await never.stop(true);
  }
});

test("healthcheck wants --url when the port is not known beforehand", async () => {
  const { code, stderr } = await postern(["healthcheck"], { env: { PORT: "0" } });
  expect(code).toBe(2);
  expect(stderr).toContain("--url");
});
