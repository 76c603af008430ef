import { expect, test } from "bun:test";
import { head, Wire } from "../http/wire.ts";
import { until } from "../until.ts";
import { databaseOfEachTest, Load, post, startPostern, storedIds } from "./postern-process.ts";

const database = databaseOfEachTest();

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const SENDERS = 24;
const SHORT_TEXT = "hello";
const LONG_TEXT = "x".repeat(4096);

const read =
  (url: string) =>
  async (path: string): Promise<{ total?: number; total_messages?: number }> =>
    (await fetch(`${url}${path}`)).json() as Promise<{ total?: number; total_messages?: number }>;

test(`after ${ROUNDS} kills under load every acknowledged message is there exactly once`, async () => {
  const acknowledged = new Set<string>();
  const attempted = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const postern = await startPostern({ database: database().url });
    // Long texts fill the write-ahead log, so that some kills fall into a checkpoint.
    const load = new Load(postern.url, `r${round}`, SENDERS, round % 2 === 1 ? LONG_TEXT : SHORT_TEXT);
    // A different moment each round, by count rather than by time.
    const enough = (round % 2 === 1 ? 1500 : 200) + 137 * (round % 7);
    await until("acknowledgements", () => load.acknowledged.size > enough);
    postern.kill("SIGKILL");
    await postern.exited;
    await load.stop();
    for (const id of load.acknowledged) acknowledged.add(id);
    for (const id of load.attempted) attempted.add(id);
  }
  const postern = await startPostern({ database: database().url });
  // What is derived was killed as often, in the middle of its steps: asked at once, it says what
  // the log says.
  const asked = await Promise.all(
    ["/stats", "/messages?q=hello", "/messages?from=%2B919876543210"].map(read(postern.url)),
  );
  const stored = await storedIds(postern.url);
  const short = [...stored.keys()].filter((id) => Number(/^r(\d+)-/.exec(id)?.[1]) % 2 === 0);
  expect(asked.map((answer) => answer.total_messages ?? answer.total)).toEqual([
    stored.size,
    short.length,
    stored.size,
  ]);
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect([...stored].filter(([, count]) => count !== 1)).toEqual([]);
  expect([...stored.keys()].filter((id) => !attempted.has(id))).toEqual([]);
  const unanswered = [...attempted].filter((id) => !acknowledged.has(id));
  for (const id of unanswered) {
    const answer = await post(postern.url, id);
    expect(answer?.headers.get("postern-result")).toBe(stored.has(id) ? "duplicate" : "ok");
  }
  expect((await storedIds(postern.url)).size).toBe(attempted.size);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(await database().differences()).toEqual([]);
}, 600_000);

test("SIGTERM under load answers what was accepted, loses nothing and exits 0", async () => {
  const postern = await startPostern({ database: database().url });
  const load = new Load(postern.url, "term", SENDERS);
  await until("acknowledgements", () => load.acknowledged.size > 300);
  const started = performance.now();
  postern.kill("SIGTERM");
  // From now on readiness says 503, until nobody answers any more.
  const ready = async () => {
    const answer = await fetch(`${postern.url}/health/ready`).catch(() => undefined);
    return answer === undefined || answer.status === 503;
  };
  await until("it is not ready any more", ready);
  expect(await postern.exited).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  await load.stop();
  const again = await startPostern({ database: database().url });
  const stored = await storedIds(again.url);
  expect([...load.acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect(load.refused.filter((status) => status !== 503)).toEqual([]);
  again.kill("SIGTERM");
  expect(await again.exited).toBe(0);
}, 120_000);

test("during SHUTDOWN_GRACE_MS it still accepts while readiness says 503, then it exits 0", async () => {
  const postern = await startPostern({ database: database().url, env: { SHUTDOWN_GRACE_MS: "4000" } });
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
  postern.kill("SIGTERM");
  await until("readiness says 503", async () => (await fetch(`${postern.url}/health/ready`)).status === 503);
  const answer = await post(postern.url, "in the grace");
  expect(answer?.status).toBe(200);
  expect(answer?.headers.get("connection")).toBe("close");
  expect(await postern.exited).toBe(0);
  const again = await startPostern({ database: database().url });
  expect([...(await storedIds(again.url)).keys()]).toEqual(["in the grace"]);
  again.kill("SIGTERM");
  expect(await again.exited).toBe(0);
}, 120_000);

test("neither an idle connection nor a body that never comes holds up the exit beyond ten seconds", async () => {
  const postern = await startPostern({ database: database().url });
  const port = Number(new URL(postern.url).port);
  const idle = await Wire.connect(port);
  const stuck = await Wire.connect(port);
  await stuck.send(head("POST /webhook", { "X-Signature": "0".repeat(64), "Content-Length": 1000 }));
  await until("both are served", async () => (await fetch(`${postern.url}/health/live`)).status === 200);
  const started = performance.now();
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  idle.end();
  stuck.end();
}, 120_000);
