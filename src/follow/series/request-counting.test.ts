import { expect, test } from "bun:test";
import { steeredClock } from "../../../tests/steered-clock.ts";
import { until } from "../../../tests/until.ts";
import { REFUSALS_MAX, type RequestsCounted } from "../../core/series.ts";
import { Metrics } from "../../observe/metrics.ts";
import { RequestCounting } from "./request-counting.ts";

const SECOND_MS = 1000;

/** A store that is told when to fail, and keeps what it was given. */
function newCounting() {
  const clock = { ...steeredClock(), at: Date.parse("2026-03-01T10:00:00Z") };
  const metrics = new Metrics({ version: "test", runtime: "test" });
  const written: RequestsCounted[] = [];
  const state = { fails: false, tries: 0 };
  const counting = new RequestCounting({
    store: {
      add: async (counted) => {
        state.tries++;
        if (state.fails) throw new Error("the database is away");
        written.push(counted);
      },
    },
    metrics,
    clock: { ...clock, now: () => clock.at },
    log: { warn: () => undefined },
    holder: "b0b5e1d0-0000-4000-8000-000000000001",
    onWritten: () => undefined,
  });
  counting.begin();
  const pass = async (ms = SECOND_MS) => {
    clock.at += ms;
    clock.advance(SECOND_MS);
    await Bun.sleep(0);
  };
  const days = () =>
    written.flatMap(({ counts }) => counts.filter(({ step }) => step === "day").map(({ rows }) => rows));
  return { metrics, written, state, counting, pass, days };
}

test("what the counters have more is written once a second, and nothing when there is nothing", async () => {
  const { metrics, written, state, pass, days } = newCounting();
  metrics.webhooksOf("wa").requests.ok += 3;
  await pass();
  metrics.webhooksOf("wa").requests.ok += 2;
  metrics.webhooksOf("native").requests.duplicate++;
  await pass();
  for (let second = 0; second < 5; second++) await pass();
  expect(state.tries).toBe(2);
  expect(days()).toEqual([3, 2, 1]);
  expect(written.map(({ number }) => number)).toEqual([1, 2]);
});

test("a write that fails is done again under its number, and what came meanwhile by the next one", async () => {
  const { metrics, written, state, counting, pass } = newCounting();
  state.fails = true;
  metrics.webhooksOf("wa").requests.ok += 3;
  await pass();
  metrics.webhooksOf("wa").requests.ok += 4;
  await pass();
  expect([state.tries, counting.behind.requests]).toEqual([2, 7]);
  state.fails = false;
  await pass();
  await pass();
  expect(counting.behind.requests).toBe(0);
  const day = written.map(({ number, counts }) => [number, counts.find(({ step }) => step === "day")?.rows]);
  expect(day).toEqual([
    [1, 3],
    [2, 4],
  ]);
});

test("while the database fails memory is bounded, and each request still counts in its day", async () => {
  const { metrics, written, state, counting, pass } = newCounting();
  state.fails = true;
  const MINUTES = 1500;
  const SOURCES = 20;
  for (let minute = 0; minute < MINUTES; minute++) {
    for (let source = 0; source < SOURCES; source++) metrics.webhooksOf(`s${source}`).requests.ok++;
    await pass(60 * SECOND_MS);
  }
  state.fails = false;
  await counting.close();
  const counts = written.flatMap((write) => write.counts);
  expect(counts.length).toBeLessThan(21_000);
  const days = counts.filter(({ step }) => step === "day");
  expect(days.reduce((total, { rows }) => total + rows, 0)).toBe(MINUTES * SOURCES);
});

test("of ten thousand refusals a second so many of each source are written, the newest", async () => {
  const { metrics, written, pass } = newCounting();
  const refusal = { at: "", client: "203.0.113.1", method: "POST", path: "/webhook" };
  for (let number = 1; number <= 10_000; number++)
    for (const source of ["native", "wa"])
      metrics.refusals.add({ ...refusal, source, reason: `no ${number} ${"x".repeat(1000)}` });
  await pass();
  await until("a write", () => written.length === 1);
  const refusals = written[0]?.refusals ?? [];
  expect(refusals).toHaveLength(2 * REFUSALS_MAX);
  expect(refusals[REFUSALS_MAX - 1]?.reason).toStartWith("no 10000 ");
  for (const { reason } of refusals) expect(reason.length).toBe(200);
  await pass();
  expect(written).toHaveLength(1);
});

test("at a stop what was counted last is written, also behind a write that failed", async () => {
  const { metrics, state, counting, pass, days } = newCounting();
  state.fails = true;
  metrics.webhooksOf("wa").requests.ok += 3;
  await pass();
  metrics.webhooksOf("wa").requests.ok += 4;
  state.fails = false;
  await counting.close();
  expect(days()).toEqual([3, 4]);
});
