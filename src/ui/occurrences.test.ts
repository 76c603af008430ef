import { expect, test } from "bun:test";
import fc from "fast-check";
import { occurrences } from "./occurrences.ts";

const marked = (text: string, searched: string) =>
  occurrences(text, searched).map(([from, to]) => text.slice(from, to));

test("what is marked is what was searched for, upper and lower case alike", () => {
  expect(marked("Order, ORDER and reorder", "order")).toEqual(["Order", "ORDER", "order"]);
  expect(marked("ΟΔΟΣ οδος", "οδοσ")).toEqual(["ΟΔΟΣ", "οδος"]);
  expect(marked("👍🏽 and 👍", "👍")).toEqual(["👍", "👍"]);
  expect(marked("aaaa", "aa")).toEqual(["aa", "aa"]);
  expect(marked("Straße", "strasse")).toEqual([]);
  expect(marked("anything", "")).toEqual([]);
});

test("whatever is a part of a text is found in it, and marks never overlap", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "A", "ß", "İ", "😀", "σ", "ς", "ﬁ")),
      fc.nat(),
      fc.nat(8),
      (text, at, length) => {
        const start = text.length === 0 ? 0 : at % text.length;
        const part = text.slice(start, start + length).join("");
        const found = occurrences(text.join(""), part);
        if (part !== "") expect(found.length).toBeGreaterThan(0);
        for (const [index, [from, to]] of found.entries()) {
          expect(to).toBeGreaterThan(from);
          expect(from).toBeGreaterThanOrEqual(found[index - 1]?.[1] ?? 0);
        }
      },
    ),
  );
});
