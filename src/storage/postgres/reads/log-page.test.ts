import { describe, expect, test } from "bun:test";
import { rowsBeforeGap } from "./log-page.ts";

const batches = [
  { seq: 1, rows: 3 },
  { seq: 4, rows: 1 },
  { seq: 5, rows: 4 },
];
const before = (numbers: readonly number[], { after = 0, until = 8, gapsUntil = 0 } = {}) =>
  rowsBeforeGap({ batches, rows: numbers.map((seq) => ({ seq })), after, until }, gapsUntil);

describe("of rows that were read", () => {
  test("all count while no number is missing", () => {
    expect(before([1, 2, 3, 4, 5, 6, 7, 8])).toBeUndefined();
    expect(before([3, 4, 5], { after: 2, until: 5 })).toBeUndefined();
  });

  test("those count that stand before a missing one, be it the first, the last or one between", () => {
    expect(before([2, 3, 4, 5, 6, 7, 8])).toBe(0);
    expect(before([1, 2, 3, 4, 5, 6, 7])).toBe(7);
    expect(before([1, 2, 3, 5, 6, 7, 8])).toBe(3);
    expect(before([])).toBe(0);
  });

  test("none is missing beyond what was looked at", () => {
    expect(before([1, 2, 3, 4, 5], { until: 5 })).toBeUndefined();
  });

  test("none is missing where the log that was taken over had a gap", () => {
    expect(before([1, 4, 5, 6, 7, 8], { gapsUntil: 3 })).toBeUndefined();
    expect(before([1, 5, 6, 7, 8], { gapsUntil: 3 })).toBe(1);
  });
});
