/**
 * A scheme as a configuration says it: one object whose `algorithm` decides what else it may say.
 */
import { type Static, Type } from "typebox";
import { type HmacOptions, hmacScheme } from "./hmac.ts";
import { type JwtAlgorithm, type JwtOptions, jwtScheme } from "./jwt.ts";
import { type Scheme, SchemeError } from "./proof.ts";
import { tokenScheme } from "./token.ts";

const Text = (description: string) => Type.Optional(Type.String({ description }));
const Seconds = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400, description }));
const Choice = <const T extends string[]>(values: [...T], description: string) =>
  Type.Enum(values, { description });
/** A description may stand in place of true. */
const Flag = (description: string) =>
  Type.Optional(Type.Union([Type.Boolean(), Type.String()], { description }));

const JWT = /^jwt-hs(256|384|512)(?:\/(256|384|512))*$/;

export const GenericScheme = Type.Object(
  {
    header: Type.String({
      minLength: 1,
      description: "The header that holds the signature, the token or the secret.",
    }),
    algorithm: Type.String({
      pattern: "^(hmac-sha1|hmac-sha256|hmac-sha512|jwt-hs(256|384|512)(/(256|384|512))*|token)$",
      description: "hmac-sha1, hmac-sha256, hmac-sha512, jwt-hs256 (or jwt-hs256/384/512), or token.",
      examples: ["hmac-sha256"],
    }),
    encoding: Type.Optional(Choice(["hex", "base64"], "How an HMAC is written.")),
    prefix: Text("Stands before each signature, such as `sha256=`."),
    separator: Text("Between several signatures in the header."),
    version_separator: Text("Between a version and its signature."),
    version: Text("Only signatures of this version count."),
    secret_prefix: Text("What the secret begins with and is no part of the key, such as `whsec_`."),
    secret_encoding: Type.Optional(
      Choice(["utf8", "base64", "hex"], "How the secret is written (default utf8)."),
    ),
    id_header: Text("The header that is `{id}` in `signed`."),
    nonce_header: Text("The header that is `{nonce}` in `signed`."),
    timestamp_header: Text("The header that is `{timestamp}` in `signed`."),
    timestamp_part: Text(
      "The part of the signature's header that is `{timestamp}`, such as the `t` of `t=…,v1=…`.",
    ),
    timestamp_format: Type.Optional(
      Choice(["unix", "ms", "rfc3339"], "How the timestamp is written (default unix)."),
    ),
    tolerance_seconds: Seconds("How far the timestamp may be from now, both ways (default 300)."),
    signed: Text(
      "What is signed: `{timestamp}.{body}`, say. Known: {body}, {sha256(body)}, {timestamp}, {id}, {nonce}, {url}.",
    ),
    issuer: Text("The token's `iss`."),
    url_hash: Flag("Whether the token names the SHA-256 of the URL."),
    payload_hash: Flag("Whether the token names the SHA-256 of the body."),
    clock_tolerance_seconds: Seconds("How far clocks may be apart (default 5)."),
  },
  { description: "How requests are signed, when no preset says it." },
);
export type GenericScheme = Readonly<Static<typeof GenericScheme>>;

/** Throws `SchemeError` when the scheme lacks something or a secret can't be used. */
export function genericScheme(given: GenericScheme, secrets: readonly string[]): Scheme {
  const { algorithm, header } = given;
  if (algorithm === "token") return tokenScheme({ header }, secrets);
  if (JWT.test(algorithm)) return jwtScheme(jwtOptions(given), secrets);
  return hmacScheme(hmacOptions(given), secrets);
}

/** Whether the scheme signs the URL as the provider knows it. */
export function signsUrl({ signed, url_hash }: GenericScheme): boolean {
  return isOn(url_hash) || (signed ?? "").includes("{url}");
}

function hmacOptions(given: GenericScheme): HmacOptions {
  const { encoding, signed, version, version_separator } = given;
  if (encoding === undefined) throw new SchemeError("an HMAC scheme needs encoding: hex or base64", "scheme");
  if (signed === undefined) throw new SchemeError('an HMAC scheme needs signed, such as "{body}"', "scheme");
  if ((version === undefined) !== (version_separator === undefined))
    throw new SchemeError("version and version_separator go together", "scheme");
  const sources = [
    ["{timestamp}", given.timestamp_header ?? given.timestamp_part],
    ["{id}", given.id_header],
    ["{nonce}", given.nonce_header],
  ] as const;
  for (const [name, source] of sources) {
    if (signed.includes(name) && source === undefined)
      throw new SchemeError(`signed has ${name}, and nothing says which header it is`, "scheme");
    if (name === "{timestamp}" && source !== undefined && !signed.includes(name))
      throw new SchemeError("signed lacks {timestamp}: anyone could change it", "scheme");
  }
  return { ...given, encoding, signed } as HmacOptions;
}

function jwtOptions(given: GenericScheme): JwtOptions {
  const { header, algorithm, issuer, clock_tolerance_seconds } = given;
  const sizes = algorithm.slice("jwt-hs".length).split("/");
  return {
    header,
    algorithms: sizes.map((size) => `HS${size}` as JwtAlgorithm),
    payload_hash: isOn(given.payload_hash),
    url_hash: isOn(given.url_hash),
    ...(issuer !== undefined && { issuer }),
    ...(clock_tolerance_seconds !== undefined && { clock_tolerance_seconds }),
  };
}

function isOn(flag: boolean | string | undefined): boolean {
  return flag === true || (typeof flag === "string" && flag !== "false");
}
