/**
 * JSON Web Tokens with a shared secret (RFC 7519, the HS algorithms of RFC 7518), bound to a body
 * and a URL; and what they have in common with those that a published key verifies.
 */
import type { Refusal, RequestHead } from "../../core/source.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { defineScheme, refused, type Scheme, secretBytes } from "./proof.ts";
import { sha256Hex } from "./template.ts";

/** What is asked of a token, whoever signs it. */
export interface TokenRules {
  /** The header with the token, after `Bearer ` in `Authorization`. */
  readonly header: string;
  readonly issuer?: string;
  /**
   * The claim `payload_hash` must be there when there is a body, and be its SHA-256 (hexadecimal)
   * whenever it is there.
   */
  readonly payload_hash?: boolean;
  /** The claim `url_hash` must be the SHA-256 (hexadecimal) of the URL. */
  readonly url_hash?: boolean;
  /** How far clocks may be apart; 5 unless given. */
  readonly clock_tolerance_seconds?: number;
}

export interface JwtOptions extends TokenRules {
  /** The algorithms that count; `none` never does. */
  readonly algorithms: readonly JwtAlgorithm[];
}

export type JwtAlgorithm = "HS256" | "HS384" | "HS512";

const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;
const CLOCK_TOLERANCE_SECONDS = 5;
/** A token that doesn't say when it expires counts for so long. */
const AGE_SECONDS_MAX = 300;
const BEARER = /^Bearer +/i;
const TOKEN = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;
/** It is read before the signature is checked: it names the algorithm. */
const HEADER_CHARS_MAX = 1024;

export type Claims = Readonly<Record<string, unknown>>;

/** A token whose signature nobody has looked at yet. */
export interface Token<Algorithm> {
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  /** What is signed. */
  readonly signed: string;
  /** Base64url. */
  readonly signature: string;
  /** Base64url; it need be no claims. */
  readonly payload: string;
}

/** The token in the header that a source names, if its algorithm is one of the source's. */
export function tokenIn<Algorithm extends string>(
  { headers }: RequestHead,
  name: string,
  algorithms: readonly Algorithm[],
): Token<Algorithm> | Refusal {
  const value = headers.get(name);
  if (value === null) return refused(`the header ${name} is missing`);
  const text = /^authorization$/i.test(name) ? value.replace(BEARER, "") : value;
  const [, header = "", payload = "", signature = ""] = TOKEN.exec(text) ?? [];
  const { alg, crit, kid } = (header.length <= HEADER_CHARS_MAX ? jsonObject(header) : undefined) ?? {};
  if (alg === undefined) return refused("the token is no JSON Web Token");
  const algorithm = algorithms.find((each) => each === alg);
  if (algorithm === undefined)
    return refused(`the token's algorithm is ${named(alg)}, not one of ${algorithms.join(", ")}`);
  // RFC 7515, section 4.1.11: who doesn't understand what is critical must refuse it.
  if (crit !== undefined) return refused("the token has critical extensions, and none is known");
  const signed = `${header}.${payload}`;
  return { algorithm, kid: typeof kid === "string" ? kid : undefined, signed, signature, payload };
}

/** Throws `SchemeError` when a secret can't be used. */
export function jwtScheme(options: JwtOptions, secrets: readonly string[]): Scheme {
  const keys = secrets.map((secret) => secretBytes(secret));
  return defineScheme({
    coversBody: options.payload_hash === true,
    coversQuery: options.url_hash === true,
    begin(head, now) {
      const token = tokenIn(head, options.header, options.algorithms);
      if ("proven" in token) return token;
      let holds = false;
      for (const key of keys) {
        const hasher = new Bun.CryptoHasher(HASHES[token.algorithm], key);
        holds =
          equalInConstantTime(hasher.update(token.signed).digest("base64url"), token.signature) || holds;
      }
      if (!holds) return refused("no secret made the token's signature");
      const claims = jsonObject(token.payload);
      if (claims === undefined) return refused("the token is no JSON Web Token");
      const refusal = checkClaims(claims, options, head.url, now / 1000);
      return refusal ?? ((body) => checkBody(claims, options, body) ?? { proven: true, claims });
    },
    sign({ body, url }, now) {
      const [algorithm = "HS256"] = options.algorithms;
      const seconds = Math.floor(now / 1000);
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const text = `${part({ alg: algorithm, typ: "JWT" })}.${part({
        iat: seconds,
        exp: seconds + AGE_SECONDS_MAX,
        jti: sha256Hex(body),
        ...(options.issuer !== undefined && { iss: options.issuer }),
        ...(options.payload_hash === true && body.length > 0 && { payload_hash: sha256Hex(body) }),
        ...(options.url_hash === true && { url_hash: sha256Hex(Buffer.from(url)) }),
      })}`;
      const hasher = new Bun.CryptoHasher(HASHES[algorithm], keys[0] as Uint8Array);
      const token = `${text}.${hasher.update(text).digest("base64url")}`;
      const bearer = /^authorization$/i.test(options.header) ? `Bearer ${token}` : token;
      return { headers: { [options.header]: bearer } };
    },
  });
}

/** `now` in seconds since 1970. */
export function checkClaims(
  claims: Claims,
  options: TokenRules,
  url: string,
  now: number,
): Refusal | undefined {
  const { issuer, url_hash, clock_tolerance_seconds = CLOCK_TOLERANCE_SECONDS } = options;
  const why = checkTimes(claims, now, clock_tolerance_seconds);
  if (why !== undefined) return refused(why);
  if (issuer !== undefined && claims["iss"] !== issuer) return refused(`the token's issuer is not ${issuer}`);
  if (url_hash === true && claims["url_hash"] !== sha256Hex(Buffer.from(url)))
    return refused("the token was made for another URL", [url]);
  return undefined;
}

export function checkBody(
  claims: Claims,
  { payload_hash }: TokenRules,
  body: Uint8Array,
): Refusal | undefined {
  if (payload_hash !== true) return undefined;
  const hash = claims["payload_hash"];
  if (hash === undefined)
    return body.length > 0 ? refused("the token says nothing about the body") : undefined;
  return hash === sha256Hex(body) ? undefined : refused("the token was made for another body");
}

/** What a stranger wrote goes into a log only if it looks like the name of an algorithm. */
function named(algorithm: unknown): string {
  return typeof algorithm === "string" && /^[A-Za-z0-9-]{1,16}$/.test(algorithm) ? algorithm : "unknown";
}

function checkTimes({ exp, nbf, iat }: Claims, now: number, tolerance: number): string | undefined {
  for (const [name, time] of Object.entries({ exp, nbf, iat })) {
    if (time !== undefined && typeof time !== "number") return `the token's ${name} is no time`;
  }
  if (typeof nbf === "number" && now + tolerance < nbf) return "the token doesn't hold yet";
  if (typeof iat === "number" && iat - now > AGE_SECONDS_MAX) return "the token is from the future";
  if (typeof exp === "number") return now - tolerance > exp ? "the token has expired" : undefined;
  if (typeof iat !== "number") return "the token says neither when it was made nor when it expires";
  return Math.abs(now - iat) <= AGE_SECONDS_MAX ? undefined : "the token is too old, or from the future";
}

/** The object that a part of the token says; undefined when it is none. */
export function jsonObject(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
