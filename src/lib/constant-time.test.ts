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
