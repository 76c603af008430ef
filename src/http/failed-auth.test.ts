import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { systemClock } from "../lib/clock.ts";
import { networkOf } from "../lib/ip-address.ts";
import { FailedAuth, LINES_PER_WINDOW_MAX, NAMES_MAX } from "./failed-auth.ts";

const PER_MINUTE = 600;
const STARTED_AT = Date.parse("2026-01-01T00:00:00Z");

const at = (address: string) => ({ address, limitKey: networkOf(address) });
const balancer = { address: "10.0.0.1", limitKey: undefined };

function failures(perMinute = PER_MINUTE) {
  let elapsed = 0;
  const lines: Record<string, unknown>[] = [];
  const failedAuth = new FailedAuth({
    perMinute,
    seed: 7,
    clock: { ...systemClock, now: () => STARTED_AT + elapsed, elapsed: () => elapsed },
    log: { warn: (message, fields) => lines.push({ message, ...fields }) },
  });
  const add = (client: Parameters<FailedAuth["add"]>[0], times = 1) => {
    let last = failedAuth.add(client);
    for (let n = 1; n < times; n++) last = failedAuth.add(client);
    return last;
  };
  return {
    failedAuth,
    add,
    lines,
    wait: (ms: number) => {
      elapsed += ms;
    },
  };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("an address has its limit in a minute, and beyond it is told when the next one begins", () => {
  const { add, wait } = failures();
  expect(add(at("203.0.113.7"), PER_MINUTE)).toEqual({ retryAfterS: undefined, logged: true });
  expect(add(at("203.0.113.7"))).toEqual({ retryAfterS: 60, logged: false });
  wait(59_001);
  expect(add(at("203.0.113.7"))).toEqual({ retryAfterS: 1, logged: false });
  wait(999);
  expect(add(at("203.0.113.7"))).toEqual({ retryAfterS: undefined, logged: true });
});

test("addresses count apart, those of one IPv6 network together", () => {
  const { add } = failures(2);
  add(at("203.0.113.7"), 3);
  expect(add(at("203.0.113.8")).retryAfterS).toBeUndefined();
  add(at("2001:db8:1:2::1"), 2);
  expect(add(at("2001:db8:1:2:ffff::9")).retryAfterS).toBe(60);
  expect(add(at("2001:db8:1:3::1")).retryAfterS).toBeUndefined();
});

test("a client that may stand for everybody has no limit of its own", () => {
  const { add } = failures();
  expect(add(balancer, 10 * PER_MINUTE).retryAfterS).toBeUndefined();
});

test("a million networks push no address out and limit nobody else", () => {
  const { add } = failures();
  add(at("203.0.113.7"), PER_MINUTE);
  for (let n = 0; n < 1_000_000; n++)
    add({ address: "", limitKey: `2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::/64` });
  expect(add(at("203.0.113.7")).retryAfterS).toBe(60);
  expect(add(at("198.51.100.1")).retryAfterS).toBeUndefined();
});

test("each client beyond its limit is summed up in one line a minute, also when nothing more comes", () => {
  const { add, wait, lines } = failures(2);
  wait(1_000);
  add(at("203.0.113.7"), 5);
  add(at("2001:db8::1"), 4);
  expect(lines).toEqual([]);
  jest.advanceTimersByTime(59_999);
  expect(lines).toEqual([]);
  jest.advanceTimersByTime(1);
  const message = "requests without a valid signature or token were refused, too many for a line each";
  const since = "2026-01-01T00:00:01.000Z";
  expect(lines).toEqual([
    { message, client: "203.0.113.7", count: 3, since },
    { message, client: "2001:db8:0:0::/64", count: 2, since },
  ]);
  jest.advanceTimersByTime(600_000);
  expect(lines).toHaveLength(2);
});

test("a summary that the timer has not written yet is written when the next minute begins", () => {
  const { add, wait, lines } = failures(1);
  add(at("203.0.113.7"), 3);
  wait(60_000);
  add(at("203.0.113.7"));
  expect(lines).toMatchObject([{ client: "203.0.113.7", count: 2 }]);
});

test("what was not said yet is said at the end, once", () => {
  const { failedAuth, add, lines } = failures(1);
  add(at("203.0.113.7"), 3);
  failedAuth.close();
  failedAuth.close();
  jest.advanceTimersByTime(600_000);
  expect(lines).toMatchObject([{ client: "203.0.113.7", count: 2 }]);
});

test("lines are bounded over all clients, those without a limit included", () => {
  const { failedAuth, add, lines, wait } = failures();
  let logged = 0;
  for (let n = 0; n < LINES_PER_WINDOW_MAX; n++) {
    if (add(balancer).logged) logged++;
    if (add(at(`203.0.${n >> 8}.${n & 255}`)).logged) logged++;
  }
  expect(logged).toBe(LINES_PER_WINDOW_MAX);
  failedAuth.close();
  expect(lines).toHaveLength(NAMES_MAX + 1);
  expect(lines[0]).toMatchObject({ client: "10.0.0.1", count: LINES_PER_WINDOW_MAX / 2 });
  expect(lines.at(-1)).toMatchObject({ client: "others" });
  const counts = lines.map(({ count }) => Number(count));
  expect(counts.reduce((sum, count) => sum + count, logged)).toBe(2 * LINES_PER_WINDOW_MAX);
  wait(60_000);
  expect(add(balancer).logged).toBe(true);
});
