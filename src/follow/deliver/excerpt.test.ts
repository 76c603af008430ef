import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { excerptOf } from "./excerpt.ts";

test("an excerpt is one line of at most 1 KiB of UTF-8 without control characters, whatever came", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(1100), (bytes, letters) => {
      const excerpt = excerptOf("é".repeat(letters) + new TextDecoder().decode(bytes));
      const encoded = Buffer.from(excerpt);
      expect(encoded.length).toBeLessThanOrEqual(1024);
      expect(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encoded)).toBe(excerpt);
      expect(excerpt).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    }),
  );
});

test("a short text is kept as it is, with single spaces", () => {
  expect(excerptOf("  <html>\r\n\t<h1>Bad   Gateway</h1>\n")).toBe("<html> <h1>Bad Gateway</h1>");
  expect(excerptOf("")).toBe("");
});
