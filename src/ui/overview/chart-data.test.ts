import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { chartSeries, gridOf, inGroups, OTHERS } from "./chart-data.ts";

const total = (counts: readonly number[]) => counts.reduce((sum, each) => sum + each, 0);

test("whatever is shown adds up to what was counted", () => {
  const counts = fc.array(fc.nat(1000), { minLength: 30, maxLength: 30 });
  const series = fc.uniqueArray(fc.record({ source: fc.string(), counts }), {
    selector: ({ source }) => source,
    maxLength: 20,
  });
  fc.assert(
    fc.property(series, fc.integer({ min: 1, max: 31 }), (given, size) => {
      const shown = chartSeries(given, "source", size);
      expect(total(shown.flatMap((each) => each.counts))).toBe(total(given.flatMap((each) => each.counts)));
      expect(new Set(shown.map(({ color }) => color)).size).toBe(shown.length);
      expect(shown.length).toBeLessThanOrEqual(7);
    }),
  );
});

test("an outcome has its own colour, and what has none is among the others", () => {
  const outcome = (result: "ok" | "error") => ({ result, counts: [1] });
  expect(chartSeries([outcome("ok"), outcome("error")], "result", 1).map(({ color }) => color)).toEqual([
    3, 6,
  ]);
  expect(chartSeries([{ kind: "callback", counts: [1] }], "kind", 1)).toEqual([
    { name: OTHERS, color: 0, counts: [1] },
  ]);
});

test("steps are added up, the last ones too", () => {
  expect(inGroups([1, 2, 3, 4, 5], 2)).toEqual([3, 7, 5]);
});

test("a grid has whole numbers up to the largest count, and few lines", () => {
  fc.assert(
    fc.property(fc.nat(1e9), (largest) => {
      const grid = gridOf(largest);
      expect(grid.every(Number.isInteger)).toBe(true);
      expect(grid.at(-1)).toBeGreaterThanOrEqual(largest);
      expect(grid.length).toBeGreaterThanOrEqual(2);
      expect(grid.length).toBeLessThanOrEqual(6);
    }),
  );
});
