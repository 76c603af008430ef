/** What is read of a table of which some rows can't be read. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { readablePages } from "./readable-rows.ts";

/**
 * A table of so many rows; reading any of the bad ones, or the place of one, fails as SQLite does.
 */
function walk(rows: number, bad: (row: number) => boolean, pageRows: number) {
  const read: number[] = [];
  const gaps: [number, number | undefined][] = [];
  const pages = readablePages({
    read: (from, limit) => {
      if (from > rows && bad(rows)) fail();
      const some: { row: number }[] = [];
      for (let row = from; row <= rows && some.length < limit; row++) {
        if (bad(row)) fail();
        some.push({ row });
      }
      return some;
    },
    from: 1,
    pageRows,
    onUnreadable: (first, last) => gaps.push([first, last]),
  });
  for (const page of pages) read.push(...page.map(({ row }) => row));
  return { read, gaps };
}

function fail(): never {
  throw Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });
}

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("every row outside of the bad ones is read, once and in order, and every bad one is told", () => {
  const tables = fc.record({
    rows: fc.integer({ min: 1, max: 300 }),
    bad: fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 40 }),
    pageRows: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(tables, ({ rows, bad, pageRows }) => {
      const isBad = new Set(bad);
      const { read, gaps } = walk(rows, (row) => isBad.has(row), pageRows);
      expect(read).toEqual(range(1, rows).filter((row) => !isBad.has(row)));
      const told = gaps.flatMap(([first, last]) => range(first, last ?? rows));
      expect(told).toEqual(range(1, rows).filter((row) => isBad.has(row)));
    }),
  );
});

test("a long bad stretch is passed in few steps, to its very end", () => {
  const { read, gaps } = walk(200_000, (row) => row > 1000 && row <= 150_000, 1000);
  expect([read.length, gaps]).toEqual([51_000, [[1001, 150_000]]]);
});
