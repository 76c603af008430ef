/** `POST /admin/rebuild-index`: who may, and that answers stay right meanwhile. */
import { afterEach, expect, test } from "bun:test";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";
import { newService, type TestService } from "./service.ts";

let service: TestService;
afterEach(() => service.stop());

const ask = (authorization?: string, method = "POST") =>
  fetch(`${service.readUrl}/admin/rebuild-index`, {
    method,
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });

test("without API_TOKEN nobody may have the index made anew", async () => {
  service = await newService();
  const answer = await ask();
  expect([answer.status, await answer.json()]).toEqual([403, { detail: "set API_TOKEN to use this" }]);
});

test("making the index anew wants the token, and a POST", async () => {
  service = await newService({ API_TOKEN: "token" });
  expect((await ask()).status).toBe(401);
  expect((await ask("Bearer other")).status).toBe(401);
  const get = await ask("Bearer token", "GET");
  expect([get.status, get.headers.get("Allow")]).toEqual([405, "POST"]);
});

test("with a second listener the route is there and not where webhooks arrive", async () => {
  service = await newService({ API_TOKEN: "token", READ_PORT: String(freePort()) });
  const there = await fetch(`${service.url}/admin/rebuild-index`, {
    method: "POST",
    headers: { Authorization: "Bearer token" },
  });
  expect(there.status).toBe(404);
  expect((await ask("Bearer token")).status).toBe(202);
});

test("a new index takes the place of the old one; asked twice it happens once; the log says so", async () => {
  service = await newService({ API_TOKEN: "token" });
  for (let index = 0; index < 50; index++)
    await service.post(message(`m${index}`, { text: `word ${index}` }));
  const answers = await Promise.all([ask("Bearer token"), ask("Bearer token")]);
  for (const answer of answers)
    expect([answer.status, await answer.json()]).toEqual([202, { status: "rebuilding" }]);
  const total = async () =>
    ((await (await service.get("/messages?q=word")).json()) as { total: number }).total;
  const done = () =>
    service.logLines().filter((line) => line["message"] === "the index was made anew").length || undefined;
  for (let left = 20; left > 0 && done() === undefined; left--) expect(await total()).toBe(50);
  expect(await until("the new index", done)).toBe(1);
  const asked = service.logLines().filter((line) => line["message"] === "rebuild asked for");
  expect(asked.map(({ level, how, client }) => [level, how, client])).toEqual([
    ["INFO", "POST", "127.0.0.1"],
    ["INFO", "POST", "127.0.0.1"],
  ]);
  expect(await total()).toBe(50);
});
