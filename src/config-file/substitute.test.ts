import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { newFolder } from "../../tests/folder.ts";
import { substitution } from "./substitute.ts";

const folder = newFolder();
afterAll(() => folder.remove());

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
}

const put = (text: string, environment: Record<string, string> = {}) =>
  substitution(environment, folder.path)(text);
const textOf = (text: string, environment: Record<string, string> = {}) => {
  const { text: result, mistakes } = put(text, environment);
  expect(mistakes).toEqual([]);
  return result;
};

describe("a variable", () => {
  test.each([
    ["${A}", { A: "x" }, "x"],
    ["a-${A}-${B}", { A: "x", B: "y" }, "a-x-y"],
    ["${A:-d}", { A: "x" }, "x"],
    ["${A:-d}", {}, "d"],
    ["${A:-d}", { A: "" }, "d"],
    ["${A:-}", {}, ""],
    ["${A:-a:-b $ {c}", {}, "a:-b $ {c"],
    ["${_a1}", { _a1: "x" }, "x"],
  ])("the text %s has the variables of %j put in", (text, environment, result) => {
    expect(textOf(text, environment as Record<string, string>)).toBe(result);
  });

  test("a variable that is not set, or empty, is a mistake that names it", () => {
    for (const environment of [{}, { MISSING: "" }] as Record<string, string>[]) {
      const { mistakes } = put("${MISSING} ${ALSO}", environment);
      expect(mistakes).toEqual([expect.stringContaining("MISSING"), expect.stringContaining("ALSO")]);
    }
  });
});

describe("a dollar sign", () => {
  test.each([
    ["$$", "$"],
    ["$${A}", "${A}"],
    ["$$$${A}", "$${A}"],
    ["$", "$"],
    ["$A", "$A"],
    ["$.shop.phone", "$.shop.phone"],
    ["5 $", "5 $"],
    ["${A:-x}$${A}", "x${A}"],
  ])("the dollar signs of %s make %s", (text, result) => expect(textOf(text)).toBe(result));

  test.each(["${", "${A", "${}", "${A-b}", "${1}", "${A B}", "${file:}", "${a.b}"])(
    "before a brace that holds no reference is a mistake: %s",
    (text) => {
      const { mistakes } = put(text, { A: "x" });
      expect(mistakes).toEqual([expect.stringContaining("$$")]);
    },
  );

  test("any text comes through when each of its dollar signs is doubled, and what is put in is not read again", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", "A", ":", "-", "\n", "é") }), (text) => {
        expect(textOf(text.replaceAll("$", "$$$$"))).toBe(text);
        fc.pre(text !== "");
        expect(textOf("<${A}>", { A: text })).toBe(`<${text}>`);
      }),
    );
  });
});

describe("a file", () => {
  test.each([
    ["secret", "secret"],
    ["secret\n", "secret"],
    ["secret\r\n", "secret"],
    [" ${A} $$ ", " ${A} $$ "],
    ["", ""],
  ])("a file with %j stands for %j", (content, text) => {
    expect(textOf(`\${file:${file("a", content)}}`)).toBe(text);
  });

  test.each(["secret\n\n", "secret\r\n\r\n", "secret\r\n\n", "\n\n"])(
    "a file that ends with two newlines is a mistake: %j",
    (content) => {
      const { mistakes } = put(`\${file:${file("a", content)}}`);
      expect(mistakes).toEqual([expect.stringMatching(/ends with two newlines/)]);
    },
  );

  test("a file is looked for beside the configuration file", () => {
    mkdirSync(join(folder.path, "secrets"), { recursive: true });
    file("secrets/b", "x\n");
    expect(textOf("${file:secrets/b}${file:./secrets/b}")).toBe("xx");
  });

  test.each([
    ["missing", /no such file/],
    [".", /folder/],
    ["binary", /UTF-8/],
    ["large", /65536 bytes/],
    ["binary/x", /folder/],
  ])("a file that can't be read is a mistake that names it: %s", (name, reason) => {
    file("binary", Uint8Array.of(0x73, 0xff, 0x74));
    file("large", "hunter2".repeat(10_000));
    const { mistakes } = put(`\${file:${name}}`);
    expect(mistakes).toEqual([expect.stringMatching(reason)]);
    expect(mistakes[0]).toContain(JSON.stringify(name));
    expect(mistakes[0]).not.toContain("hunter2");
  });
});

test("what is put in has a limit, however often a short reference stands for a long text", () => {
  const A = "x".repeat(64 * 1024);
  const substitute = substitution({ A }, folder.path);
  for (let count = 0; count < 128; count++) expect(substitute("${A}").mistakes).toEqual([]);
  const { text, mistakes } = substitute("${A}".repeat(3));
  expect([text.length, mistakes]).toEqual([12, Array(3).fill(expect.stringMatching(/more than 8388608/))]);
});
