import { expect, test } from "bun:test";
import { foldByTheBook } from "../../tests/model.ts";
import { fc } from "../../tests/property.ts";
import { fold } from "./fold.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });

test("every code point folds as the Unicode database says, alone and between others", () => {
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = String.fromCodePoint(point);
    const expected = foldByTheBook(character);
    if (fold(character) !== expected || fold(`é${character}Z`) !== `é${expected}z`) {
      throw new Error(`U+${point.toString(16)}`);
    }
  }
});

test("the fold of a text is the fold of its code points, one by one", () => {
  fc.assert(fc.property(text, (given) => fold(given) === Array.from(given, fold).join("")));
});

test("the fold of a part is a part of the fold", () => {
  fc.assert(
    fc.property(text, fc.nat(20), fc.nat(20), (given, from, length) => {
      const part = Array.from(given)
        .slice(from, from + length)
        .join("");
      return fold(given).includes(fold(part));
    }),
  );
});

test("folding twice changes nothing more", () => {
  fc.assert(fc.property(text, (given) => fold(fold(given)) === fold(given)));
});

test("the number of code points stays", () => {
  fc.assert(fc.property(text, (given) => [...fold(given)].length === [...given].length));
});

test.each([
  ["ΟΔΥΣΣΕΥΣ", "οδυσσευσ"],
  ["ς", "σ"],
  ["İ", "İ"],
  ["I", "i"],
  ["ı", "ı"],
  ["ẞ", "ß"],
  ["ß", "ß"],
  ["\u212a", "k"],
  ["\u212b", "å"],
  ["\u017f", "s"],
  ["Ꭰ", "Ꭰ"],
  ["ꭰ", "Ꭰ"],
  ["\u{10400}", "\u{10428}"],
  ["ﬀ", "ﬀ"],
  ["", ""],
])("%s folds to %s", (given, expected) => {
  expect(fold(given)).toBe(expected);
});
