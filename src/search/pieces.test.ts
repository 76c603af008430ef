import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { partOf, searchedText } from "../../tests/search-rows.ts";
import { pieces, plan } from "./pieces.ts";

describe("pieces", () => {
  test("whatever a text contains, its pieces contain what the plan asks for", () => {
    fc.assert(
      fc.property(searchedText, fc.nat(14), fc.integer({ min: 1, max: 8 }), (given, from, length) => {
        const q = partOf(given, from, length);
        if (q === "") return;
        const { needles } = plan(q);
        const own = [...pieces(given)];
        for (const needle of needles) expect(own.some((piece) => piece.includes(needle))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("an exact plan asks for exactly the texts that contain the string", () => {
    fc.assert(
      fc.property(searchedText, searchedText, (given, other) => {
        for (const q of [partOf(other, 0, 1), partOf(other, 1, 2), partOf(other, 0, 4)]) {
          const { needles, exact } = plan(q);
          if (q === "" || !exact) continue;
          const found = [...pieces(given)].some((piece) => piece.includes(needles[0] as string));
          expect([q, given, found]).toEqual([q, given, given.includes(q)]);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("one character and two are always exact, and pieces are parts of the text", () => {
    fc.assert(
      fc.property(searchedText, (given) => {
        for (const piece of pieces(given)) expect(given.includes(piece)).toBe(true);
        for (const q of [partOf(given, 0, 1), partOf(given, 1, 2)])
          if (q !== "") expect(plan(q)).toEqual({ needles: [q], exact: true });
      }),
      { numRuns: 1000 },
    );
  });
});
