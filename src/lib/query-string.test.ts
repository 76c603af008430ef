import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { parseQueryString } from "./query-string.ts";

const well = fc.string({ unit: "binary", maxLength: 8 }).filter((text) => !text.includes("\0"));

describe("parseQueryString", () => {
  test("parseQueryString reads what URLSearchParams writes, the last of repeated names", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(well, well), { maxLength: 6 }), (pairs) => {
        const read = parseQueryString(new URLSearchParams(pairs).toString());
        expect(read).toBeInstanceOf(Map);
        expect(new Map(read as Map<string, string>)).toEqual(new Map(pairs));
      }),
    );
  });

  test("parseQueryString reads every well-formed text as URLSearchParams does, escaped or not", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "a",
        "b",
        "&",
        "=",
        "+",
        "%20",
        "%2B",
        "%26",
        "%C3%A9",
        "%F0%9F%98%80",
        "é",
        "\u{1f600}",
        ";",
        "?",
        "/",
        "[",
      ),
      fc.stringMatching(/^[A-Za-z0-9._~-]$/),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join("");
        expect(new Map(parseQueryString(text) as Map<string, string>)).toEqual(
          new Map(new URLSearchParams(`?${text}`)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    "%",
    "a=%",
    "a=%2",
    "a=%zz",
    "%g0=1",
    "a=%ff",
    "a=%c0%af",
    "a=%ed%a0%80",
    "a=%e2%82",
    "a=1&b=%80",
    "a=%f5%80%80%80",
  ])("parseQueryString reports the broken escape in %s", (text) => {
    expect(parseQueryString(text)).toMatchObject({ reason: expect.any(String), raw: expect.any(String) });
  });

  test.each(["a=%00", "%00=a", "a=b%00c", "a=\0"])("parseQueryString reports U+0000 in %j", (text) => {
    expect(parseQueryString(text)).toMatchObject({ reason: expect.stringContaining("U+0000") });
  });

  test("parseQueryString names the parameter whose value is broken", () => {
    expect(parseQueryString("a=1&q=%zz")).toMatchObject({ parameter: "q" });
  });

  test("parseQueryString never throws and never guesses, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("%", "0", "f", "2", "&", "=", "+", "é", "\ud800") }),
        (text) => {
          const read = parseQueryString(text);
          if (!(read instanceof Map)) return;
          expect(() => text.split(/[&=]/).map(decodeURIComponent)).not.toThrow();
        },
      ),
    );
  });
});
