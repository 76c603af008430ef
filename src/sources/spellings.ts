/**
 * Other readings of a source's configuration: its secret in another encoding or without what
 * doesn't belong to it, its signature by another method, in another place, of another text. For
 * telling an operator which of them a request was signed by.
 */
import type { SignedRequest } from "../core/source.ts";
import { type GenericOptions, withPreset } from "./kinds/generic.ts";
import type { SourceConfig } from "./open-source.ts";
import {
  placeReadings,
  type Reading,
  type SchemeChange,
  templateReadings,
  tokenReadings,
} from "./scheme-readings.ts";
import type { GenericScheme } from "./schemes/generic.ts";

export interface Spelling {
  /** A sentence about what is seen when the proof holds by it. */
  readonly hint: string;
  readonly change: (config: SourceConfig) => SourceConfig;
}

/** In groups, of each of which one can be true. Some of them are no configuration at all. */
export function spellingsOf(
  config: SourceConfig,
  request: SignedRequest,
  others: readonly { readonly name: string; readonly config: SourceConfig }[],
): readonly (readonly Spelling[])[] {
  const scheme = config.kind === "generic" ? withPreset(config as GenericOptions).scheme : undefined;
  const secrets = [...secretForms(config, scheme), ...secretsOf(others, config)];
  if (config.kind === "vonage") return [[...secrets, ...vonageForms()]];
  if (scheme?.algorithm === undefined) return [secrets];
  const ofScheme = (readings: readonly Reading[]) =>
    readings.map(([hint, change]): Spelling => ({ hint, change: (given) => withScheme(given, change) }));
  if (TOKEN.test(scheme.algorithm)) return [secrets, ofScheme(tokenReadings(scheme, request))];
  if (!SIGNATURE.test(scheme.algorithm)) return [secrets];
  return [
    [...secrets, ...ofScheme(encodingForms(scheme))],
    ofScheme(placeReadings(scheme, request)),
    ofScheme(templateReadings(scheme, request)),
    ofScheme(algorithmForms(scheme.algorithm)),
  ];
}

const TOKEN = /^(token|basic|bearer)$/;
const SIGNATURE = /^(hmac-|sha|md5|ed25519|ecdsa-|rsa-)/;
/** What says that a place is none, when another one is said. */
const PLACES = ["header", "query", "form", "json"] as const;

/** What is changed to `undefined` isn't said any more; of places the new one alone counts. */
function withScheme(config: SourceConfig, change: SchemeChange): SourceConfig {
  const { scheme } = withPreset(config as GenericOptions);
  const movesProof = PLACES.some((place) => change[place] !== undefined);
  const kept = Object.entries({ ...scheme }).filter(([name]) => !(movesProof && isPlace(name)));
  const said = Object.entries({ ...Object.fromEntries(kept), ...change, weak: true, covers_body: false });
  return { ...config, scheme: Object.fromEntries(said.filter(([, value]) => value !== undefined)) };
}

function isPlace(name: string): boolean {
  return PLACES.some((place) => place === name);
}

type SecretForm = readonly [how: string, change: (secret: string) => string];

const SECRET_FORMS: readonly SecretForm[] = [
  ["when white space around the secret is left out", (secret) => secret.trim()],
  ["when the quotes around the secret are left out", (secret) => secret.replace(/^(["'])(.*)\1$/s, "$2")],
  ["when whsec_ before the secret is left out", (secret) => secret.replace(/^whsec_/, "")],
  ["when v1,whsec_ before the secret is left out", (secret) => secret.replace(/^v1,whsec_/, "")],
  ["with whsec_ before the secret", (secret) => `whsec_${secret.replace(/^whsec_/, "")}`],
  ["with a newline after the secret", (secret) => `${secret}\n`],
  ["when each \\n in the secret is a newline", (secret) => secret.replaceAll("\\n", "\n")],
  ["when the secret is in lower case", (secret) => secret.toLowerCase()],
  ["when the secret is in upper case", (secret) => secret.toUpperCase()],
];

const TOKEN_FORMS: readonly SecretForm[] = [
  ["when Bearer before the secret is left out", (secret) => secret.replace(/^Bearer +/i, "")],
  ["with Bearer before the secret", (secret) => `Bearer ${secret}`],
  ["with Bearer twice before the secret", (secret) => `Bearer Bearer ${secret}`],
  ["with Basic before the secret", (secret) => `Basic ${secret}`],
  [
    "when the secret, user:password, is written as Basic and its base64",
    (secret) => `Basic ${Buffer.from(secret).toString("base64")}`,
  ],
];

function secretForms(config: SourceConfig, scheme: GenericScheme | undefined): readonly Spelling[] {
  const isToken = TOKEN.test(scheme?.algorithm ?? "");
  const subject = isToken ? "the token" : "the signature";
  return [...(isToken ? TOKEN_FORMS : []), ...SECRET_FORMS].flatMap(([how, change]) => {
    const secrets = [config.secret].flat();
    const other = secrets.map(change);
    if (other.every((secret, index) => secret === secrets[index])) return [];
    return [{ hint: `${subject} holds ${how}`, change: (given) => ({ ...given, secret: other }) }];
  });
}

/** The key of another environment, say, under the name of this one. */
function secretsOf(
  others: readonly { readonly name: string; readonly config: SourceConfig }[],
  { secret: own }: SourceConfig,
): readonly Spelling[] {
  return others.flatMap(({ name, config }) => {
    const secret = [config.secret].flat().filter((each) => typeof each === "string" && each !== own);
    const hint = `it holds by the secret of the source ${name}`;
    return secret.length === 0 ? [] : [{ hint, change: (given) => ({ ...given, secret }) }];
  });
}

const ENCODINGS = ["utf8", "base64", "hex"] as const;

/** How the secret is read; public keys are read in every way already. */
function encodingForms({ algorithm = "" }: GenericScheme): readonly Reading[] {
  if (!/^(hmac-|sha|md5)/.test(algorithm)) return [];
  const holds = (how: string) => `the signature holds when the secret is read as ${how}`;
  return ENCODINGS.flatMap((secret_encoding): readonly Reading[] => [
    [holds(secret_encoding), { secret_encoding }],
    [holds(`${secret_encoding} after whsec_`), { secret_encoding, secret_prefix: ["whsec_", "v1,whsec_"] }],
    [holds(`${secret_encoding}, whsec_ being a part of it`), { secret_encoding, secret_prefix: "" }],
  ]);
}

const FAMILIES = [
  ["hmac-sha256", "hmac-sha1", "hmac-sha384", "hmac-sha512", "hmac-md5"],
  ["sha256", "sha1", "sha384", "sha512", "md5"],
  ["rsa-sha256", "rsa-sha1"],
] as const;

/** Never of another family: a public key is no shared secret. */
function algorithmForms(own: string): readonly Reading[] {
  const family: readonly string[] = FAMILIES.find((names) => names.some((name) => name === own)) ?? [];
  return family
    .filter((algorithm) => algorithm !== own)
    .map((algorithm) => {
      const weak = /md5|^sha1$|^rsa-sha1$/.test(algorithm) ? ", with weak: true" : "";
      return [`the signature holds by ${algorithm} (algorithm${weak})`, { algorithm }];
    });
}

function vonageForms(): readonly Spelling[] {
  const by = (how: string, options: object): Spelling => ({
    hint: `the signature holds by ${how}`,
    change: (config) => ({ ...config, ...options }),
  });
  return [
    by("the Messages API's scheme: jwt", { scheme: "jwt" }),
    ...["sha1hmac", "sha256hmac", "sha512hmac"].map((signature_method) =>
      by(`the SMS API's scheme: vonage-sms-params, signature_method: ${signature_method}`, {
        ...{ scheme: "vonage-sms-params", signature_method },
      }),
    ),
  ];
}
