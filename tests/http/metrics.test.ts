/**
 * `GET /metrics`: the series are there from the start, and nobody can make more of them than there
 * should be.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { META, metaPost, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";
import { exchange, head } from "./wire.ts";

const RESULTS = ["ok", "duplicate", "invalid_signature", "validation_error", "overloaded", "error"];

let service: TestService;
beforeAll(async () => {
  service = await newService();
  // They are counted beside the start.
  await until("messages to be counted", async () => (await service.metric("store_messages")) !== undefined);
});
afterAll(() => service.stop());

const scrape = async (): Promise<string> => (await service.get("/metrics")).text();

test("a fresh service exposes every series of the contract, counters at 0", async () => {
  const answer = await service.get("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/plain; version=0\.0\.4(;|$)/);
  const text = await answer.text();
  for (const result of RESULTS)
    expect(text).toContain(`\nwebhook_requests_total{source="native",result="${result}"} 0\n`);
  expect(text).toContain("\nwebhook_duplicates_differing_total 0\n");
  for (const line of [
    "# TYPE http_requests_total counter",
    "# TYPE webhook_requests_total counter",
    "# TYPE request_latency_ms histogram",
    'request_latency_ms_bucket{le="100"} ',
    'request_latency_ms_bucket{le="500"} ',
    'request_latency_ms_bucket{le="+Inf"} ',
    "# TYPE request_duration_seconds histogram",
    "request_latency_ms_sum ",
    "request_latency_ms_count ",
    'store_commit_rows_bucket{le="1"} 0',
    "store_commit_rows_count 0",
    "store_commit_seconds_count 0",
    "store_queue_rows 0",
    "store_messages 0",
    "store_database_bytes ",
    "store_wal_bytes ",
    "process_cpu_seconds_total ",
    "process_resident_memory_bytes ",
    "process_start_time_seconds ",
    "postern_build_info{",
    "log_lines_dropped_total 0",
  ]) {
    expect(text).toContain(`\n${line}`.replace("\n#", "#"));
  }
});

test("the exposition is well formed: typed, without repeated series, buckets that only grow", async () => {
  await service.post(message("formed"));
  const text = await scrape();
  expect(text).toEndWith("\n");
  const typed = new Set([...text.matchAll(/^# TYPE (\S+) \S+$/gm)].map(([, name]) => name));
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const names = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(new Set(names).size).toBe(names.length);
  for (const line of series) {
    expect(line).toMatch(
      /^[a-z_:][a-z0-9_:]*(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? -?([0-9.e+-]+|NaN|\+Inf)$/i,
    );
    const name = /^[a-z0-9_:]+/i.exec(line)?.[0] ?? "";
    expect(typed.has(name) || typed.has(name.replace(/_(bucket|sum|count)$/, ""))).toBe(true);
  }
  for (const histogram of ["request_latency_ms", "store_commit_rows", "store_commit_seconds"]) {
    const buckets = series
      .filter((line) => line.startsWith(`${histogram}_bucket`))
      .map((line) => Number(line.split(" ")[1]));
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(buckets.at(-1)).toBe(
      ((await service.metric(`${histogram}_count`)) as number) - (histogram === "request_latency_ms" ? 1 : 0),
    );
  }
});

test("what was stored and committed is counted", async () => {
  const before = (await service.metric("store_messages")) ?? Number.NaN;
  const commits = (await service.metric("store_commit_seconds_count")) ?? Number.NaN;
  const rows = (await service.metric("store_commit_rows_sum")) ?? Number.NaN;
  await service.post(message("counted"));
  await service.post(message("counted"));
  expect(await service.metric("store_messages")).toBe(before + 1);
  expect(await service.metric("store_commit_seconds_count")).toBe(commits + 2);
  expect(await service.metric("store_commit_rows_sum")).toBe(rows + 2);
  expect(await service.metric("store_database_bytes")).toBeGreaterThan(0);
});

test("each webhook answer counts under one result, 413 as validation_error", async () => {
  const read = async () =>
    Object.fromEntries(
      await Promise.all(
        RESULTS.map(async (result) => [
          result,
          (await service.metric(`webhook_requests_total{source="native",result="${result}"}`)) ?? 0,
        ]),
      ),
    );
  const before = await read();
  await service.post(message("each"));
  await service.post(message("each"));
  await service.post(message("each"), { "X-Signature": "" });
  await service.post("{}");
  await exchange(service.port, head("POST /webhook", { "Content-Length": 5_000_000 }));
  const after = await read();
  expect(after).toEqual({
    ...before,
    ok: before["ok"] + 1,
    duplicate: before["duplicate"] + 1,
    invalid_signature: before["invalid_signature"] + 1,
    validation_error: before["validation_error"] + 2,
  });
});

describe("the labels of http_requests_total", () => {
  const series = async () =>
    [...(await scrape()).matchAll(/^http_requests_total\{(.*)\} \d+$/gm)].map(([, labels]) => labels ?? "");

  test("the labels of http_requests_total are the method, the route's pattern and the status", async () => {
    await service.get("/messages?limit=1");
    await service.get("/messages?limit=0");
    await service.get("/health/live", { method: "HEAD" });
    await service.get("/webhook");
    await service.get("/nothing/here");
    await service.get("/stats/");
    const seen = await series();
    for (const labels of [
      'method="GET",path="/messages",status="200"',
      'method="GET",path="/messages",status="422"',
      'method="HEAD",path="/health/live",status="200"',
      'method="GET",path="/webhook",status="405"',
      'method="GET",path="unmatched",status="404"',
      'method="GET",path="unmatched",status="307"',
    ]) {
      expect(seen).toContain(labels);
    }
  });

  test("the labels of http_requests_total can't be multiplied by odd methods and paths", async () => {
    for (const line of [
      "GET /a",
      "GET /b?c=d",
      "PATCH /x/y/z",
      "DELETE /é",
      "GET //",
      "GET /%2e%2e/x",
      "GET /messages%00",
    ]) {
      await exchange(service.port, head(Buffer.from(line).toString("latin1")));
    }
    await series();
    const before = (await series()).length;
    for (let index = 0; index < 50; index++) await service.get(`/unknown/${index}?x=${index}`);
    for (const method of ["BREW", "PROPFIND", "get", "M-SEARCH", "LINK"]) {
      await exchange(service.port, head(`${method} /messages`));
      await exchange(service.port, head(`${method} /some/${method}`));
    }
    const after = await series();
    const odd = after.filter(
      (labels) =>
        !/^method="(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE|OTHER)",path="[a-z/._{}]+",status="\d{3}"$/.test(
          labels,
        ),
    );
    expect(odd).toEqual([]);
    expect(after.length).toBeLessThanOrEqual(before + 4);
  });
});

test("the number of requests counted is the number of requests made", async () => {
  const total = async () =>
    [...(await scrape()).matchAll(/^http_requests_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  const before = await total();
  for (let index = 0; index < 25; index++)
    await service.get(["/stats", "/x", "/health/live"][index % 3] ?? "");
  // A scrape is counted when it is answered.
  expect(await total()).toBe(before + 26);
});

test("the time of requests is told by route in seconds, and of all together in milliseconds", async () => {
  await service.get("/stats");
  const text = await scrape();
  const values = (name: string) =>
    [...text.matchAll(new RegExp(`^${name} (\\S+)$`, "gm"))].map(([, n]) => Number(n));
  const total = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);
  expect(values('request_duration_seconds_bucket\\{path="/stats",le="0\\.5"\\}')).toHaveLength(1);
  expect(values('request_duration_seconds_count\\{path="unmatched"\\}')).toHaveLength(1);
  for (const [end, ms] of [
    ["count", 1],
    ["sum", 1000],
  ] as const) {
    const byRoute = total(values(`request_duration_seconds_${end}\\{path="[^"]+"\\}`));
    expect(byRoute * ms).toBeCloseTo(total(values(`request_latency_ms_${end}`)), 6);
  }
});

test("after a restart it is known when a source brought its last message and event", async () => {
  const database = await newDatabase();
  const given = { database, sources: { wa: META } };
  const before = await newService({}, given);
  const times = (of: TestService) =>
    Promise.all([
      of.metric('webhook_last_message_timestamp_seconds{source="native"}'),
      of.metric('webhook_last_message_timestamp_seconds{source="wa"}'),
      of.metric('webhook_last_event_timestamp_seconds{source="wa"}'),
    ]);
  const startedAt = Date.now() / 1000;
  await before.post(message("kept"));
  await before.send("/webhook/wa", metaPost([text("1")], [status("1")]));
  const told = await times(before);
  await before.stop();
  const after = await newService({}, given);
  const known = await until("all are known", async () => {
    const shown = await times(after);
    return shown.every((time) => time !== undefined) && (shown as number[]);
  });
  for (const [index, time] of known.entries()) {
    expect(time).toBeGreaterThan(startedAt - 1);
    expect(time).toBeLessThanOrEqual((told[index] ?? 0) + 0.001);
  }
  expect(await after.metric('webhook_last_event_timestamp_seconds{source="native"}')).toBeUndefined();
  await after.stop();
  await database.drop();
});
