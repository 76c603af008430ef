/** The source that `--source` names, from the configuration file that the service reads too. */
import { systemEnvironment } from "../config.ts";
import type { SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { UsageError } from "./errors.ts";
import { neededConfigPath } from "./flags.ts";

export interface Configured {
  readonly source: ConfiguredSource;
  /** What the file says of it: it holds secrets. */
  readonly config: SourceConfig;
  /** Every other source of the file. */
  readonly others: readonly ConfiguredSource[];
}

/**
 * From the file of `--config`, else of `POSTERN_CONFIG`. Throws `UsageError` when that can't be.
 */
export async function configuredSource(name: string, flag: string | undefined): Promise<Configured> {
  const path = neededConfigPath(flag);
  const { sources, configs } = await sourcesOf(path);
  const source = sources.find((each) => each.name === name);
  const config = configs.get(name);
  if (source === undefined || config === undefined) {
    const known = sources.length === 0 ? "none" : sources.map((each) => each.name).join(", ");
    throw new UsageError(`${path} has no source ${JSON.stringify(name)}: it has ${known}`);
  }
  return { source, config, others: sources.filter((each) => each !== source) };
}

async function sourcesOf(path: string) {
  const { ConfigFileInvalid, loadConfigFile } = await import("../config-file/config-file.ts");
  try {
    return loadConfigFile(path, systemEnvironment());
  } catch (error) {
    if (error instanceof ConfigFileInvalid) throw new UsageError(error.message);
    throw error;
  }
}
