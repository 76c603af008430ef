/**
 * Every preset has what a preset has to have: a page, a title, a signed case, a section in the
 * documentation; and a configuration that names it holds.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import { openSource } from "../../src/sources/open-source.ts";
import { PRESET_NAMES, PRESETS } from "../../src/sources/presets.ts";
import type { ProviderCase } from "./case.ts";
import { ownCases, signedCase } from "./own-cases.ts";

const CASES = Object.values(ownCases()).flat();
const PAGE = ["presets", "published-keys"]
  .map((name) => readFileSync(join(import.meta.dir, `../../docs/providers/${name}.md`), "utf8"))
  .join("\n");
/** Their keys are fetched: `tests/keys` has them. */
const FETCHED: readonly string[] = ["sns", "google-pubsub", "paypal"];
const WITH_CASES = PRESET_NAMES.filter((name) => !FETCHED.includes(name));

/** Nobody but the provider has their key. */
const BY_KEY_PAIR: ReadonlySet<string> = new Set(["discord", "telnyx", "sendgrid"]);

describe.each([...PRESET_NAMES])("the preset %s", (name) => {
  test("it has a title and a page", () => {
    const { title, page } = PRESETS[name];
    expect(title).not.toBe("");
    expect(page).toMatch(/^https:\/\//);
  });

  test("it has a section with a configuration, and a row in the table", () => {
    const [, section = ""] =
      new RegExp(`^## ${name}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, "m").exec(PAGE) ?? [];
    expect(section).toContain(`    preset: ${name}\n`);
    expect(PAGE).toContain(`\n| \`${name}\` |`);
  });
});

describe.each(WITH_CASES)("the preset %s", (name) => {
  test("it has a case that is accepted, and one that isn't accepted, because somebody changed something", () => {
    const refused = CASES.filter(
      ({ config, expected }) => config["preset"] === name && expected.verdict === "reject",
    );
    expect(refused).not.toEqual([]);
    expect(signedCase(name)).toBeDefined();
  });

  test("what is sent by way of it is signed as the provider signs, unless only the provider can", () => {
    const { secret, config, url, now } = signedCase(name) as ProviderCase;
    const source = openSource("trial", { kind: "generic", secret, public_url: url, ...config });
    const at = Date.parse(now as string);
    const message = {
      message_id: "1",
      from: "+15550001",
      to: "+15550002",
      ts: "2026-03-01T12:00:00Z",
      text: "hi",
    };
    expect(source.canSign).toBe(!BY_KEY_PAIR.has(name));
    const trial = source.trial(message, url, at);
    expect(trial !== undefined).toBe(source.canSign);
    if (trial === undefined) return;
    const { headers, body, query } = trial;
    const request = {
      method: "POST",
      headers: new Headers(headers),
      body,
      url: source.signedUrl(url, query ?? ""),
    };
    expect(source.verify(request, at)).toMatchObject({ proven: true });
    expect(
      source.verify({ ...request, headers: new Headers(), url: "/", body: Buffer.from("{}") }, at).proven,
    ).toBe(false);
  });

  test("a configuration that names it holds, with a secret of its form", () => {
    const { secret, config, url } = signedCase(name) as ProviderCase;
    const source = { kind: "generic", secret, public_url: url, ...config };
    const { sources } = parseConfigFile(JSON.stringify({ sources: { trial: source } }), "postern.yaml", {});
    expect(sources).toHaveLength(1);
  });
});
