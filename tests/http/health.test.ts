/** Live and ready. What a failing disk does to them is in `tests/faults`. */
import { expect, test } from "bun:test";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { newService } from "./service.ts";

test("a service that has just started is alive and ready", async () => {
  const service = await newService();
  const [live, ready] = [await service.get("/health/live"), await service.get("/health/ready")];
  expect([live.status, await live.text()]).toEqual([200, '{"status":"alive"}']);
  expect([ready.status, await ready.text()]).toEqual([200, '{"status":"ready"}']);
  await service.stop();
});

test("while nothing can be committed it is alive but not ready, says 503 to webhooks, and recovers by itself", async () => {
  const service = await newService();
  const release = await service.database.hold();
  // An engine waits five seconds.
  const refused = await service.post(message("held"));
  expect(refused.status).toBe(503);
  expect([refused.headers.get("Retry-After"), refused.headers.get("Postern-Result")]).toEqual(["2", "error"]);
  const ready = await service.get("/health/ready");
  expect([ready.status, await ready.json()]).toEqual([503, { detail: expect.any(String) }]);
  expect((await service.get("/health/live")).status).toBe(200);
  await release();
  await until("ready again", async () => (await service.get("/health/ready")).status === 200);
  expect((await service.post(message("held"))).status).toBe(200);
  await service.stop();
}, 120_000);

test("probes of an idle service do not add messages", async () => {
  const service = await newService();
  await Promise.all(Array.from({ length: 50 }, () => service.get("/health/ready")));
  expect(await service.rows()).toEqual([]);
  await service.stop();
});
