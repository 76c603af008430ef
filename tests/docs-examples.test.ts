/**
 * The configurations that the documentation shows are taken by the program, and nothing that they
 * may say is left out.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfigFile } from "../src/config-file/config-file.ts";
import { FieldMap } from "../src/sources/field-map.ts";
import { KINDS } from "../src/sources/kinds.ts";
import { PRESET_NAMES } from "../src/sources/presets.ts";
import { GenericScheme } from "../src/sources/schemes/generic.ts";

const ROOT = join(import.meta.dir, "..");
const PAGES = (readdirSync(join(ROOT, "docs"), { recursive: true }) as string[])
  .filter((path) => path.endsWith(".md"))
  .map((path) => ({ path, text: readFileSync(join(ROOT, "docs", path), "utf8") }));
const EXAMPLES = PAGES.flatMap(({ path, text }) =>
  [...text.matchAll(/^```yaml\n((?:#.*\n)*sources:[\s\S]*?)^```$/gm)].map(([, yaml = ""], index) => ({
    name: `${path}, example ${index + 1}`,
    yaml,
  })),
);
/** A secret in every form that a preset knows. */
const SECRET = "whsec_c2VjcmV0IG9mIGEgdGVzdA==";

/** Every variable and every file that an example refers to holds that secret. */
function load(yaml: string) {
  const text = yaml.replace(/\$\{file:[^}]+\}/g, SECRET);
  const names = [...text.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = ""]) => name);
  return parseConfigFile(text, "postern.yaml", Object.fromEntries(names.map((name) => [name, SECRET])));
}

describe("examples of configurations", () => {
  test.each(EXAMPLES)("the example $name is taken", ({ yaml }) => {
    expect(load(yaml).sources.length).toBeGreaterThan(0);
  });

  test("there is an example of every kind and of every preset", () => {
    const all = EXAMPLES.flatMap(({ yaml }) => [...load(yaml).configs.values()]);
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)));
    expect(new Set(all.map((config) => config["preset"] as string | undefined))).toEqual(
      new Set([undefined, ...PRESET_NAMES]),
    );
  });
});

describe("the page of the generic kind", () => {
  const text = PAGES.find(({ path }) => path === "providers/generic.md")?.text ?? "";
  const rowsBelow = (title: string) => {
    const [, part = ""] =
      new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, "m").exec(text) ?? [];
    return [...part.matchAll(/^\| `([a-z_]+)` \|.*\| `([a-z_]+): .+` \|$/gm)].map(([, key, shown]) => [
      key,
      shown,
    ]);
  };

  test.each([
    ["Scheme", GenericScheme],
    ["Map", FieldMap],
  ])("the table of %s names every key, each with an example", (title, schema) => {
    const keys = Object.keys(schema.properties).sort();
    expect(rowsBelow(title).sort()).toEqual(keys.map((key) => [key, key]));
  });

  test("the page of the generic kind names every option and every preset", () => {
    const options = Object.keys((KINDS["generic"] as { options: { properties: object } }).options.properties);
    for (const name of [...options, ...PRESET_NAMES]) expect(text).toContain(`| \`${name}\` |`);
  });
});
