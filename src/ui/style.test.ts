import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "style");

/** Of rules that hold at every width. */
function selectorsOf(name: string): readonly string[] {
  const rules = readFileSync(join(FOLDER, name), "utf8").matchAll(/^(?![@}\s/])([^{}]+) \{/gm);
  return [...rules].flatMap(([, selectors = ""]) => selectors.split(/,\n/).map((each) => each.trim()));
}

test("no two parts of the style sheet say something of the same selector", () => {
  const files = readdirSync(FOLDER);
  expect(files.length).toBeGreaterThan(5);
  const places = Map.groupBy(
    files.flatMap((file) => [...new Set(selectorsOf(file))].map((selector) => ({ file, selector }))),
    ({ selector }) => selector,
  );
  const twice = [...places].filter(([, found]) => found.length > 1);
  expect(twice.map(([selector, found]) => [selector, ...found.map(({ file }) => file)])).toEqual([]);
});
