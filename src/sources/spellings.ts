/**
 * Other readings of a source's configuration: its secret in another encoding or without what
 * doesn't belong to it, its signature by another method. For telling an operator which of them a
 * request was signed by.
 */
import { openSource, type SourceConfig } from "./open-source.ts";
import { PRESETS, type PresetName } from "./presets.ts";
import type { ConfiguredSource } from "./provider-source.ts";
import type { GenericScheme } from "./schemes/generic.ts";
import { SchemeError } from "./schemes/proof.ts";

interface Spelling {
  /** Ends the sentence "the signature holds …". */
  readonly how: string;
  readonly source: ConfiguredSource;
}

type Other = readonly [how: string, config: SourceConfig];

/** Never throws: a reading that can't be is left out. */
export function spellingsOf(name: string, config: SourceConfig): readonly Spelling[] {
  const others = [...secretForms(config), ...schemeForms(config), ...vonageForms(config)];
  return others.flatMap(([how, other]) => {
    try {
      return [{ how, source: openSource(name, other) }];
    } catch (error) {
      if (error instanceof SchemeError) return [];
      throw error;
    }
  });
}

const SECRET_FORMS: readonly (readonly [how: string, change: (secret: string) => string])[] = [
  ["when white space around the secret is left out", (secret) => secret.trim()],
  ["when the quotes around the secret are left out", (secret) => secret.replace(/^(["'])(.*)\1$/s, "$2")],
  ["when whsec_ before the secret is left out", (secret) => secret.replace(/^whsec_/, "")],
  ["with whsec_ before the secret", (secret) => `whsec_${secret.replace(/^whsec_/, "")}`],
  ["with a newline after the secret", (secret) => `${secret}\n`],
];

function secretForms(config: SourceConfig): readonly Other[] {
  const secrets = [config.secret].flat();
  return SECRET_FORMS.map(([how, change]): Other => [how, { ...config, secret: secrets.map(change) }]);
}

const ENCODINGS = ["utf8", "base64", "hex"] as const;

/** The generic kind alone says how its secret and signature are written. */
function schemeForms(config: SourceConfig): readonly Other[] {
  if (config.kind !== "generic") return [];
  const preset = PRESETS[config["preset"] as PresetName] as { readonly scheme: GenericScheme } | undefined;
  const scheme = (config["scheme"] ?? preset?.scheme) as GenericScheme | undefined;
  if (scheme === undefined || !scheme.algorithm.startsWith("hmac-")) return [];
  const withScheme = (how: string, change: Partial<GenericScheme>): Other => [
    how,
    { ...config, scheme: { ...scheme, ...change } },
  ];
  return [
    ...ENCODINGS.flatMap((secret_encoding) => [
      withScheme(`when the secret is read as ${secret_encoding}`, { secret_encoding }),
      withScheme(`when the secret is read as ${secret_encoding} after whsec_`, {
        secret_encoding,
        secret_prefix: "whsec_",
      }),
      withScheme(`when the secret is read as ${secret_encoding}, whsec_ being a part of it`, {
        secret_encoding,
        secret_prefix: "",
      }),
    ]),
    ...(["hex", "base64"] as const).flatMap((encoding) =>
      [...new Set([scheme.prefix ?? "", "", "sha256="])].map((prefix) =>
        withScheme(
          `when it is written in ${encoding} ${prefix === "" ? "without a prefix" : `after ${prefix}`}`,
          {
            encoding,
            prefix,
          },
        ),
      ),
    ),
    ...["hmac-sha1", "hmac-sha256", "hmac-sha512"].map((algorithm) =>
      withScheme(`by ${algorithm} (algorithm)`, { algorithm }),
    ),
  ];
}

function vonageForms(config: SourceConfig): readonly Other[] {
  if (config.kind !== "vonage") return [];
  return [
    ["by the Messages API's scheme: jwt", { ...config, scheme: "jwt" }],
    ...["sha1hmac", "sha256hmac", "sha512hmac"].map(
      (signature_method): Other => [
        `by the SMS API's scheme: vonage-sms-params, signature_method: ${signature_method}`,
        { ...config, scheme: "vonage-sms-params", signature_method },
      ],
    ),
  ];
}
