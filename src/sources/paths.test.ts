import { expect, test } from "bun:test";
import { processorMs } from "../../tests/processor-time.ts";
import { fc } from "../../tests/property.ts";
import { parseJsonTree } from "../lib/json-tree.ts";
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
  ["a[b][0][c d].e", true],
  ["a[]", false],
  ['a["b"]', false],
  ["a[b.c]", false],
  ["a[12345]", false],
  ["a[*].b", false],
  ["a[-1]", false],
  ["a[0:2]", false],
  ["a[0,1]", false],
  ["a[b-1]", true],
  ["a]", false],
])("the schema's pattern and the parser say the same of %j", (text, holds) => {
  expect([new RegExp(`^${PATH}$`).test(text), parses(text)]).toEqual([holds, holds]);
});

test("the schema's pattern and the parser say the same of any text", () => {
  const text = fc.string({ unit: fc.constantFrom(...'$.[]019ab* "\n'), maxLength: 12 });
  fc.assert(
    fc.property(text, (path) => expect(new RegExp(`^${PATH}$`).test(path)).toBe(parses(path))),
    { numRuns: 3000 },
  );
});

test("$ is the document, and a member of that name stands behind $.", () => {
  const document = parseJsonTree(Buffer.from('[{"$":"inner"}]'));
  const [item] = document?.items ?? [];
  if (document === undefined || item === undefined) throw new Error("it is an array");
  expect(parsePath("$")({ item, document })).toBe(document);
  expect(parsePath("$.$")({ item: document, document: item })?.text).toBe("inner");
});

test("a path has at most a hundred steps, and a longer one is refused in an instant", () => {
  expect(parses("a.".repeat(99).concat("a"))).toBe(true);
  const refuse = () => {
    for (const path of [
      "a.".repeat(100).concat("a"),
      "[1]".repeat(100_000),
      "a.".repeat(100_000).concat("a"),
    ])
      expect(() => parsePath(path)).toThrow(/more than 100 steps/);
  };
  expect(processorMs(refuse)).toBeLessThan(1000);
});
