import { describe, expect, test } from "bun:test";
import { KINDS } from "../sources/kinds.ts";
import { PRESET_NAMES } from "../sources/presets.ts";
import { ConfigFileInvalid, parseConfigFile } from "./config-file.ts";
import { kindMeant, presetMeant } from "./meant-names.ts";

const mistakeOf = (...lines: string[]) => {
  try {
    parseConfigFile(["sources:", "  s:", ...lines.map((line) => `    ${line}`)].join("\n"), "a.yaml", {});
    return "none";
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    return error.mistakes.map(({ message }) => message).join("\n");
  }
};

describe("a kind or preset that isn't one is told with what may be meant", () => {
  test.each([
    ["whatsapp", "meta"],
    ["WhatsApp-Cloud", "meta"],
    ["instagram", "meta"],
    ["sms", "twilio or vonage"],
    ["webhook", "generic"],
    ["telegarm", "telegram"],
    ["github", "kind: generic with preset: github"],
    ["standardwebhooks", "kind: generic with preset: standard-webhooks"],
    ["stirpe", "kind: generic with preset: stripe"],
  ])("the kind %s", (kind, meant) => {
    expect(mistakeOf(`kind: ${kind}`, "secret: x")).toBe(
      `sources.s.kind must be one of ${Object.keys(KINDS).join(", ")} (did you mean ${meant}?)`,
    );
  });

  test.each([
    ["whatsapp", "kind: meta"],
    ["slack", "kind: slack"],
    ["PubSub", "google-pubsub"],
    ["gihtub", "github"],
  ])("the preset %s", (preset, meant) => {
    expect(mistakeOf("kind: generic", `preset: ${preset}`, "secret: x")).toBe(
      `sources.s.preset must be one of ${PRESET_NAMES.join(", ")} (did you mean ${meant}?)`,
    );
  });

  test("a kind like no other", () => {
    expect(mistakeOf("kind: carrier-pigeon", "secret: x")).toEndWith(
      `one of ${Object.keys(KINDS).join(", ")}`,
    );
  });

  test("each preset is found by its own name as a kind, and no kind is taken for another", () => {
    for (const name of PRESET_NAMES) expect(kindMeant(name)).toBe(`kind: generic with preset: ${name}`);
    for (const name of Object.keys(KINDS)) {
      expect(kindMeant(name)).toBe(name);
      if (name !== "generic") expect(presetMeant(name)).toBe(`kind: ${name}`);
    }
  });
});

test.each([
  "example.org",
  "hooks.example.org/webhook/s",
  "localhost:8000/a",
  "//example.org",
  "https:/example.org",
])("the public_url %s is told to lack its beginning, and not repeated", (url) => {
  expect(mistakeOf("kind: twilio", "secret: x", `public_url: ${url}`)).toBe(
    "sources.s.public_url doesn't begin with https:// (or http://): it is the webhook's full URL as the provider knows it",
  );
});
