import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { jwkOf, newPublisher, tokenBy } from "../../../tests/keys/publisher.ts";
import { fc } from "../../../tests/property.ts";
import type { GenericScheme } from "./generic.ts";
import { genericScheme } from "./generic.ts";
import { SchemeError } from "./proof.ts";

const ISSUER = "https://issuer.example";
const JWKS = "https://keys.example/jwks";
const AUDIENCE = "https://hooks.example/in";
const NOW = Date.parse("2026-11-28T15:00:00Z");
const SECONDS = NOW / 1000;

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curves = {
  256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
};
const claims = { iss: ISSUER, aud: AUDIENCE, iat: SECONDS, exp: SECONDS + 3600, sub: "x" };
const RS256 = { alg: "RS256", kid: "a" };

function open(scheme: GenericScheme, secrets: readonly string[] = [AUDIENCE]) {
  const publisher = newPublisher();
  publisher.documents.set(JWKS, { keys: [jwkOf(rsa.publicKey, { kid: "a", alg: "RS256" })] });
  const opened = genericScheme({ issuer: ISSUER, jwks_url: JWKS, ...scheme }, secrets, publisher.keys);
  const why = async (token: string, now = NOW, body = "body") => {
    const headers = new Headers({ Authorization: `Bearer ${token}` });
    const request = { method: "POST", headers, url: "https://hooks.example/in", body: Buffer.from(body) };
    await opened.prepare?.(request, now);
    const verdict = opened.verify(request, now);
    return verdict.proven ? "proven" : verdict.why;
  };
  return { ...publisher, scheme: opened, why };
}

const token = (members: object = {}, header: { alg: string } = RS256) =>
  tokenBy(rsa.privateKey, header, { ...claims, ...members });

describe("a token by a published key", () => {
  test.each(["RS", "PS", "ES"] as const)(
    "holds by %s with each hash, and no other family's",
    async (family) => {
      for (const size of [256, 384, 512] as const) {
        const { documents, why } = open({ algorithm: `jwt-${family.toLowerCase()}${size}` });
        const pair = family === "ES" ? curves[size] : rsa;
        documents.set(JWKS, { keys: [jwkOf(pair.publicKey, { kid: "a" })] });
        expect(await why(tokenBy(pair.privateKey, { ...RS256, alg: `${family}${size}` }, claims))).toBe(
          "proven",
        );
        for (const other of ["RS256", "PS256", "PS384", "ES256", "ES512", "none", "HS256"]) {
          if (other === `${family}${size}`) continue;
          const forged = tokenBy(rsa.privateKey, { ...RS256, alg: "RS256" }, claims);
          const header = Buffer.from(JSON.stringify({ alg: other, kid: "a" })).toString("base64url");
          expect(await why(forged.replace(/^[^.]*/, header))).toMatch(
            `the token's algorithm is ${other}, not one of ${family}${size}`,
          );
        }
      }
    },
  );

  test("is for the audience and of the issuer, now, and says what is asked of it", async () => {
    const { why, asked } = open(
      {
        algorithm: "jwt-rs256",
        claims: { email: "a@b.example", email_verified: "true" },
      },
      ["first", AUDIENCE],
    );
    const mine = { email: "a@b.example", email_verified: true };
    expect(await why(token({ ...mine, aud: "other" }))).toMatch(/another audience/);
    expect(await why(token({ ...mine, aud: undefined }))).toMatch(/another audience/);
    expect(await why(token({ ...mine, aud: { [AUDIENCE]: 1 } }))).toMatch(/another audience/);
    expect(await why(token({ ...mine, iss: "https://issuer.example.evil" }))).toMatch(/issuer is not/);
    expect(await why(token({ ...mine, iss: undefined }))).toMatch(/issuer is not/);
    expect(await why(token({ ...mine, exp: SECONDS - 6 }))).toBe("the token has expired");
    expect(await why(token({ ...mine, exp: undefined }))).toBe("the token doesn't say when it expires");
    expect(await why(token({ ...mine, nbf: SECONDS + 6 }))).toBe("the token doesn't hold yet");
    expect(await why(token())).toBe("the token's email is not a@b.example");
    expect(await why(token({ email: "a@b.example" }))).toBe("the token's email_verified is not true");
    expect(await why(token({ ...mine, email: ["a@b.example"] }))).toBe(
      "the token's email is not a@b.example",
    );
    expect(await why(token({ ...mine, iss: [ISSUER] }))).toMatch(/issuer is not/);
    // Nobody was asked for a key on account of these.
    expect(asked).toEqual([]);
    expect(await why(token({ ...mine, exp: SECONDS + 86_400 }))).toBe("proven");
    expect(await why(token({ ...mine, email_verified: "true", aud: ["x", "first"] }))).toBe("proven");
    expect(asked).toEqual([JWKS]);
  });

  test("doesn't name the event, and is of its body only what a claim says", async () => {
    const { scheme, keys, why } = open({ algorithm: "jwt-rs256" });
    expect(await why(token({ jti: "1" }))).toBe("proven");
    const headers = new Headers({ Authorization: `Bearer ${token({ jti: "1" })}` });
    const request = { method: "POST", headers, url: "https://x/", body: Buffer.from("any") };
    expect(scheme.verify(request, NOW)).toEqual({ proven: true });
    expect(keys.keySet({ from: { jwksUrl: JWKS }, allowPrivate: false })?.length).toBe(1);
    const bound = open({ algorithm: "jwt-rs256", payload_hash: true });
    const hash = new Bun.CryptoHasher("sha256").update("body").digest("hex");
    expect(await bound.why(token({ payload_hash: hash }))).toBe("proven");
    expect(await bound.why(token({ payload_hash: hash }), NOW, "other")).toMatch(/another body/);
    expect(await bound.why(token())).toMatch(/nothing about the body/);
  });

  test("with any other character is refused", async () => {
    const { why } = open({ algorithm: "jwt-rs256" });
    const whole = token();
    expect(await why(whole)).toBe("proven");
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 1 }),
        fc.stringMatching(/^[A-Za-z0-9_-]$/),
        async (at, other) => {
          if (whole[at] === other || whole[at] === ".") return;
          const verdict = await why(whole.slice(0, at) + other + whole.slice(at + 1)).catch(
            () => "unavailable",
          );
          expect(verdict).not.toBe("proven");
        },
      ),
    );
  });

  test("by somebody else, by a shared secret, or by a key of its own is refused", async () => {
    const { why, asked } = open({ algorithm: "jwt-rs256" });
    expect(await why(tokenBy(otherRsa.privateKey, RS256, claims))).toMatch(/no published key made/);
    const jwk = otherRsa.publicKey.export({ format: "jwk" });
    const own = {
      ...RS256,
      jwk,
      jku: "https://evil.example/jwks",
      x5u: "https://evil.example/x.pem",
      x5c: ["x"],
    };
    expect(await why(tokenBy(otherRsa.privateKey, own, claims))).toMatch(/no published key made/);
    expect(asked).toEqual([JWKS]);
    const unsigned = (alg: string) =>
      [{ alg, kid: "a" }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
    expect(await why(`${unsigned("RS256")}.`)).toMatch(/no published key made/);
    const pem = rsa.publicKey.export({ format: "pem", type: "spki" }) as string;
    const hmac = new Bun.CryptoHasher("sha256", pem).update(unsigned("RS256")).digest("base64url");
    expect(await why(`${unsigned("RS256")}.${hmac}`)).toMatch(/no published key made/);
  });

  test("isn't held to a key of another type, length, use or algorithm", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const found = async (key: object, algorithm = "jwt-rs256") => {
      const { documents, why } = open({ algorithm });
      const good = jwkOf(otherRsa.publicKey, { kid: "other" });
      documents.set(JWKS, { keys: [null, 1, { kty: "RSA" }, { kty: "oct", k: "eA", kid: "a" }, key, good] });
      return why(tokenBy(rsa.privateKey, { ...RS256, alg: algorithm.slice(4).toUpperCase() }, claims));
    };
    const it = rsa.publicKey;
    expect(await found(jwkOf(it, { kid: "a" }))).toBe("proven");
    const none = "the token's key is none that its issuer publishes";
    expect(await found(jwkOf(it, { kid: "a", use: "enc" }))).toBe(none);
    expect(await found(jwkOf(it, { kid: "a", key_ops: ["encrypt"] }))).toBe(none);
    expect(await found(jwkOf(it, { kid: "a", alg: "RS512" }))).toBe(none);
    expect(await found(jwkOf(it, { kid: "a", alg: "PS256" }))).toBe(none);
    expect(await found(jwkOf(it, { kid: "b" }))).toBe(none);
    expect(await found(jwkOf(it))).toBe(none);
    expect(await found(jwkOf(rsa.privateKey, { kid: "a" }))).toBe(none);
    expect(await found(jwkOf(weak.publicKey, { kid: "a" }))).toBe(none);
    expect(await found(jwkOf(curves[384].publicKey, { kid: "a" }))).toBe(none);
    expect(await found(jwkOf(it, { kid: "a" }), "jwt-ps256")).toBe("proven");
  });

  test("that names no key is held to each that fits, to ten at most, of the first hundred", async () => {
    const { documents, why, clock } = open({ algorithm: "jwt-rs256" });
    const others = (count: number) =>
      Array.from({ length: count }, () => jwkOf(otherRsa.publicKey, { kid: "o" }));
    const named = tokenBy(rsa.privateKey, { alg: "RS256" }, claims);
    const verdicts = async (keys: readonly object[]) => {
      documents.set(JWKS, { keys });
      clock.advance(24 * 60 * 60 * 1000);
      return [await why(named), await why(token())];
    };
    const mine = jwkOf(rsa.publicKey, { kid: "a" });
    expect(await verdicts([...others(9), mine])).toEqual(["proven", "proven"]);
    expect(await verdicts([...others(10), mine])).toEqual([
      "no published key made the token's signature",
      "proven",
    ]);
    expect(await verdicts([...others(99), mine])).toEqual([
      "no published key made the token's signature",
      "proven",
    ]);
    expect((await verdicts([...others(100), mine]))[1]).toMatch(/none that its issuer publishes/);
  });
});

describe("the keys", () => {
  test("are fetched anew once a token names one that isn't known, at most each 30 seconds", async () => {
    const { documents, why, asked, clock } = open({ algorithm: "jwt-rs256" });
    expect(await why(token())).toBe("proven");
    const rotated = tokenBy(otherRsa.privateKey, { ...RS256, kid: "b" } as { alg: string }, claims);
    documents.set(JWKS, { keys: [jwkOf(otherRsa.publicKey, { kid: "b" })] });
    expect(await why(rotated)).toMatch(/none that its issuer publishes/);
    clock.advance(30_000);
    expect(await why(rotated)).toBe("proven");
    expect(await why(token())).toMatch(/none that its issuer publishes/);
    expect(asked.length).toBe(2);
    clock.advance(30_000);
    for (let round = 0; round < 1000; round++)
      expect(
        await why(tokenBy(otherRsa.privateKey, { ...RS256, kid: `k${round}` } as { alg: string }, claims)),
      ).toMatch(/none that/);
    expect(asked.length).toBe(3);
    expect(await why(rotated)).toBe("proven");
  });

  test("that can't be had are a failure for a while, and no refusal", async () => {
    const { documents, why, asked, clock } = open({ algorithm: "jwt-rs256" });
    documents.delete(JWKS);
    const failure = {
      name: "KeysUnavailable",
      status: 503,
      retryAfterS: 5,
      cause: "keys.example answered 404, not 200",
    };
    for (let round = 0; round < 3; round++) await expect(why(token())).rejects.toMatchObject(failure);
    expect(asked.length).toBe(1);
    for (const nothing of ["x", "[]", { keys: [] }, { keys: "a" }, { keys: [{ kty: "oct", k: "eA" }] }]) {
      documents.set(JWKS, nothing);
      clock.advance(5000);
      await expect(why(token())).rejects.toMatchObject({ status: 503 });
    }
    documents.set(JWKS, { keys: [jwkOf(rsa.publicKey, { kid: "a" })] });
    clock.advance(5000);
    expect(await why(token())).toBe("proven");
  });

  test("are where the issuer says, if it says so of itself", async () => {
    const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
    const { documents, keys, asked, clock } = open({ algorithm: "jwt-rs256" });
    const scheme = genericScheme({ algorithm: "jwt-rs256", issuer: ISSUER }, [AUDIENCE], keys);
    const headers = new Headers({ Authorization: token() });
    const request = { method: "POST", headers, url: "https://x/", body: new Uint8Array() };
    const verdict = async () => {
      await scheme.prepare?.(request, NOW);
      return scheme.verify(request, NOW).proven;
    };
    for (const [document, why] of [
      [{ issuer: "https://other.example", jwks_uri: JWKS }, /another issuer's/],
      [{ jwks_uri: JWKS }, /another issuer's/],
      [{ issuer: ISSUER }, /names no keys/],
    ] as const) {
      documents.set(DISCOVERY, document);
      await expect(verdict()).rejects.toMatchObject({ status: 503, cause: expect.stringMatching(why) });
      clock.advance(5000);
    }
    documents.set(DISCOVERY, { issuer: `${ISSUER}/`, jwks_uri: JWKS });
    expect(await verdict()).toBe(true);
    headers.set("Authorization", token({ iss: `${ISSUER}/` }));
    expect(await verdict()).toBe(true);
    headers.set("Authorization", token({ iss: `${ISSUER}//` }));
    expect(await verdict()).toBe(false);
    expect(asked).toEqual([DISCOVERY, DISCOVERY, DISCOVERY, DISCOVERY, JWKS]);
  });

  test("are of addresses that can be asked, and allow_private is handed on", async () => {
    const { keys, asked } = newPublisher();
    const opened = (scheme: GenericScheme) =>
      genericScheme({ algorithm: "jwt-rs256", ...scheme }, [AUDIENCE], keys);
    expect(() => opened({})).toThrow(SchemeError);
    for (const jwks_url of [
      "http://keys.example/",
      "https://a@keys.example/",
      "https://a:b@keys.example/",
      "keys",
    ])
      expect(() => opened({ jwks_url })).toThrow(SchemeError);
    expect(() => opened({ issuer: "accounts.example" })).toThrow(SchemeError);
    for (const host of ["10.0.0.1", "[::1]", "0x7f.1"]) {
      const url = `https://${host}/`;
      expect(() => opened({ jwks_url: url })).toThrow(/not on the public internet/);
      expect(() => opened({ issuer: url })).toThrow(/not on the public internet/);
      expect(() => opened({ jwks_url: url, allow_private: true })).not.toThrow();
    }
    expect(() => genericScheme({ algorithm: "jwt-rs256", issuer: ISSUER }, [" "], keys)).toThrow(SchemeError);
    const headers = new Headers({ Authorization: token() });
    const request = { method: "POST", headers, url: "https://x/", body: new Uint8Array() };
    const scheme = opened({ jwks_url: JWKS, allow_private: true });
    await expect(scheme.prepare?.(request, NOW)).rejects.toThrow();
    expect(asked).toEqual([`${JWKS} private`]);
  });
});
