/** From what a configuration says of a source to the source itself. */
import { KINDS } from "./kinds.ts";
import { ConfiguredSource } from "./provider-source.ts";
import { SchemeError } from "./schemes/proof.ts";

/** Checked by its kind's schema before; `kind`'s own options stand beside these. */
export interface SourceConfig {
  readonly kind: string;
  /** Several while one is being rotated. */
  readonly secret: string | readonly string[];
  /** The URL as the provider knows it. */
  readonly public_url?: string;
  readonly [option: string]: unknown;
}

/** Throws `SchemeError`, which says in words for the operator what can't be used. */
export function openSource(
  name: string,
  { kind, secret, public_url, ...options }: SourceConfig,
): ConfiguredSource {
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) throw new SchemeError(`there is no kind "${kind}"`);
  const secrets = [secret].flat();
  if (secrets.length === 0) throw new SchemeError("a source needs a secret");
  const signed = known.needsPublicUrl?.(options) === true;
  if (public_url === undefined && signed)
    throw new SchemeError("the provider signs its URL: say it as public_url");
  return new ConfiguredSource(name, kind, known.open(options, secrets, name), { signed, public: public_url });
}
