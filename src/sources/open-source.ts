/** From what a configuration says of a source to the source itself. */
import type { SourceConfig } from "../core/source.ts";

import { KINDS } from "./kinds.ts";
import { ConfiguredSource } from "./provider-source.ts";
import { SchemeError } from "./schemes/proof.ts";

export type { SourceConfig };

/** Throws `SchemeError`, which says in words for the operator what can't be used. */
export function openSource(name: string, config: SourceConfig): ConfiguredSource {
  const { kind, secret, public_url, ...options } = config;
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) throw new SchemeError(`there is no kind "${kind}"`);
  const secrets = [secret].flat();
  if (secrets.length === 0) throw new SchemeError("a source needs a secret");
  const signed = known.needsPublicUrl?.(options) === true;
  if (public_url === undefined && signed)
    throw new SchemeError("the provider signs its URL: say it as public_url");
  return new ConfiguredSource(name, config, known.open(options, secrets, name), signed);
}
