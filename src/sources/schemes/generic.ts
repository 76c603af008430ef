/**
 * A scheme as a configuration says it: one object whose `algorithm` decides what else it may say.
 */
import { type Static, Type } from "typebox";
import type { BodyCheck, Refusal, Verdict } from "../../core/source.ts";
import { ALGORITHMS, type SignatureAlgorithm } from "./algorithms.ts";
import { type JwtAlgorithm, type JwtOptions, jwtScheme, type TokenRules } from "./jwt.ts";
import { defineScheme, type Scheme, SchemeError } from "./proof.ts";
import { type PublishedJwtAlgorithm, type PublishedJwtOptions, publishedJwtScheme } from "./published-jwt.ts";
import { type PublishedKeys, publishedKeys } from "./published-keys.ts";
import { signatureScheme } from "./signature.ts";
import { snsScheme } from "./sns.ts";
import { type TokenAlgorithm, tokenScheme } from "./token.ts";

const Text = (description: string) => Type.Optional(Type.String({ description }));
const Seconds = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400, description }));
const Choice = <const T extends string[]>(values: [...T], description: string) =>
  Type.Enum(values, { description });
/** A description may stand in place of true. */
const Flag = (description: string) =>
  Type.Optional(Type.Union([Type.Boolean(), Type.String()], { description }));

/** A place, or several of which the first that is there counts. */
const Place = (description: string) =>
  Type.Optional(
    Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
      description,
    }),
  );

const PUBLISHED_JWT = /^jwt-(rs|ps|es)((?:256|384|512)(?:\/(?:256|384|512))*)$/;
const TOKENS = ["token", "basic", "bearer"] as const satisfies TokenAlgorithm[];
const ALGORITHM = [
  ...Object.keys(ALGORITHMS),
  ...TOKENS,
  "none",
  "sns",
  "jwt-(hs|rs|ps|es)(256|384|512)(/(256|384|512))*",
];
const Encoding = Choice(
  ["hex", "base64", "base64url"],
  "How a signature is written; of a public key's, base64 unless said.",
);
const Algorithm = Type.String({
  pattern: `^(${ALGORITHM.join("|")})$`,
  description: `${[...Object.keys(ALGORITHMS), ...TOKENS].join(", ")}, jwt-hs256 (or jwt-hs256/384/512), jwt-rs256, jwt-ps256, jwt-es256, sns, or none.`,
  examples: ["hmac-sha256"],
});

export const GenericScheme = Type.Object(
  {
    header: Place("The header that holds the signature, the token or the secret."),
    query: Text("In place of `header`: the parameter of the query that holds it."),
    form: Text("In place of `header`: the field of the form that holds it."),
    json: Text("In place of `header`: where in the JSON it stands, as a path."),
    algorithm: Type.Optional(Algorithm),
    encoding: Type.Optional(Encoding),
    prefix: Text("Stands before each signature, such as `sha256=`."),
    separator: Text("Between several signatures in the header."),
    version_separator: Text("Between a version and its signature."),
    version: Text("Only signatures of this version count."),
    secret_prefix: Place(
      "What the secret may begin with and is no part of the key, such as `whsec_`; one, or several.",
    ),
    secret_encoding: Type.Optional(
      Choice(
        ["utf8", "base64", "hex", "base64-or-text"],
        "How the secret is written (default utf8); base64-or-text is the text itself where it has no prefix and is no base64.",
      ),
    ),
    id: Place(
      "The place (`header NAME`, `query NAME`, `form NAME`, `json PATH`) that is `{id}` in `signed`.",
    ),
    id_header: Text("Short for `id: header NAME`."),
    nonce: Place("The place that is `{nonce}` in `signed`."),
    nonce_header: Text("Short for `nonce: header NAME`."),
    timestamp: Place("The place that is `{timestamp}` in `signed`."),
    timestamp_header: Text("Short for `timestamp: header NAME`."),
    timestamp_part: Text(
      "The part of the signature's header that is `{timestamp}`, such as the `t` of `t=…,v1=…`.",
    ),
    timestamp_format: Type.Optional(
      Choice(["unix", "ms", "rfc3339"], "How the timestamp is written (default unix)."),
    ),
    tolerance_seconds: Seconds("How far the timestamp may be from now, both ways (default 300)."),
    signed: Text(
      "What is signed: `{timestamp}.{body}`, say. Known: {body}, {sha256(body)} (also sha1, sha512, md5; followed by ` base64` or ` bytes`), {crc32(body)}, {timestamp}, {id}, {nonce}, {method}, {url}, {path}, {parameters}, {header.NAME}, {query.NAME}, {form.NAME}, {json.PATH}, {secret}.",
    ),
    each: Text("The path of an array whose items are each signed, or hold the token, by themselves."),
    covers_body: Type.Optional(
      Type.Boolean({ description: "false must be said when the proof doesn't cover the body." }),
    ),
    weak: Type.Optional(
      Type.Boolean({ description: "true must be said of MD5, and of SHA-1 other than HMAC." }),
    ),
    alternatives: Type.Optional(
      Type.Array(
        Type.Object({
          secret_prefix: Type.String({ minLength: 1 }),
          algorithm: Algorithm,
          encoding: Type.Optional(Encoding),
          prefix: Text("Stands before each signature."),
          version: Text("Only signatures of this version count."),
        }),
        {
          description:
            "What counts instead for secrets that begin so: a public key (`whpk_`) beside a shared secret, say. The secret chooses, never the request.",
        },
      ),
    ),
    issuer: Text("The token's `iss`."),
    jwks_url: Type.Optional(
      Type.String({
        pattern: "^https://",
        description:
          "Where the keys of jwt-rs, jwt-ps and jwt-es are published; else `issuer` says it (OpenID Connect Discovery).",
      }),
    ),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: "Claims of the token, and the text that each must equal (`true` equals JSON's true).",
      }),
    ),
    certificate: Text(
      "Of rsa-sha256: the place whose URL has the certificate of the key, in place of a public key as secret.",
    ),
    certificate_hosts: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          "Where that certificate may be: `HOST`, `HOST:PORT`, `.DOMAIN` for its subdomains, each with the beginning of a path behind it if wanted.",
      }),
    ),
    allow_private: Type.Optional(
      Type.Boolean({ description: "Keys may be fetched from addresses that aren't public." }),
    ),
    url_hash: Flag("Whether the token names the SHA-256 of the URL."),
    payload_hash: Flag("Whether the token names the SHA-256 of the body."),
    clock_tolerance_seconds: Seconds("How far clocks may be apart (default 5)."),
  },
  { description: "How requests are signed, when no preset says it." },
);
export type GenericScheme = Readonly<Static<typeof GenericScheme>>;

/** Throws `SchemeError` when the scheme lacks something or a secret can't be used. */
export function genericScheme(
  given: GenericScheme,
  secrets: readonly string[],
  keys: PublishedKeys = publishedKeys,
): Scheme {
  const { alternatives = [], ...main } = given;
  const open = alternatives.findIndex(({ algorithm }) => algorithm === "none");
  if (open >= 0)
    throw new SchemeError("with algorithm: none anybody could send", `scheme/alternatives/${open}/algorithm`);
  const others = alternatives.map((alternative) => ({
    scheme: { ...main, ...alternative },
    secrets: secrets.filter((secret) => secret.startsWith(alternative.secret_prefix)),
  }));
  const taken = new Set(others.flatMap((other) => other.secrets));
  const own = secrets.filter((secret) => !taken.has(secret));
  const families = [{ scheme: main, secrets: own }, ...others].map((family) => ({
    ...family,
    opened: oneScheme(family.scheme, family.secrets, keys),
  }));
  const used = families.filter((family) => family.secrets.length > 0).map(({ opened }) => opened);
  const [first, ...more] = used.length === 0 ? families.map(({ opened }) => opened) : used;
  if (first === undefined || more.length === 0) return first as Scheme;
  return anyOf(first, more);
}

function oneScheme(said: GenericScheme, secrets: readonly string[], keys: PublishedKeys): Scheme {
  const { algorithm } = said;
  const given = [said.header, said.query, said.form, said.json].every((place) => place === undefined)
    ? { ...said, ...defaultPlace(algorithm) }
    : said;
  if (algorithm === undefined) throw new SchemeError("a scheme needs an algorithm, or a preset", "scheme");
  if (algorithm === "none") return unproven();
  const token = TOKENS.find((name) => name === algorithm);
  if (token !== undefined)
    return tokenScheme({ ...given, algorithm: token } as Parameters<typeof tokenScheme>[0], secrets);
  if (algorithm === "sns") return snsScheme(given, secrets, keys);
  if (algorithm.startsWith("jwt-")) {
    const [only, ...more] = [given.header ?? []].flat();
    if (only === undefined || more.length > 0)
      throw new SchemeError("a token stands in one header", "scheme");
    const [, family, sizes] = PUBLISHED_JWT.exec(algorithm) ?? [];
    if (family !== undefined && sizes !== undefined)
      return publishedJwtScheme(
        publishedJwtOptions({ ...given, header: only }, family, sizes),
        secrets,
        keys,
      );
    return jwtScheme(jwtOptions({ ...given, algorithm, header: only }), secrets);
  }
  const options = { ...given, algorithm } as { readonly algorithm: SignatureAlgorithm };
  return signatureScheme(options, secrets, keys);
}

/** What is sent from anywhere; the networks that a source allows are then the only proof. */
function unproven(): Scheme {
  return defineScheme({
    coversBody: false,
    coversQuery: false,
    begin: () => () => ({ proven: true }),
    sign: () => ({ headers: {} }),
  });
}

/** What one of them proves is proven; the secrets decide which there are. */
function anyOf(first: Scheme, others: readonly Scheme[]): Scheme {
  const schemes = [first, ...others];
  if (schemes.some(({ prepare }) => prepare !== undefined))
    throw new SchemeError("alternatives are for secrets, and not for keys that are fetched", "scheme");
  const { sign } = first;
  return defineScheme({
    coversBody: schemes.every(({ coversBody }) => coversBody),
    coversQuery: schemes.every(({ coversQuery }) => coversQuery),
    weak: schemes.some(({ weak }) => weak === true),
    signsWithin: schemes.some(({ signsWithin }) => signsWithin === true),
    begin(head, now) {
      const begun = schemes.map((scheme) => scheme.begin(head, now));
      const checks = begun.filter((each): each is BodyCheck => typeof each === "function");
      if (checks.length === 0) return begun[0] as Refusal;
      return (body) => {
        const verdicts = checks.map((check) => check(body));
        return verdicts.find(({ proven }) => proven) ?? (verdicts[0] as Verdict);
      };
    },
    ...(sign !== undefined && { sign }),
  });
}

/** Whether the scheme signs the URL as the provider knows it. */
export function signsUrl({ signed, url_hash }: GenericScheme): boolean {
  return isOn(url_hash) || (signed ?? "").includes("{url}");
}

/** HTTP has a header for its own authentication. */
function defaultPlace(algorithm = ""): { readonly header?: string } {
  return /^(basic|bearer|jwt-)/.test(algorithm) ? { header: "Authorization" } : {};
}

function jwtOptions(
  given: GenericScheme & { readonly algorithm: string; readonly header: string },
): JwtOptions {
  const sizes = given.algorithm.slice("jwt-hs".length).split("/");
  return { ...tokenRules(given), algorithms: sizes.map((size) => `HS${size}` as JwtAlgorithm) };
}

function tokenRules(given: GenericScheme & { readonly header: string }): TokenRules {
  const { header, issuer, clock_tolerance_seconds } = given;
  return {
    header,
    payload_hash: isOn(given.payload_hash),
    url_hash: isOn(given.url_hash),
    ...(issuer !== undefined && { issuer }),
    ...(clock_tolerance_seconds !== undefined && { clock_tolerance_seconds }),
  };
}

function publishedJwtOptions(
  given: GenericScheme & { readonly header: string },
  family: string,
  sizes: string,
): PublishedJwtOptions {
  const { jwks_url, claims, allow_private } = given;
  const names = sizes.split("/").map((size) => `${family.toUpperCase()}${size}` as PublishedJwtAlgorithm);
  return {
    ...tokenRules(given),
    algorithms: names,
    ...(jwks_url !== undefined && { jwks_url }),
    ...(claims !== undefined && { claims }),
    ...(allow_private !== undefined && { allow_private }),
  };
}

function isOn(flag: boolean | string | undefined): boolean {
  return flag === true || (typeof flag === "string" && flag !== "false");
}
