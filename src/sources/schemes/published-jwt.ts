/**
 * JSON Web Tokens that are signed with a key which its owner publishes (RFC 7518, sections 3.3 to
 * 3.5). The secret is the audience: the token is made for it, and for nobody else. A token proves
 * who sent a request, and of its body no more than what one of its claims says.
 */
import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from "node:crypto";
import type { Refusal, RequestHead } from "../../core/source.ts";
import { outboundUrlMistake } from "../../lib/outbound-url.ts";
import {
  type Claims,
  checkBody,
  checkClaims,
  jsonObject,
  type Token,
  type TokenRules,
  tokenIn,
} from "./jwt.ts";
import { defineScheme, refused, type Scheme, SchemeError } from "./proof.ts";
import { isSameIssuer, type KeySetPlace, type PublishedKey, type PublishedKeys } from "./published-keys.ts";

export interface PublishedJwtOptions extends TokenRules {
  /** Of one family. */
  readonly algorithms: readonly PublishedJwtAlgorithm[];
  /** Where the keys are; else where `issuer` says. */
  readonly jwks_url?: string;
  /** Further claims, and the text that each must equal: `true` equals JSON's true. */
  readonly claims?: Readonly<Record<string, string>>;
  /** Keys may be fetched from addresses that aren't public. */
  readonly allow_private?: boolean;
}

export type PublishedJwtAlgorithm = `${"RS" | "PS" | "ES"}${256 | 384 | 512}`;

const CURVES: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
/** Of a token that doesn't say which, so many keys are tried. */
const TRIED_KEYS_MAX = 10;
/** RFC 7519, section 4.1.3: an audience is one text, or a list of them. */
const AUDIENCES_MAX = 100;

/** Throws `SchemeError` when nothing tells where the keys are, or an audience is blank. */
export function publishedJwtScheme(
  options: PublishedJwtOptions,
  audiences: readonly string[],
  keys: PublishedKeys,
): Scheme {
  if (audiences.some((audience) => audience.trim() === "")) throw new SchemeError("the secret is blank");
  const place = placeOf(options);
  return defineScheme({
    coversBody: options.payload_hash === true,
    coversQuery: options.url_hash === true,
    begin(head, now) {
      const found = tokenFor(head, now, options, audiences);
      if ("proven" in found) return found;
      const { token, claims } = found;
      return (body) => {
        const known = keys.keySet(place);
        if (known === undefined) return refused("the keys that would verify the token aren't known");
        const fitting = known.filter((key) => fits(key, token));
        if (fitting.length === 0) return refused("the token's key is none that its issuer publishes");
        const signature = Buffer.from(token.signature, "base64url");
        const signed = Buffer.from(token.signed);
        // The same bytes have other spellings, which nobody uses.
        const isPlain = signature.toString("base64url") === token.signature;
        const holds =
          isPlain &&
          fitting
            .slice(0, TRIED_KEYS_MAX)
            .some(({ key }) =>
              verify(`sha${token.algorithm.slice(2)}`, signed, padded(token, key), signature),
            );
        if (!holds) return refused("no published key made the token's signature");
        return checkBody(claims, options, body) ?? { proven: true };
      };
    },
    async prepare(request, now) {
      const found = tokenFor(request, now, options, audiences);
      if (!("proven" in found)) await keys.wantKeySet(place, found.token.kid);
    },
  });
}

function placeOf({ jwks_url, issuer, allow_private = false }: PublishedJwtOptions): KeySetPlace {
  if (jwks_url !== undefined)
    return {
      from: { jwksUrl: httpsUrl(jwks_url, "jwks_url", allow_private) },
      allowPrivate: allow_private,
    };
  if (issuer === undefined)
    throw new SchemeError(
      "a token by a published key needs issuer or jwks_url: where the keys are",
      "scheme",
    );
  return { from: { issuer: httpsUrl(issuer, "issuer", allow_private) }, allowPrivate: allow_private };
}

function httpsUrl(text: string, member: string, allowPrivate: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "")
    throw new SchemeError("it is no address of https without a user's name", `scheme/${member}`);
  const mistake = outboundUrlMistake(url, allowPrivate);
  if (mistake !== undefined) throw new SchemeError(mistake, `scheme/${member}`);
  return text;
}

type Found = { readonly token: Token<PublishedJwtAlgorithm>; readonly claims: Claims };

/**
 * A token that is worth looking for its key: nobody is asked for the sake of one that is refused
 * whatever its signature is.
 */
function tokenFor(
  head: RequestHead,
  now: number,
  options: PublishedJwtOptions,
  audiences: readonly string[],
): Found | Refusal {
  const token = tokenIn(head, options.header, options.algorithms);
  if ("proven" in token) return token;
  const claims = jsonObject(token.payload);
  if (claims === undefined) return refused("the token is no JSON Web Token");
  const { issuer, ...rules } = options;
  const refusal = checkClaims(claims, rules, head.url, now / 1000);
  if (refusal !== undefined) return refusal;
  const { iss } = claims;
  if (issuer !== undefined && !(typeof iss === "string" && isSameIssuer(iss, issuer)))
    return refused(`the token's issuer is not ${issuer}`);
  if (claims["exp"] === undefined) return refused("the token doesn't say when it expires");
  const named = [claims["aud"]].flat().slice(0, AUDIENCES_MAX);
  if (!audiences.some((audience) => named.includes(audience)))
    return refused("the token is for another audience than the secret");
  for (const [name, text] of Object.entries(options.claims ?? {})) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (!["string", "number", "boolean"].includes(typeof value) || String(value) !== text)
      return refused(`the token's ${name} is not ${text}`);
  }
  return { token, claims };
}

/** A key fits the algorithm of the source and, if the token names one, is that one. */
function fits({ kid, alg, type }: PublishedKey, token: Token<PublishedJwtAlgorithm>): boolean {
  if (token.kid !== undefined && token.kid !== kid) return false;
  if (alg !== undefined && alg !== token.algorithm) return false;
  return type === (CURVES[token.algorithm] ?? "RSA");
}

function padded({ algorithm }: Token<PublishedJwtAlgorithm>, key: KeyObject): VerifyKeyObjectInput {
  if (algorithm.startsWith("ES")) return { key, dsaEncoding: "ieee-p1363" };
  if (algorithm.startsWith("RS")) return { key, padding: constants.RSA_PKCS1_PADDING };
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return { key, padding, saltLength };
}
