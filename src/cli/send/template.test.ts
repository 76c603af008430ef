import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { UsageError } from "../errors.ts";
import { parseTemplate, type Row, UnfitRow } from "./template.ts";

const row = (number: number, columns: Readonly<Record<string, string | null>> = {}): Row => ({
  number,
  time: "2025-01-15T10:00:00Z",
  column: (name) => (Object.hasOwn(columns, name) ? columns[name] : undefined),
});
const fill = (template: string, number = 1, columns = {}) =>
  parseTemplate(template, true).fill(row(number, columns));

describe("a template", () => {
  test.each([
    ["plain text", 1, "plain text"],
    ["", 1, ""],
    ["{row}", 12, "12"],
    ["{row:6}", 12, "000012"],
    ["{row:2}", 12345, "12345"],
    ["{row%400}", 400, "0"],
    ["{row%400:5}", 801, "00001"],
    ["a{row}b{row:3}c", 7, "a7b007c"],
    ["{{row}} }}{{", 1, "{row} }{"],
    ["{time}", 1, "2025-01-15T10:00:00Z"],
  ])("the template %j gives row %d %j", (template, number, expected) => {
    expect(fill(template, number)).toBe(expected);
  });

  test("a template takes columns by their exact name, spaces and signs included", () => {
    expect(fill("<{First name}|{a.b}|{}>", 1, { "First name": "Ann", "a.b": "x", "": "none" })).toBe(
      "<Ann|x|none>",
    );
    expect(parseTemplate("{a}{row}{b}", true).columns).toEqual(["a", "b"]);
  });

  test("a template that is one column alone tells nothing from empty; beside text nothing is empty", () => {
    expect(fill("{a}", 1, { a: null })).toBeNull();
    expect(fill("{a}", 1, { a: "" })).toBe("");
    expect(fill("<{a}>", 1, { a: null })).toBe("<>");
  });

  test("a template takes {time} for a column without --start", () => {
    expect(parseTemplate("{time}", false).fill(row(1, { time: "noon" }))).toBe("noon");
  });

  test("a template refuses a row that lacks a column", () => {
    expect(() => fill("{a}", 1, { b: "x" })).toThrow(UnfitRow);
    expect(() => fill("{toString}")).toThrow(UnfitRow);
  });

  test.each(["{", "}", "a{b", "{a}}", "{{a}", "{a{b}"])("the template %s has a lone brace", (template) => {
    expect(() => parseTemplate(template, true)).toThrow(UsageError);
  });

  test.each(["{row%0}", "{row:0}", "{row:100}", "{row %4}"])(
    "%s is no number of the row but a column",
    (template) => {
      expect(parseTemplate(template, true).columns).toEqual([template.slice(1, -1)]);
    },
  );

  test("a template with its braces doubled gives any text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(fill(text.replace(/[{}]/g, "$&$&"))).toBe(text);
      }),
    );
  });

  test("a template fills a value in as it is, braces and dollars included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        expect(fill("[{a}]", 1, { a: value })).toBe(`[${value}]`);
      }),
    );
  });
});
