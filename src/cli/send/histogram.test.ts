import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { Histogram } from "./histogram.ts";

test("quantiles are within one per cent of the exact ones, and the largest is exact", () => {
  const times = fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), {
    minLength: 1,
    maxLength: 500,
  });
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (ms, share) => {
      const histogram = new Histogram();
      for (const each of ms) histogram.add(each);
      const sorted = ms.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * ms.length) - 1)] ?? Number.NaN;
      expect(histogram.quantile(share)).toBeGreaterThanOrEqual(exact * 0.99);
      expect(histogram.quantile(share)).toBeLessThanOrEqual(exact * 1.011);
      expect(histogram.max).toBe(sorted.at(-1) ?? Number.NaN);
      expect(histogram.total).toBe(ms.length);
    }),
  );
});

test("without any time everything is 0", () => {
  const histogram = new Histogram();
  expect([histogram.quantile(0.5), histogram.max, histogram.total]).toEqual([0, 0, 0]);
});
