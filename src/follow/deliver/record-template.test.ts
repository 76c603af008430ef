import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { placeOf, TEMPLATE_PATTERN, templateMistake } from "./record-template.ts";
import type { About } from "./sink.ts";

const ABOUT: About = { source: "wa", kind: "message", type: "a b", from: "+1 (2)", to: null };

test("a place is made of the record, in characters that every broker takes", () => {
  expect(placeOf("postern.{source}.{kind}", ABOUT)).toBe("postern.wa.message");
  expect(placeOf("{type}.{from}.{to}", ABOUT)).toBe("a_b.+1__2_.-");
  expect(placeOf("{source}{source}", ABOUT)).toBe("wawa");
});

describe("whatever a record is", () => {
  const text = fc.option(fc.string({ unit: "binary", maxLength: 100 }));
  const about = fc.record({ source: fc.string(), kind: fc.string(), type: text, from: text, to: text });
  const part = fc.constantFrom("a", "{source}", "{kind}", "{type}", "{from}", "{to}", "x:y");
  const template = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("."));

  test("its place has as many parts as the template, none of them empty, and is short enough", () => {
    fc.assert(
      fc.property(template, about, (given, record) => {
        expect(given).toMatch(new RegExp(TEMPLATE_PATTERN));
        const place = placeOf(given, record);
        expect(place).toMatch(/^[A-Za-z0-9_:@=~+.-]+$/);
        const parts = place.split(".");
        expect(parts).toHaveLength(given.split(".").length);
        expect(parts).not.toContain("");
        if (templateMistake(given) === undefined) expect(Buffer.byteLength(place)).toBeLessThanOrEqual(255);
      }),
    );
  });
});
