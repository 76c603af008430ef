import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { type Bucket, quantile, since } from "./quantile.ts";

const BOUNDS = [1, 10, 100, 1000];

function bucketsOf(values: readonly number[]): Bucket[] {
  return [...BOUNDS, null].map((le) => ({
    le,
    count: values.filter((value) => le === null || value <= le).length,
  }));
}

test("a quantile lies in the bucket of the exact one", () => {
  const values = fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (given, share) => {
      const exact = given.toSorted((a, b) => a - b)[Math.ceil(share * given.length) - 1] ?? Number.NaN;
      const bucket = BOUNDS.findIndex((bound) => exact <= bound);
      const found = quantile(bucketsOf(given), share) ?? Number.NaN;
      expect(found).toBeGreaterThanOrEqual(BOUNDS[bucket - 1] ?? 0);
      expect(found).toBeLessThanOrEqual(BOUNDS[bucket] ?? Number.NaN);
    }),
  );
});

test("nothing has no quantile, and beyond the last bound the bound is all that is known", () => {
  expect(quantile(bucketsOf([]), 0.5)).toBeUndefined();
  expect(quantile(bucketsOf([5000]), 0.5)).toBe(1000);
});

test("what came since is the difference, and all of it after a restart", () => {
  const before = bucketsOf([5, 50]);
  expect(since(before, bucketsOf([5, 50, 500, 0.5]))).toEqual(bucketsOf([500, 0.5]));
  expect(since(before, bucketsOf([5]))).toEqual(bucketsOf([5]));
  expect(since(undefined, before)).toEqual(before);
});
