/** Signatures that providers and specifications publish, and what must never count as one. */
import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import type { SignedRequest } from "../../core/source.ts";
import { genericScheme } from "./generic.ts";
import { type JwtOptions, jwtScheme } from "./jwt.ts";
import { type Scheme, SchemeError, secretBytes } from "./proof.ts";
import { type SignatureOptions, signatureScheme } from "./signature.ts";
import { tokenScheme } from "./token.ts";

const URL_OF_ALL = "https://hooks.example.com/in?foo=1";

function request(
  headers: Record<string, string>,
  body: string | Uint8Array = "",
  url = URL_OF_ALL,
): SignedRequest {
  return { method: "POST", headers: new Headers(headers), body: Buffer.from(body), url };
}

const GITHUB: SignatureOptions = {
  header: "X-Hub-Signature-256",
  algorithm: "hmac-sha256",
  encoding: "hex",
  prefix: "sha256=",
  signed: "{body}",
};
const STANDARD: SignatureOptions = {
  header: "webhook-signature",
  algorithm: "hmac-sha256",
  encoding: "base64",
  separator: " ",
  version_separator: ",",
  version: "v1",
  secret_prefix: "whsec_",
  secret_encoding: "base64",
  id_header: "webhook-id",
  timestamp_header: "webhook-timestamp",
  signed: "{id}.{timestamp}.{body}",
};
const STRIPE: SignatureOptions = {
  header: "Stripe-Signature",
  algorithm: "hmac-sha256",
  encoding: "hex",
  separator: ",",
  version_separator: "=",
  version: "v1",
  timestamp_part: "t",
  signed: "{timestamp}.{body}",
};

/** The worked example of the Standard Webhooks specification. */
const STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_BODY = '{"test": 2432232314}';
const STANDARD_AT = 1614265330_000;
const standardHeaders = (signature: string) => ({
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": "1614265330",
  "webhook-signature": signature,
});
const STANDARD_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const OTHER_SIGNATURE = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

function whyOf(scheme: Scheme, signed: SignedRequest, now = 0): string {
  const verdict = scheme.verify(signed, now);
  return verdict.proven ? "proven" : verdict.why;
}

const changed = (bytes: Uint8Array, at: number, bit: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  const index = at % bytes.length;
  copy[index] = (copy[index] as number) ^ (1 << (bit % 8));
  return copy;
};

describe("hmac", () => {
  test("GitHub's published signature holds", () => {
    const scheme = signatureScheme(GITHUB, ["It's a Secret to Everybody"]);
    const headers = {
      "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    };
    expect(scheme.verify(request(headers, "Hello, World!"), 0)).toEqual({ proven: true });
    expect(scheme.verify(request(headers, "Hello, World?"), 0)).toEqual({
      proven: false,
      why: "no secret made this signature",
      signed: ["<body of 13 bytes>"],
    });
    expect(whyOf(scheme, request({}, "Hello, World!"))).toBe("the header X-Hub-Signature-256 is missing");
  });

  test("Standard Webhooks' published signature holds, alone or among others, for five minutes both ways", () => {
    const scheme = signatureScheme(STANDARD, [STANDARD_SECRET]);
    const at = (signature: string, now: number) =>
      whyOf(scheme, request(standardHeaders(signature), STANDARD_BODY), now);
    expect(at(STANDARD_SIGNATURE, STANDARD_AT)).toBe("proven");
    expect(at(`${OTHER_SIGNATURE} v2,x ${STANDARD_SIGNATURE} ${OTHER_SIGNATURE}`, STANDARD_AT)).toBe(
      "proven",
    );
    expect(at(STANDARD_SIGNATURE.replace("v1", "v2"), STANDARD_AT)).toMatch(/no signature of the right form/);
    expect(at(OTHER_SIGNATURE, STANDARD_AT)).toBe("no secret made this signature");
    expect(at(STANDARD_SIGNATURE, STANDARD_AT + 300_000)).toBe("proven");
    expect(at(STANDARD_SIGNATURE, STANDARD_AT + 301_000)).toBe("the timestamp is 301 s old, more than 300 s");
    expect(at(STANDARD_SIGNATURE, STANDARD_AT - 301_000)).toMatch(/301 s in the future/);
  });

  test("a part of the header may be the timestamp, and is signed as it was written", () => {
    const scheme = signatureScheme(STRIPE, ["whsec_test"]);
    const sign = (time: string) =>
      new Bun.CryptoHasher("sha256", "whsec_test").update(`${time}.{}`).digest("hex");
    const at = (header: string) =>
      whyOf(scheme, request({ "Stripe-Signature": header }, "{}"), 1_600_000_000_000);
    expect(at(`t=1600000000,v1=${sign("1600000000")}`)).toBe("proven");
    expect(at(`t=1600000000, v0=${sign("x")}, v1=00, v1=${sign("1600000000")}`)).toBe("proven");
    expect(at(`v1=${sign("")}`)).toBe("the timestamp that is signed is missing");
    expect(at(`t=1600000001,v1=${sign("1600000000")}`)).toBe("no secret made this signature");
    expect(at(`t=1e9,v1=${sign("1e9")}`)).toBe("the timestamp is no unix time");
  });

  test.each([
    ["ms", "1600000000123", true],
    ["ms", "1600000000", false],
    ["rfc3339", "2020-09-13T12:26:40Z", true],
    ["rfc3339", "2020-09-13T14:26:40.5+02:00", true],
    ["rfc3339", "2020-09-13 12:26:40", false],
    ["rfc3339", "1600000000", false],
  ] as const)(
    "a timestamp as %s is signed as it was written and bounded: %s",
    (timestamp_format, text, holds) => {
      const options: SignatureOptions = {
        ...GITHUB,
        prefix: "",
        timestamp_header: "X-Time",
        timestamp_format,
        signed: "{timestamp}{body}",
      };
      const signature = new Bun.CryptoHasher("sha256", "s").update(`${text}x`).digest("hex");
      const signed = request({ "X-Hub-Signature-256": signature, "X-Time": text }, "x");
      expect(signatureScheme(options, ["s"]).verify(signed, 1_600_000_000_000).proven).toBe(holds);
    },
  );

  test("an identifier that could be read as several signed parts is refused", () => {
    const scheme = signatureScheme(STANDARD, [STANDARD_SECRET]);
    // The bytes that are signed are those of the published example: the cut is another one.
    const headers = {
      ...standardHeaders(STANDARD_SIGNATURE),
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330",
    };
    expect(whyOf(scheme, request(headers, STANDARD_BODY), STANDARD_AT)).toBe(
      "the id that is signed holds what stands between the signed parts",
    );
  });

  test("upper-case hexadecimal digits are the same signature", () => {
    const scheme = signatureScheme(GITHUB, ["It's a Secret to Everybody"]);
    const digits = "757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17";
    expect(whyOf(scheme, request({ "X-Hub-Signature-256": `sha256=${digits}` }, "Hello, World!"))).toBe(
      "proven",
    );
  });

  test("what the head lacks is told before the body is there", () => {
    const scheme = signatureScheme(STANDARD, [STANDARD_SECRET]);
    const begun = (headers: Record<string, string>, now = STANDARD_AT) =>
      scheme.begin({ method: "POST", headers: new Headers(headers), url: URL_OF_ALL }, now);
    const right = standardHeaders(STANDARD_SIGNATURE);
    expect(typeof begun(right)).toBe("function");
    for (const headers of [{}, { ...right, "webhook-signature": "v1,AAAA" }, { ...right, "webhook-id": "" }])
      expect(begun(headers)).toMatchObject({ proven: false });
    expect(begun(right, STANDARD_AT + 301_000)).toMatchObject({ proven: false });
  });

  test("the URL, a nonce and the body's hash may be signed", () => {
    const signed = "{url} {nonce} {sha256(body)}";
    const scheme = signatureScheme({ ...GITHUB, prefix: "", nonce_header: "X-Nonce", signed }, ["s"]);
    const hash = new Bun.CryptoHasher("sha256").update("x").digest("hex");
    const signature = new Bun.CryptoHasher("sha256", "s").update(`${URL_OF_ALL} n1 ${hash}`).digest("hex");
    const headers = { "X-Hub-Signature-256": signature, "X-Nonce": "n1" };
    expect(whyOf(scheme, request(headers, "x"))).toBe("proven");
    expect(scheme.verify(request({ ...headers, "X-Nonce": "n2" }, "x"), 0)).toMatchObject({
      signed: [`${URL_OF_ALL} n2 ${hash}`],
    });
    expect(whyOf(scheme, request({ "X-Hub-Signature-256": signature }, "x"))).toMatch(
      /the nonce .* is missing/,
    );
  });

  test("a request is refused with any byte of its body or signature changed, whichever secret, algorithm and encoding", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.array(
          fc.string({ minLength: 1 }).filter((text) => text.trim() !== ""),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom("sha1", "sha256", "sha512"),
        fc.constantFrom("hex", "base64"),
        fc.nat(),
        fc.nat(),
        (body, secrets, algorithm, encoding, at, bit) => {
          const scheme = signatureScheme(
            { ...GITHUB, prefix: "", algorithm: `hmac-${algorithm}`, encoding },
            secrets,
          );
          const secret = secrets[at % secrets.length] as string;
          const signature = new Bun.CryptoHasher(algorithm, secret).update(body).digest(encoding);
          const verify = (text: string, bytes: Uint8Array) =>
            scheme.verify(request({ "X-Hub-Signature-256": text }, bytes), 0).proven;
          expect(verify(signature, body)).toBe(true);
          expect(verify(signature, changed(body, at, bit))).toBe(false);
          const index = at % signature.length;
          // Upper-case hexadecimal digits are the same bytes.
          const other = /a/i.test(signature[index] ?? "") ? "B" : "A";
          expect(verify(signature.slice(0, index) + other + signature.slice(index + 1), body)).toBe(false);
        },
      ),
    );
  });

  test.each([
    ["a blank secret", GITHUB, " ", /blank/],
    ["a secret that is its prefix only", STANDARD, "whsec_", /blank/],
    ["a secret that is no base64", STANDARD, "whsec_it's", /no base64/],
    [
      "a secret behind a prefix that is no base64",
      { ...STANDARD, secret_encoding: "base64-or-text" as const },
      "whsec_it's",
      /no base64/,
    ],
    ["a secret of padding only", STANDARD, "whsec_==", /blank/],
    [
      "a secret that is no hexadecimal",
      { ...GITHUB, secret_encoding: "hex" as const },
      "0g",
      /no hexadecimal/,
    ],
    ["a template without the body", { ...GITHUB, signed: "{url}" }, "s", /must contain \{body\}/],
    [
      "a template of far too many bodies",
      { ...GITHUB, signed: "{body}".repeat(21) },
      "s",
      /more than 40 parts/,
    ],
    ["a template with an unknown name", { ...GITHUB, signed: "{body}{time}" }, "s", /\{time\} is none of/],
  ])("%s can't be configured", (_, options, secret, message) => {
    expect(() => signatureScheme(options, [secret])).toThrow(message);
    expect(() => signatureScheme(options, [secret])).toThrow(SchemeError);
  });
});

test("a secret without a prefix is base64 where it reads so, and else its own text", () => {
  const key = (secret: string) => secretBytes(secret, "base64-or-text", ["whsec_", "v1,whsec_"]);
  for (const secret of ["whsec_c2VjcmV0", "v1,whsec_c2VjcmV0", "c2VjcmV0"])
    expect(Buffer.from(key(secret)).toString()).toBe("secret");
  expect(Buffer.from(key("polar_whs_made-up")).toString()).toBe("polar_whs_made-up");
  expect(() => key("whpk_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0YWI=")).toThrow(/public key/);
});

test("a scheme by configuration needs what it names, and signs the timestamp that it reads", () => {
  const given = {
    header: "X-Signature",
    algorithm: "hmac-sha256",
    encoding: "hex",
    signed: "{body}",
  } as const;
  const scheme = (fields: object) => () => genericScheme({ ...given, ...fields }, ["s"]);
  expect(scheme({})().verify(request({}), 0).proven).toBe(false);
  expect(scheme({ signed: "{timestamp}.{body}" })).toThrow(/nothing says which header/);
  expect(scheme({ timestamp_header: "X-Time" })).toThrow(/anyone could change it/);
  expect(scheme({ timestamp_header: "X-Time", signed: "{timestamp}.{body}" })).not.toThrow();
  expect(scheme({ encoding: undefined })).toThrow(/needs encoding/);
  expect(scheme({ signed: undefined })).toThrow(/needs signed/);
  expect(scheme({ version: "v1" })).toThrow(/go together/);
});

describe("jwt", () => {
  const options: JwtOptions = {
    header: "Authorization",
    algorithms: ["HS256", "HS512"],
    issuer: "Sender",
    payload_hash: true,
    url_hash: true,
  };
  const scheme = jwtScheme(options, ["old", "secret"]);
  const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: "Sender", exp: 1000, url_hash: sha256(URL_OF_ALL), payload_hash: sha256("body") };
  const token = (payload: unknown, alg = "HS256", secret = "secret") => {
    const signed = `${part({ alg, typ: "JWT" })}.${part(payload)}`;
    const hash = alg === "HS512" ? "sha512" : "sha256";
    return `${signed}.${new Bun.CryptoHasher(hash, secret).update(signed).digest("base64url")}`;
  };
  const why = (text: string, body = "body", now = 900) =>
    whyOf(scheme, request({ Authorization: text }, body), now * 1000);

  test("the well-known token of jwt.io holds", () => {
    const known =
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ" +
      ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    const plain = jwtScheme({ header: "X-Token", algorithms: ["HS256"] }, ["your-256-bit-secret"]);
    const signed = request({ "X-Token": known });
    expect(plain.verify(signed, 1_516_239_022_000)).toEqual({
      proven: true,
      claims: { sub: "1234567890", name: "John Doe", iat: 1516239022 },
    });
    expect(whyOf(plain, signed, 1_516_239_323_000)).toBe("the token is too old, or from the future");
  });

  test("a jwt holds for the body, the URL and the time that it was made for", () => {
    expect(why(`Bearer ${token(claims)}`)).toBe("proven");
    expect(why(`bearer ${token(claims, "HS512", "old")}`)).toBe("proven");
    expect(why(token(claims), "other")).toBe("the token was made for another body");
    expect(why(token(claims), "")).toBe("the token was made for another body");
    expect(why(token({ ...claims, payload_hash: undefined }))).toBe("the token says nothing about the body");
    expect(why(token({ ...claims, payload_hash: undefined }), "")).toBe("proven");
    expect(why(token({ ...claims, url_hash: undefined }))).toBe("the token was made for another URL");
    expect(why(token({ ...claims, iss: "Other" }))).toBe("the token's issuer is not Sender");
    expect(why(token(claims), "body", 1005)).toBe("proven");
    expect(why(token(claims), "body", 1006)).toBe("the token has expired");
    expect(why(token({ ...claims, nbf: 906 }))).toBe("the token doesn't hold yet");
    expect(why(token({ ...claims, exp: undefined }))).toMatch(/neither when it was made nor when it expires/);
    expect(why(token({ ...claims, exp: "1000" }))).toBe("the token's exp is no time");
    expect(why(token({ ...claims, exp: 9000, iat: 1200 }))).toBe("proven");
    expect(why(token({ ...claims, exp: 9000, iat: 1201 }))).toBe("the token is from the future");
  });

  test("a token with critical extensions is refused, since none is known", () => {
    const signed = `${part({ alg: "HS256", crit: ["exp"] })}.${part(claims)}`;
    const signature = new Bun.CryptoHasher("sha256", "secret").update(signed).digest("base64url");
    expect(why(`${signed}.${signature}`)).toBe("the token has critical extensions, and none is known");
  });

  test("no other algorithm, and nothing that is not signed, counts", () => {
    expect(why(token(claims, "none"))).toBe("the token's algorithm is none, not one of HS256, HS512");
    expect(why(token(claims, "HS384"))).toMatch(/algorithm is HS384/);
    for (const alg of ["x".repeat(17), "a\nb", { a: 1 }, 1])
      expect(why(`${part({ alg })}.${part(claims)}.x`)).toMatch(/algorithm is unknown/);
    expect(why(`${part({ alg: "HS256" })}.${part(claims)}.`)).toBe("no secret made the token's signature");
    expect(why(token(claims, "HS256", "other"))).toBe("no secret made the token's signature");
    expect(why(`${token(claims)}.x`)).toBe("the token is no JSON Web Token");
    for (const text of ["", "a.b.c", `${part([])}.${part([])}.x`]) expect(why(text)).not.toBe("proven");
    fc.assert(
      fc.property(fc.nat(), (at) => {
        const whole = token(claims);
        const index = at % whole.length;
        const other = whole[index] === "A" ? "B" : "A";
        expect(why(whole.slice(0, index) + other + whole.slice(index + 1))).not.toBe("proven");
      }),
    );
  });
});

describe("token", () => {
  test("the header has to be one of the secrets, whole", () => {
    const scheme = tokenScheme({ header: "X-Token" }, ["first", "second"]);
    expect(whyOf(scheme, request({ "X-Token": "second" }))).toBe("proven");
    for (const text of ["", "secon", "secondx", "First"])
      expect(whyOf(scheme, request({ "X-Token": text }))).toBe("the header X-Token is not the secret");
    expect(whyOf(scheme, request({}))).toBe("the header X-Token is missing");
    expect(() => tokenScheme({ header: "X-Token" }, [" "])).toThrow(SchemeError);
  });
});

test("an alternative can't let in what proves nothing", () => {
  const alternatives = [{ secret_prefix: "open_", algorithm: "none" }];
  const scheme = { algorithm: "hmac-sha256", header: "X-S", encoding: "hex", signed: "{body}" } as const;
  for (const secrets of [["shared"], ["shared", "open_door"]])
    expect(() => genericScheme({ ...scheme, alternatives }, secrets)).toThrow("anybody could send");
});
