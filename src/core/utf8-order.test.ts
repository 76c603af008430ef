import { expect, test } from "bun:test";
import { compareBytes } from "../../tests/model.ts";
import { fc } from "../../tests/property.ts";
import { compareUtf8 } from "./utf8-order.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "b", "é", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "😀"),
});

test("texts are ordered as their bytes are", () => {
  fc.assert(
    fc.property(text, text, (a, b) => expect(Math.sign(compareUtf8(a, b))).toBe(compareBytes(a, b))),
    { numRuns: 2000 },
  );
});
