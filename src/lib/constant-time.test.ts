import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { equalInConstantTime } from "./constant-time.ts";

test("texts are equal exactly when they are", () => {
  const text = fc.string({ unit: "binary", maxLength: 4 });
  fc.assert(fc.property(text, text, (a, b) => equalInConstantTime(a, b) === (a === b)));
  fc.assert(fc.property(text, (a) => equalInConstantTime(a, `${a}`)));
});

test("one changed character anywhere, in any of its bits, makes them differ", () => {
  const text = "0123456789abcdef".repeat(4);
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 16; bit++) {
      const changed = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit));
      expect(equalInConstantTime(text, text.slice(0, at) + changed + text.slice(at + 1))).toBe(false);
    }
  }
});

test("a beginning is not the whole", () => {
  expect(equalInConstantTime("abc", "ab")).toBe(false);
  expect(equalInConstantTime("", "a")).toBe(false);
  expect(equalInConstantTime("", "")).toBe(true);
});

test("what differs within a character of several bytes differs, and as many characters may be more bytes", () => {
  expect(equalInConstantTime("geheim ß \u{1f511}", "geheim ß \u{1f511}")).toBe(true);
  expect(equalInConstantTime("\u{1f511}", "\u{1f512}")).toBe(false);
  expect(equalInConstantTime("é", "e")).toBe(false);
});

test("half a surrogate pair, which UTF-8 can't say, is equal to nothing", () => {
  for (const other of ["\ud800", "\udfff", "\ufffd"])
    for (const half of ["\ud800", "\ud801"]) {
      expect(equalInConstantTime(half, other)).toBe(false);
      expect(equalInConstantTime(other, half)).toBe(false);
    }
});
