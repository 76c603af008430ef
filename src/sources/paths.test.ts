import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { PATH, parsePath } from "./paths.ts";

const parses = (text: string) => {
  try {
    parsePath(text);
    return true;
  } catch {
    return false;
  }
};

test.each([
  ["a", true],
  ["a.b[0].c", true],
  ["[0][12].a b", true],
  ["$.a", true],
  ["$", true],
  ["", false],
  ["$.", false],
  ["a..b", false],
  ["a.", false],
  ["a.[0]", false],
  ["a[b]", false],
  ["a[12345]", false],
  ["a]", false],
])("the schema's pattern and the parser say the same of %j", (text, holds) => {
  expect([new RegExp(`^${PATH}$`).test(text), parses(text)]).toEqual([holds, holds]);
});

test("the schema's pattern and the parser say the same of any text", () => {
  const text = fc.string({ unit: fc.constantFrom(..."$.[]019ab \n"), maxLength: 12 });
  fc.assert(
    fc.property(text, (path) => expect(new RegExp(`^${PATH}$`).test(path)).toBe(parses(path))),
    { numRuns: 3000 },
  );
});
