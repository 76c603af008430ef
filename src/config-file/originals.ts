/**
 * Destinations that get providers' own requests (`body: original`): whether these can be made of
 * their sources, and what makes them.
 */
import type { DestinationConfig } from "../core/destination-config.ts";
import { NATIVE, type SourceConfig } from "../core/source.ts";
import { KINDS } from "../sources/kinds.ts";
import { openSource } from "../sources/open-source.ts";
import { originalMistake } from "../sources/original.ts";
import { SchemeError } from "../sources/schemes/proof.ts";
import { pathText, pointerStep } from "./located-document.ts";
import type { SchemaMistake } from "./schema-mistakes.ts";

interface Originals {
  readonly originals: Readonly<Record<string, SourceConfig>>;
  readonly mistakes: readonly SchemaMistake[];
}

/**
 * Undefined for a destination that gets records. Sources that aren't among `configs` are left out.
 */
export function originalsOf(
  { name, url, secrets, sources, options }: DestinationConfig,
  configs: ReadonlyMap<string, SourceConfig>,
): Originals | undefined {
  if (options["body"] !== "original") return undefined;
  const pointer = `/destinations/${pointerStep(name)}`;
  const mistakes: SchemaMistake[] = [];
  const wrong = (at: string, words: string) =>
    mistakes.push({ pointer: at, isName: false, message: `${pathText(at)}${words}` });
  if (sources === undefined)
    wrong(
      `${pointer}/body`,
      ": original needs sources: the provider's own requests are of configured sources that sign them",
    );
  const originals: Record<string, SourceConfig> = {};
  for (const source of sources ?? []) {
    const at = `${pointer}/sources`;
    const config = configs.get(source);
    if (source === NATIVE) wrong(at, `: body: original is for providers' requests, and ${NATIVE} has none`);
    if (config === undefined) continue;
    const own = originalConfig(config, { url, secrets, options });
    const mistake = originalMistake(openSource(source, config));
    if (mistake !== undefined) {
      wrong(at, `: body: original can't be of ${source}: ${mistake}`);
      continue;
    }
    try {
      openSource(source, own);
      originals[source] = own;
    } catch (error) {
      if (!(error instanceof SchemeError)) throw error;
      wrong(`${pointer}/secret`, `: it can't sign as ${source} is signed: ${error.message}`);
    }
  }
  return { originals, mistakes };
}

/** The source's, but for what the receiver knows instead. */
function originalConfig(
  { verify_token: _, ...config }: SourceConfig,
  { url, secrets, options }: Pick<DestinationConfig, "url" | "secrets" | "options">,
): SourceConfig {
  const { verify_token } = options;
  const takesToken = Object.hasOwn(KINDS[config.kind]?.options.properties ?? {}, "verify_token");
  return {
    ...config,
    secret: secrets,
    public_url: url,
    ...(takesToken && verify_token !== undefined && { verify_token }),
  };
}
