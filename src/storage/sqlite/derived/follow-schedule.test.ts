/**
 * When the followers take their steps, and what they make wait. The thread is a stand-in that says
 * what it is told.
 */
import { expect, test } from "bun:test";
import { steeredClock } from "../../../../tests/steered-clock.ts";
import { until } from "../../../../tests/until.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { Log } from "../../../observe/log.ts";
import type { Thread } from "../connection/thread.ts";
import { FollowSchedule, type FollowScheduleOptions } from "./follow-schedule.ts";
import type { FollowReport } from "./protocol.ts";

const at = (row: number, more: Partial<FollowReport> = {}): FollowReport => ({
  index: "a",
  positions: { time: row, senders: row, search: row },
  event: 0,
  end: { row: Number.POSITIVE_INFINITY, event: Number.POSITIVE_INFINITY },
  ...more,
});

/**
 * A following of a thread that answers each step by the next of these; the last one again and
 * again.
 */
function following(
  steps: (FollowReport | Error)[],
  lastRow: number,
  more: Partial<FollowScheduleOptions> = {},
) {
  const asked: string[] = [];
  const logged: string[] = [];
  const swaps: string[] = [];
  const caughtUp: number[] = [];
  const ask = async ({ do: what }: { do: string }) => {
    asked.push(what);
    if (what !== "advance") return null;
    const step = steps.length > 1 ? steps.shift() : steps[0];
    if (step instanceof Error) throw step;
    return step;
  };
  const log = {
    debug: () => undefined,
    error: (text: string) => logged.push(text),
  } as unknown as Log;
  const subject = new FollowSchedule(
    {
      follower: { ask } as unknown as Thread,
      lagRowsMax: 1000,
      first: at(0),
      log,
      clock: systemClock,
      onLogUnreadable: () => undefined,
      onSwap: async (index) => void swaps.push(index),
      onCaughtUp: async () => void caughtUp.push(1),
      ...more,
    },
    { row: lastRow, event: 0 },
  );
  return { subject, asked, logged, swaps, caughtUp };
}

/** What can happen without the clock has happened. */
const rest = () => new Promise(setImmediate);

test("it says how far each follower is behind, and holds nothing up before it has once caught up", async () => {
  const { subject, caughtUp } = following(
    [at(100, { positions: { time: 900, senders: 400, search: 100 } })],
    1_000_000,
  );
  await until("a step", () => (subject.lags.time === 999_100 ? true : undefined));
  expect(subject.lags).toEqual({ time: 999_100, senders: 999_600, search: 999_900, events: 0 });
  expect([subject.lag, subject.delayMs, caughtUp]).toEqual([999_900, 0, []]);
  await subject.close();
});

test("once caught up, groups are held back from half of the lag on, the more the further behind", async () => {
  const { subject, caughtUp } = following([at(100)], 100);
  await until("catching up", () => (caughtUp.length === 1 ? true : undefined));
  const delays = [100, 600, 601, 850, 1100, 5000].map((row) => {
    subject.logEndsAt({ row, event: 0 });
    return subject.delayMs;
  });
  expect(delays[0]).toBe(0);
  expect(delays[1]).toBe(0);
  expect(delays.slice(2)).toEqual([0.1, 25, 50, 50]);
  await subject.close();
});

test("a step that fails is told and tried again; nothing is held up meanwhile", async () => {
  const { subject, logged, caughtUp, asked } = following([at(10), new Error("disk full"), at(20)], 10);
  await until("catching up", () => (caughtUp.length === 1 ? true : undefined));
  subject.logEndsAt({ row: 20_000, event: 0 });
  await until("the failure", () => (logged.length === 1 ? true : undefined));
  expect(logged[0]).toContain("can't follow the log");
  expect(subject.delayMs).toBe(0);
  const before = asked.length;
  await until("another try", () => (asked.length > before ? true : undefined));
  await subject.close();
});

test("few rows wait for more; many are taken at once", async () => {
  const clock = steeredClock();
  const { subject, asked } = following([at(10), at(11), at(100_000)], 10, { clock });
  await rest();
  expect(asked.length).toBe(1);
  const stepsAfter = async (ms: number) => {
    clock.advance(ms);
    await rest();
    return asked.length;
  };
  subject.logEndsAt({ row: 11, event: 0 });
  expect(await stepsAfter(249)).toBe(1);
  expect(await stepsAfter(1)).toBe(2);
  subject.logEndsAt({ row: 100_000, event: 0 });
  expect(await stepsAfter(0)).toBe(3);
  await subject.close();
});

test("a new index is read before the old one goes; whoever asked for it is told", async () => {
  const steps = [at(10), at(10, { index: "b" })];
  const { subject, asked, swaps } = following([at(10)], 10);
  await until("the first step", () => (asked.length >= 1 ? true : undefined));
  await subject.close();
  const again = following(steps, 10);
  await again.subject.rebuild();
  expect(again.swaps).toEqual(["b"]);
  expect(swaps).toEqual([]);
  expect(again.asked.indexOf("forget-old")).toBeGreaterThan(again.asked.indexOf("rebuild"));
  expect(again.subject.index).toBe("b");
  await again.subject.close();
});

test("closing in the middle of a rebuild tells whoever waits for it, and no step begins after it", async () => {
  const clock = steeredClock();
  const { subject, asked } = following([at(10)], 10, { clock });
  const waiting = subject.rebuild().then(
    () => "made",
    (error: Error) => error.message,
  );
  const stepAfter = async (ms: number) => {
    clock.advance(ms);
    await rest();
  };
  while (asked.length <= 3) await stepAfter(1);
  await subject.close();
  expect(await waiting).toContain("closed before");
  const before = asked.length;
  await stepAfter(60_000);
  expect(asked.length).toBe(before);
});

test("while something is done without it no step begins, and the next one follows at once", async () => {
  const { subject, asked } = following([at(100)], 100);
  await until("a step", () => (subject.lag === 0 ? true : undefined));
  const steps = () => asked.filter((what) => what === "advance").length;
  const before = steps();
  const work = Promise.withResolvers<void>();
  const without = subject.without(() => work.promise);
  subject.logEndsAt({ row: 1_000_000, event: 0 });
  await new Promise(setImmediate);
  expect(steps()).toBe(before);
  work.resolve();
  await without;
  expect(steps()).toBe(before + 1);
  await subject.close();
});
