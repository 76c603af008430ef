import { expect, test } from "bun:test";
import { logPlace } from "./log-place.ts";

test.each(["start", "now", "2025-01-15T10:00:00.5Z", "5f0c1d9a03bb71c2.1204"])(
  "%s is a place in the log as it stands",
  (text) => {
    expect(logPlace(text)).toBe(text);
  },
);

test.each([
  ["30s", 30_000],
  ["15m", 900_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["2w", 1_209_600_000],
])("%s is the instant so long ago", (text, ms) => {
  const before = Date.now();
  const at = Date.parse(logPlace(text));
  expect(at).toBeGreaterThanOrEqual(before - ms);
  expect(at).toBeLessThanOrEqual(Date.now() - ms);
});

test("a time before 1970 is 1970", () => {
  expect(logPlace("999999w")).toBe("1970-01-01T00:00:00.000Z");
});

test.each(["yesterday", "2", "h", "-2h", "2h30m", "2025-02-30T00:00:00Z", ""])(
  "%j is no place in the log",
  (text) => {
    expect(() => logPlace(text)).toThrow("It takes");
  },
);
