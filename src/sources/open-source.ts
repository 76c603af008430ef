/** From what a configuration says of a source to the source itself. */
import type { SourceConfig } from "../core/source.ts";
import { type AddressRanges, parseRanges } from "../lib/ip-address.ts";
import { KINDS } from "./kinds.ts";
import { ConfiguredSource } from "./provider-source.ts";
import { SchemeError } from "./schemes/proof.ts";
import type { PublishedKeys } from "./schemes/published-keys.ts";

export type { SourceConfig };

/** Throws `SchemeError`, which says in words for the operator what can't be used. */
export function openSource(name: string, config: SourceConfig, keys?: PublishedKeys): ConfiguredSource {
  const { kind, secret, public_url, keep_headers: _, ...options } = config;
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) throw new SchemeError(`there is no kind "${kind}"`);
  const secrets = [secret].flat();
  if (secrets.length === 0 && known.needsSecret?.(options) !== false)
    throw new SchemeError("a source needs a secret");
  const signed = known.needsPublicUrl?.(options) === true;
  if (public_url === undefined && signed)
    throw new SchemeError("the provider signs its URL: say it as public_url");
  const allowed = rangesOf(options["allow_from"]);
  const provider = known.open(options, secrets, name, keys);
  return new ConfiguredSource(name, config, provider, signed, allowed, {
    explain: () => known.explain(options),
    setup: () => known.setup(options),
  });
}

/** Undefined when nothing is said. */
function rangesOf(allowFrom: unknown): AddressRanges | undefined {
  if (allowFrom === undefined) return undefined;
  const texts = allowFrom as readonly string[];
  const wrong = texts.findIndex((text) => text.trim() === "" || parseRanges(text) === undefined);
  if (wrong >= 0)
    throw new SchemeError(
      `"${texts[wrong]}" is no network such as 198.51.100.0/24, nor an address`,
      `allow_from/${wrong}`,
    );
  return parseRanges(texts.join(" "));
}
