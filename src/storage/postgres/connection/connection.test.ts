import { expect, test } from "bun:test";
import { fc } from "../../../../tests/property.ts";
import { placeholders } from "./connection.ts";

test("each row has numbers of its own, after those that all rows share", () => {
  expect(placeholders(2, 3)).toBe("($1, $2, $3), ($4, $5, $6)");
  expect(placeholders(2, 2, 1)).toBe("($1, $2, $3), ($1, $4, $5)");
  expect(placeholders(1, 1)).toBe("($1)");
  expect(placeholders(0, 3)).toBe("");
});

test("the numbers don't depend on what was asked for before", () => {
  const byHand = (rows: number, columns: number, first: number) => {
    const numbers = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => `$${from + index}`);
    return Array.from(
      { length: rows },
      (_, row) => `(${[...numbers(1, first), ...numbers(1 + first + row * columns, columns)].join(", ")})`,
    ).join(", ");
  };
  fc.assert(
    fc.property(fc.nat(40), fc.integer({ min: 1, max: 4 }), fc.nat(2), (rows, columns, first) => {
      expect(placeholders(rows, columns, first)).toBe(byHand(rows, columns, first));
    }),
  );
});
