/** What a configuration says of proofs: public keys, networks, and what is warned about. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { ConfigFileInvalid, parseConfigFile } from "./config-file.ts";

const KEY = generateKeyPairSync("ed25519")
  .publicKey.export({ type: "spki", format: "der" })
  .toString("base64");
const SIGNED = 'header: X, encoding: hex, signed: "{body}"';

function read(source: string): { readonly mistakes: string[]; readonly warnings: string[] } {
  try {
    const { warnings } = parseConfigFile(`sources:\n  s: { kind: generic, ${source} }\n`, "postern.yaml", {});
    return { mistakes: [], warnings: warnings.map(({ message }) => message) };
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    return { mistakes: error.mistakes.map(({ message }) => message), warnings: [] };
  }
}

const BODY = /^sources\.s: what it is proven by doesn't cover the body/;

test("a source that doesn't prove the body, or by a broken hash, is warned about", () => {
  const warnings = (scheme: string, secret = "x") =>
    read(`secret: ${secret}, scheme: { ${scheme} }`).warnings;
  expect(warnings(`algorithm: hmac-sha256, ${SIGNED}`)).toEqual([]);
  expect(warnings("algorithm: token, query: key")).toEqual([expect.stringMatching(BODY)]);
  expect(warnings("algorithm: token, query: key, covers_body: false")).toHaveLength(1);
  expect(warnings("algorithm: basic", '"u:p"')).toEqual([expect.stringMatching(BODY)]);
  expect(warnings(`algorithm: hmac-md5, weak: true, ${SIGNED}`)).toEqual([
    "sources.s: it is proven by a hash that is broken (MD5 or SHA-1)",
  ]);
});

test("a public key is checked as a secret is, and its scheme without one", () => {
  const mistakes = (secret: string, scheme: string) =>
    read(`secret: ${secret}, scheme: { ${scheme} }`).mistakes;
  expect(mistakes(KEY, `algorithm: ed25519, ${SIGNED}`)).toEqual([]);
  expect(mistakes(`[${KEY}, x]`, `algorithm: ed25519, ${SIGNED}`)).toEqual([
    expect.stringMatching(/^sources\.s\.secret\[1\]: this is no public key/),
  ]);
  expect(mistakes(KEY, `algorithm: hmac-sha256, ${SIGNED}`)).toEqual([
    expect.stringMatching(/^sources\.s\.secret: this is a public key, which everybody knows/),
  ]);
  expect(mistakes("x", 'algorithm: ed25519, header: X, signed: "{timestamp}"')).toEqual([
    expect.stringMatching(/^sources\.s\.scheme: signed has \{timestamp\}/),
  ]);
});

test("none needs networks and no secret, everything else a secret", () => {
  const none = "scheme: { algorithm: none }";
  expect(read(`${none}, allow_from: [203.0.113.0/24]`)).toEqual({
    mistakes: [],
    warnings: [expect.stringMatching(BODY)],
  });
  expect(read(none).mistakes).toEqual([expect.stringMatching(/say allow_from/)]);
  expect(read(`${none}, allow_from: []`).mistakes).toHaveLength(1);
  expect(read(`${none}, allow_from: [203.0.113.0/24, here]`).mistakes).toEqual([
    'sources.s.allow_from[1]: "here" is no network such as 198.51.100.0/24, nor an address',
  ]);
  expect(read("preset: github").mistakes).toEqual(["sources.s.secret is missing"]);
  expect(read("preset: github, secret: x, allow_from: [203.0.113.0/24]").mistakes).toEqual([]);
});
