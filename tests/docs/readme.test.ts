/** What the front page promises of itself. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { KINDS } from "../../src/sources/kinds.ts";
import { PRESETS } from "../../src/sources/presets.ts";

const ROOT = resolve(import.meta.dir, "../..");
const LINES_MAX = 130;
/** Of a kind that has several channels, those that its page names. */
const KIND_NAMES: Readonly<Record<string, readonly string[]>> = {
  meta: ["WhatsApp", "Messenger", "Instagram"],
  generic: ["Anybody else who signs"],
};
const README = readFileSync(join(ROOT, "README.md"), "utf8");

describe("the README", () => {
  test("is read in five minutes", () => {
    expect(README.split("\n").length - 1).toBeLessThanOrEqual(LINES_MAX);
  });

  test("names every kind of source and every preset", () => {
    const [, section = ""] = /^## Whose webhooks it takes\n([\s\S]*?)^## /m.exec(README) ?? [];
    const words = section.replaceAll(/\s+/g, " ").toLowerCase();
    const kinds = Object.keys(KINDS).flatMap((kind) => KIND_NAMES[kind] ?? [kind]);
    const names = [...kinds, ...Object.values(PRESETS).map(({ title }) => title)];
    expect(names.filter((name) => !words.includes(name.toLowerCase()))).toEqual([]);
    expect(names.length).toBeGreaterThan(40);
  });

  test("has its pictures for light and for dark, the same but for the colours", () => {
    const pictures = [...README.matchAll(/(?:srcset|src)="([^"]+)"/g)].map(([, path = ""]) => path);
    expect(pictures.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const [dark, light] = pictures
      .filter((path) => path.endsWith(".svg"))
      .map((path) => readFileSync(join(ROOT, path), "utf8").replaceAll(/#[0-9a-f]{6}\b/g, "a colour"));
    expect(dark).toBe(light ?? "");
    expect(pictures.length).toBe(4);
  });
});
