import { expect, test } from "bun:test";
import type { Schemas } from "../api.ts";
import { type Delivery, deliveryState } from "./delivery-state.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");
const MESSAGE = { seq: 7, source: "wa", from: "+1", to: "+2" };
const FILTER = { kinds: ["message" as const], sources: null, from: null, to: null };

function delivery(
  destination: Partial<Schemas["Destination"]> = {},
  more: Partial<Omit<Delivery, "destination">> = {},
): Delivery {
  return {
    ...{ failure: undefined, isWhole: true, ...more },
    destination: {
      ...{ name: "app", url: "https://app.example", filter: FILTER, state: "ok", reason: null, since: null },
      ...{ position: "abc.9", lag_records: 0, lag_is_bound: false, lag_seconds: 0, put_aside: 0, dead: 0 },
      ...{ next_attempt_at: null, attempts: { success: 0, failure: 0 }, answer_ms: { p50: null, p99: null } },
      ...destination,
    },
  };
}
const words = (given: Delivery) => deliveryState(MESSAGE, given, NOW).words;

test("one behind the position that the filter takes was handed on", () => {
  expect(words(delivery())).toBe("handed on");
  const filter = {
    kinds: ["status" as const, "message" as const],
    sources: ["x", "wa"],
    from: "+1",
    to: "+2",
  };
  expect(words(delivery({ filter }))).toBe("handed on");
  expect(words(delivery({ position: "abc.7" }))).toBe("handed on");
});

test.each([
  [{ kinds: ["status" as const] }, "left out: it takes no messages"],
  [{ sources: ["x", "y"] }, "left out: it takes what comes from x, y alone"],
  [{ from: "+9" }, "left out: it takes what +9 sends alone"],
  [{ to: "+9" }, "left out: it takes what is sent to +9 alone"],
])("one that the filter %j leaves out is never said to be handed on, nor on its way", (part, expected) => {
  for (const position of ["abc.9", "abc.1"])
    expect(words(delivery({ position, filter: { ...FILTER, ...part } }))).toBe(expected);
});

test("one before the position is on its way, or waits for what halts the destination", () => {
  expect(words(delivery({ position: "abc.6" }))).toBe("on its way");
  const failing = { reason: "status 422", next_attempt_at: "2026-11-29T10:50:00Z" };
  expect(words(delivery({ position: "abc.6", ...failing }))).toStartWith(
    "not yet: the last attempt failed (status 422), next attempt in 50",
  );
  expect(words(delivery({ position: "abc.6", state: "paused" }))).toBe("not yet: it is paused");
  expect(words(delivery({ position: "abc.6", state: "inactive", filter: null }))).toBe(
    "not yet: it is not configured",
  );
});

test("what isn't known isn't claimed", () => {
  expect(words(delivery({}, { isWhole: false }))).toStartWith("handed on, or among");
  expect(words(delivery({ state: "inactive", filter: null }))).toContain("isn't known");
});

test("what failed is said with its cause, whatever the filter takes by now", () => {
  const failure = {
    ...{ state: "waiting" as const, attempts: 2, last_status: 503, cause: null, excerpt: null },
    ...{ last_at: "2026-11-29T09:59:00Z", next_at: "2026-11-29T10:05:00Z" },
  } as Schemas["Failure"];
  const filter = { ...FILTER, sources: ["x"] };
  const of = (more: Partial<Schemas["Failure"]>) =>
    words(delivery({ filter }, { failure: { ...failure, ...more } }));
  expect(of({})).toStartWith("tried again: answered 503, 2 attempts, next in 5");
  expect(of({ state: "dead", last_status: null, cause: "tls", attempts: 1 })).toBe(
    "given up: tls, 1 attempt",
  );
  // An outage costs no attempt; while it lasts, what is due waits.
  expect(of({ attempts: 0, next_at: "2026-11-29T09:55:00Z" })).toBe("tried again: answered 503, due");
  expect(of({ last_at: null })).toBe("waits behind an earlier one of its sender");
});
