/** Which destinations may get providers' own requests, and what signs these. */
import { describe, expect, test } from "bun:test";
import { digestOf } from "../follow/deliver/delivering.ts";
import { ConfigFileInvalid, parseConfigFile } from "./config-file.ts";

const SECRET = "a secret of the destination";
const SOURCES = {
  wa: { kind: "meta", secret: "secret of the source", verify_token: "token of the source" },
  discord: { kind: "generic", preset: "discord", secret: "aa".repeat(32) },
  linear: { kind: "generic", preset: "linear", secret: "secret of linear" },
  mailgun: { kind: "generic", preset: "mailgun", secret: "secret of mailgun" },
  clerk: { kind: "generic", preset: "clerk", secret: `whsec_${btoa("secret of clerk!!!")}` },
};

const parse = (app: object, others: object = {}) => {
  const destination = { url: "https://app.example.org/hook", secret: SECRET, body: "original", ...app };
  const file = JSON.stringify({ sources: { ...SOURCES, ...others }, destinations: { app: destination } });
  return parseConfigFile(file, "/postern.json", {}).destinations[0];
};
const mistakes = (app: object, others?: object): string[] => {
  try {
    parse(app, others);
    return [];
  } catch (error) {
    if (error instanceof ConfigFileInvalid) return error.mistakes.map(({ message }) => message);
    throw error;
  }
};

describe("body: original", () => {
  test("is signed by the destination's secret and tokens, for its URL", () => {
    expect(parse({ sources: "wa", verify_token: "token of the app" })?.originals).toEqual({
      wa: {
        ...{ kind: "meta", secret: [SECRET], verify_token: "token of the app" },
        public_url: "https://app.example.org/hook",
      },
    });
    expect(JSON.stringify(parse({ sources: ["wa"] }))).not.toContain("of the source");
  });

  test("whatever is secret is no part of what replicas compare", () => {
    const [one, other] = ["one token", "another"].map((verify_token) =>
      parse({ sources: "wa", verify_token }),
    );
    if (one === undefined || other === undefined) throw new Error("no destination");
    expect(digestOf(one)).toBe(digestOf(other));
    const { body: _, ...options } = one.options;
    expect(digestOf({ ...one, options })).not.toBe(digestOf(one));
  });

  test.each([
    ["without sources", {}, /app.body: original needs sources/],
    ["of the native source", { sources: ["wa", "native"] }, /native has none/],
    ["where only the provider can sign", { sources: "discord" }, /discord: only its provider can make/],
    ["where the signature stands in the body", { sources: "mailgun" }, /mailgun: its signature, or the time/],
    ["where its time stands in the body", { sources: "linear" }, /linear: its signature, or the time/],
    ["with a secret that can't sign", { sources: "clerk", secret: "whsec_%%%%%%%%%%%%%%%%%%%%%" }, /secret/],
    [
      "into a file",
      { url: "file:///tmp/x.ndjson", secret: undefined, sources: "wa" },
      /"body" is for a url of https/,
    ],
    [
      "to a broker",
      { url: "redis://redis.example.org", secret: undefined, sources: "wa" },
      /"body" is for a url of https/,
    ],
  ])("is refused %s", (_, app, words) => {
    expect(mistakes(app).join("\n")).toMatch(words);
  });

  test("what is wrong with it is told together with what is wrong elsewhere", () => {
    const said = mistakes(
      {},
      { wa: { kind: "meta", secret: "${NOPE}" }, bot: { kind: "telegrm", secret: "x" } },
    );
    expect(said.map((line) => /NOPE|telegram|original needs/.exec(line)?.[0])).toEqual([
      ...["NOPE", "telegram", "original needs"],
    ]);
    const unknown = mistakes({ sources: "clerk", secret: "${NOPE}" });
    expect(unknown).toEqual([expect.stringContaining("NOPE is not set")]);
  });
});
