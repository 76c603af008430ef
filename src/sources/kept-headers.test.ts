import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fc } from "../../tests/property.ts";
import type { ProviderCase } from "../../tests/providers/case.ts";
import type { SourceConfig } from "../core/source.ts";
import { headerKeeper } from "./kept-headers.ts";
import { openSource } from "./open-source.ts";

const SECRET = "the secret of the harbour office";
type Pairs = readonly (readonly [name: string, value: string])[];

const keptOf = (headers: Pairs, keep: readonly string[] = [], proofs: readonly string[] = []) =>
  headerKeeper({ ofKind: [], ofSource: keep, proofs, secrets: [SECRET] })(
    new Headers(headers.map(([name, value]) => [name, value])),
  );
const namesOf = (names: readonly string[], keep: readonly string[]) =>
  Object.keys(
    keptOf(
      names.map((name) => [name, "x"] as const),
      keep,
    ) ?? {},
  );

test("the type of the body and who sent it are kept, anything else by its name or its beginning", () => {
  const headers: Pairs = [
    ["X-GitHub-Event", "push"],
    ["User-Agent", "Hook/1"],
    ["Content-Type", "application/json"],
    ["X-Other", "y"],
    ["X-GitHub", "z"],
  ];
  const plain = { "content-type": "application/json", "user-agent": "Hook/1" };
  expect(keptOf(headers)).toEqual(plain);
  expect(keptOf(headers, ["x-GITHUB-*"])).toEqual({ ...plain, "x-github-event": "push" });
  expect(keptOf(headers, ["X-Other"])).toEqual({ ...plain, "x-other": "y" });
  expect(Object.keys(keptOf(headers, ["*"]) ?? {})).toHaveLength(5);
  expect(keptOf([["X-Other", "y"]])).toBeUndefined();
});

const DENIED = [
  ...["Authorization", "Proxy-Authorization", "X-Forwarded-Authorization", "Cookie", "Set-Cookie"],
  ...["X-Hub-Signature-256", "X-Signature-Ed25519", "PayPal-Transmission-Sig", "X-Shopify-Hmac-Sha256"],
  ...["X-Telegram-Bot-Api-Secret-Token", "X-Gitlab-Token", "X_Api_Key", "apikey", "Webhook-Secret"],
  ...["X-Password", "X-Auth-User", "X-Amz-Security-Token", "MessageBird-Signature-JWT", "X-Session"],
  ...["X-Secret-Idempotency-Token", "Ocp-Apim-Subscription-Key", "X.Api.Key", "aeg-sas-key", "Sign"],
  ...["X-Pass", "X-CSRF", "X-SAML", "X-Client-Cert", "X-Webhook-Key"],
];

test("what may prove who sent a request is never kept, and naming it is a mistake", () => {
  expect(namesOf(DENIED, ["*"])).toEqual([]);
  for (const name of [...DENIED, "X-Hub-Signature*"])
    expect(() => keptOf([], ["X-Ok", name])).toThrow("never kept");
  expect(() => keptOf([], ["X-Proof"], ["x-PROOF"])).toThrow("never kept");
  expect(keptOf([["X-Proof", "s"]], ["x-*"], ["X-Proof"])).toBeUndefined();
  for (const name of ["", "X Y", "X-*-Y", "X:", "**", "É"])
    expect(() => keptOf([], [name])).toThrow("no name of a header");
});

test("what is only like it is kept: tokens against doubles, keys of events, signs of other things", () => {
  const like = ["i-twilio-idempotency-token", "x-event-key", "x-signal", "x-author", "x-tokyo"];
  expect(namesOf(like, ["*"])).toEqual(like.toSorted());
});

test("a secret is not kept in the form of Basic authentication, nor of a URL", () => {
  const forms = [Buffer.from(SECRET).toString("base64"), encodeURIComponent(SECRET)];
  for (const form of forms) expect(keptOf([["x-origin", `of ${form}.`]], ["x-*"])).toBeUndefined();
  expect(keptOf([["x-origin", "of the harbour office"]], ["x-*"])).toEqual({
    "x-origin": "of the harbour office",
  });
});

test("a client's address is kept where it is named, not by the beginning of all names", () => {
  const names = ["forwarded", "x-forwarded-for", "x-real-ip", "cf-connecting-ip"];
  expect(namesOf(names, ["*"])).toEqual([]);
  expect(namesOf(names, ["x-*"])).toEqual([]);
  expect(namesOf(names, ["x-forwarded-*", "CF-Connecting-IP"])).toEqual([
    "cf-connecting-ip",
    "x-forwarded-for",
  ]);
});

test("values are what was sent: UTF-8 where the bytes are that, else Latin-1; equal names are one", () => {
  const latin1 = (text: string) => Buffer.from(text).toString("latin1");
  expect(
    keptOf(
      [
        ["x-a", latin1("Grüße ⚓")],
        ["x-b", "Gr\u00fc\u00dfe"],
        ["x-c", "1"],
        ["x-c", "2"],
      ],
      ["x-*"],
    ),
  ).toEqual({ "x-a": "Grüße ⚓", "x-b": "Grüße", "x-c": "1, 2" });
});

test("at most 64 headers and 8 KiB of one request are kept, whatever it brings", () => {
  const header = fc.tuple(
    fc.stringMatching(/^x-[a-z0-9_]{1,40}$/),
    fc.stringMatching(/^[ -~\xa0-\xff]{0,3000}$/),
  );
  fc.assert(
    fc.property(fc.array(header, { maxLength: 100, size: "max" }), (headers) => {
      const kept = Object.entries(keptOf(headers, ["*"]) ?? {});
      const bytes = kept.reduce((sum, pair) => sum + Buffer.byteLength(pair.join("")), 0);
      expect(kept.length).toBeLessThanOrEqual(64);
      expect(bytes).toBeLessThanOrEqual(8192);
    }),
    { numRuns: 50 },
  );
  const many = Array.from({ length: 70 }, (_, index) => [`x-${index + 100}`, "v"] as const);
  expect(Object.keys(keptOf(many, ["*"]) ?? {})).toHaveLength(64);
  expect(
    keptOf(
      [
        ["x-a", "v".repeat(8190)],
        ["x-b", "w"],
      ],
      ["*"],
    ),
  ).toEqual({ "x-b": "w" });
});

test("whatever its name, a header that says a secret isn't kept", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const around = fc.stringMatching(/^[!-~]{0,10}$/);
  fc.assert(
    fc.property(name, around, around, (header, before, after) => {
      expect(keptOf([[header, `${before}${SECRET}${after}`]], ["*"])).toBeUndefined();
    }),
  );
});

describe("of each kind's signed cases no proof is kept, even where every header is to be", () => {
  const folder = join(import.meta.dir, "../../tests/providers/cases");
  const cases = readdirSync(folder).flatMap(
    (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as ProviderCase[],
  );
  const accepted = cases.filter(({ expected, method }) => expected.verdict === "accept" && method === "POST");
  test.each(accepted.map((given) => [`${given.provider} ${given.id}`, given] as const))(
    "of the case %s nothing is kept that proves it",
    (_, given) => {
      const { provider: kind, secret, url, config, scheme, headers, body } = given;
      const source = openSource("src", {
        ...{ kind, secret, public_url: url, ...config, ...(scheme !== undefined && { scheme }) },
        keep_headers: ["*"],
      } as SourceConfig);
      const now = Date.parse(given.now ?? "2025-01-15T10:00:00Z");
      const secrets = [secret].flat();
      const request = (sent: Readonly<Record<string, string>>) => ({
        method: "POST",
        headers: new Headers({ ...sent, "X-Plain": "kept", "X-Copy": secrets[0] ?? "" }),
        body: Buffer.from(body),
        url,
      });
      const verdict = source.verify(request(headers), now);
      if (!verdict.proven) throw new Error(verdict.why);
      const kept = source.intakeOf(request(headers), verdict, now).intake.post?.headers ?? {};
      expect(kept["x-plain"]).toBe("kept");
      // What the request is no proof without, but for what is signed beside the signature.
      const proofs = Object.entries(headers).filter(([name]) => {
        const { [name]: _left, ...others } = headers;
        return !/(-timestamp|-id|content-type)$/i.test(name) && !source.verify(request(others), now).proven;
      });
      const values = Object.values(kept);
      for (const proof of [...secrets, ...proofs.map(([, value]) => value)])
        expect(values.filter((value) => value.includes(proof))).toEqual([]);
      for (const [name] of proofs) expect(kept).not.toHaveProperty(name.toLowerCase());
    },
  );
});
