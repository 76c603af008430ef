/**
 * The configurations that the documentation shows are taken by the program, and nothing that they
 * may say is left out.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfigFile } from "../src/config-file/config-file.ts";
import { DESTINATION_SCHEMA } from "../src/config-file/destination-schema.ts";
import { RECORD_KINDS } from "../src/core/changes.ts";
import { CONCURRENCY_MAX, DESTINATIONS_MAX } from "../src/core/destination-config.ts";
import { CAUSES } from "../src/follow/deliver/sink.ts";
import { FieldMap } from "../src/sources/field-map.ts";
import { KINDS } from "../src/sources/kinds.ts";
import { PRESET_NAMES } from "../src/sources/presets.ts";
import { GenericScheme } from "../src/sources/schemes/generic.ts";

const ROOT = join(import.meta.dir, "..");
const PAGES = (readdirSync(join(ROOT, "docs"), { recursive: true }) as string[])
  .filter((path) => path.endsWith(".md"))
  .map((path) => ({ path, text: readFileSync(join(ROOT, "docs", path), "utf8") }));
const EXAMPLES = PAGES.flatMap(({ path, text }) =>
  [...text.matchAll(/^```yaml\n((?:#.*\n)*(?:sources|destinations):[\s\S]*?)^```$/gm)].map(
    ([, yaml = ""], index) => ({
      name: `${path}, example ${index + 1}`,
      yaml,
    }),
  ),
);
/** What a variable holds, by the end of its name; the last is a secret in most forms. */
const STAND_INS = [
  ["_HEX", "5afe5afe5afe5afe"],
  ["_BASE64", "c2VjcmV0IG9mIGEgdGVzdA=="],
  ["_CREDENTIALS", "user:password"],
  ["_PUBLIC_KEY", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"],
  [
    "_VERIFICATION_KEY",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
  ],
  ["", "whsec_c2VjcmV0IG9mIGEgdGVzdA=="],
] as const;

function standIn(name: string): string {
  return STAND_INS.find(([end]) => name.endsWith(end))?.[1] ?? "";
}

/** Every variable and every file that an example refers to holds a secret of the form it needs. */
function load(yaml: string) {
  const text = yaml.replace(/\$\{file:[^}]+\}/g, standIn(""));
  const names = [...text.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = ""]) => name);
  return parseConfigFile(
    text,
    "postern.yaml",
    Object.fromEntries(names.map((name) => [name, standIn(name)])),
  );
}

describe("examples of configurations", () => {
  test.each(EXAMPLES)("the example $name is taken", ({ yaml }) => {
    const { sources, destinations } = load(yaml);
    expect(sources.length + destinations.length).toBeGreaterThan(0);
  });

  test("there is an example of every kind and of every preset", () => {
    const all = EXAMPLES.flatMap(({ yaml }) => [...load(yaml).configs.values()]);
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)));
    expect(new Set(all.map((config) => config["preset"] as string | undefined))).toEqual(
      new Set([undefined, ...PRESET_NAMES]),
    );
  });
});

describe("the page of the configuration file", () => {
  const text = PAGES.find(({ path }) => path === "configuration-file.md")?.text ?? "";
  const [, section = ""] = /^## Destinations\n([\s\S]*?)^## /m.exec(text) ?? [];
  const members = DESTINATION_SCHEMA["properties"] as Record<string, { default?: unknown }>;

  test("the table of destinations names every member with its default, and an example shows it", () => {
    const rows = [...section.matchAll(/^\| `([a-z_]+)` \| (.+?) \| .+ \|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(members));
    for (const [, name = "", shown = ""] of rows) {
      const { default: value } = members[name] ?? {};
      const texts = value === undefined ? [] : [value].flat().map((each) => `\`${each}\``);
      const said = [...shown.matchAll(/`[^`]+`/g)].map(([each]) => each);
      expect(said, name).toEqual(texts);
      expect(section).toMatch(new RegExp(`^    ${name}: `, "m"));
    }
  });

  test("the table of destinations names every kind of records, and every limit as it is", () => {
    for (const kind of RECORD_KINDS) expect(section).toContain(`\`${kind}\``);
    expect(section).toContain(`there may be ${DESTINATIONS_MAX} destinations`);
    expect(section).toContain(`1 to ${CONCURRENCY_MAX} |`);
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

  test("the page of the generic kind names every option", () => {
    const options = Object.keys((KINDS["generic"] as { options: { properties: object } }).options.properties);
    for (const name of options) expect(text).toContain(`| \`${name}\` |`);
  });
});

test("docs/cli.md says of each cause of a failed attempt what the program says", () => {
  const text = PAGES.find(({ path }) => path === "cli.md")?.text ?? "";
  const [, section = ""] = /^## deliveries\n([\s\S]*?)^## /m.exec(text) ?? [];
  const rows = [...section.matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)].map(([, cause, words]) => [
    cause,
    words,
  ]);
  expect(rows).toEqual(Object.entries(CAUSES));
});
