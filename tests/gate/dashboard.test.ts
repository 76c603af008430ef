/** The dashboard's files: what they may load, how they are compressed and kept, what they weigh. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import "../../scripts/build-ui.ts";
import { dashboardRoutes } from "../../src/features/dashboard/assets.ts";
import { newService, type TestService } from "../http/service.ts";
import { serveRoutes } from "./routes-server.ts";

const SCRIPT_BYTES_MAX = 90_000;

let service: TestService;
let page: string;
beforeAll(async () => {
  service = await newService({ API_TOKEN: "a-token-for-tests" });
  page = await (await fetch(`${service.url}/ui/`)).text();
});
afterAll(() => service.stop());

/** As sent: Bun's own `fetch` would decompress. */
const read = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, { headers, redirect: "manual", decompress: false });
const bytes = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const names = () => [...page.matchAll(/(?:src|href)="([^"]+-[^"]+)"/g)].map(([, name = ""]) => name);

test("/ and /ui lead to the page by relative references", async () => {
  for (const path of ["/", "/ui"]) {
    const answer = await read(path);
    expect([answer.status, answer.headers.get("location")]).toEqual([307, "ui/"]);
  }
  expect((await read("/ui/", {})).status).toBe(200);
  expect((await read("/ui//")).status).toBe(404);
  expect((await fetch(`${service.url}/ui/`, { method: "POST" })).status).toBe(405);
});

test("the page names its files relatively, and none of anybody else", () => {
  expect(names()).toHaveLength(4);
  for (const [, reference = ""] of page.matchAll(/(?:src|href|action)="([^"]*)"/g))
    expect(reference).toMatch(/^(?:\.\.\/)?[\w.-]+$/);
  expect(page).not.toMatch(/<style|style=|<script>|\son\w+=/);
});

test("the page runs its own scripts and nothing else", async () => {
  const { headers } = await read("/ui/");
  expect(headers.get("content-security-policy")).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-cache");
});

test("files are kept forever, and come in the smallest form that is taken", async () => {
  for (const name of names()) {
    const plain = await read(`/ui/${name}`, { "Accept-Encoding": "identity" });
    expect([name, plain.status, plain.headers.get("cache-control")]).toEqual([
      ...[name, 200, "public, max-age=31536000, immutable"],
    ]);
    const content = await bytes(plain);
    for (const [accepted, coding, decode] of [
      ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
      ["gzip;q=1.0, br;q=0", "gzip", gunzipSync],
      ["br;q=0.000,gzip", "gzip", gunzipSync],
    ] as const) {
      const answer = await read(`/ui/${name}`, { "Accept-Encoding": accepted });
      expect([name, answer.headers.get("vary")]).toEqual([name, "Accept-Encoding"]);
      // The smallest ones aren't made smaller.
      if (!answer.headers.has("content-encoding")) continue;
      expect(answer.headers.get("content-encoding")).toBe(coding);
      expect(decode(await bytes(answer)).equals(content)).toBe(true);
    }
  }
});

test("what hasn't changed isn't sent again", async () => {
  for (const path of ["/ui/", `/ui/${names()[0]}`]) {
    const etag = (await read(path)).headers.get("etag") ?? "";
    const answer = await read(path, { "If-None-Match": etag });
    expect([answer.status, (await bytes(answer)).length]).toEqual([304, 0]);
  }
});

test("what the page doesn't name isn't there", async () => {
  for (const name of ["index.html", "main.js", "constructor", "..%2Fmain.ts", "__proto__"])
    expect([name, (await read(`/ui/${name}`)).status]).toEqual([name, 404]);
});

test("all scripts together are within 90 KB compressed", async () => {
  const { readBundle } = await import("../../src/features/dashboard/bundle.ts");
  const scripts = Object.entries((await readBundle()) ?? {}).filter(([name]) => name.endsWith(".js"));
  const sizes = scripts.map(
    ([, { codings }]) => Buffer.from(codings.gzip ?? codings.identity, "base64").length,
  );
  expect(scripts.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(SCRIPT_BYTES_MAX);
});

test("a checkout in which nobody built it says how", async () => {
  const server = serveRoutes(dashboardRoutes(() => Promise.resolve(undefined)));
  const answer = await fetch(`${server.url}/ui/`);
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining("make run")]);
  expect((await fetch(`${server.url}/ui/main-x.js`)).status).toBe(404);
  await server.stop();
});
