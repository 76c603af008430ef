/** The source that `--source` names, from the configuration file that the service reads too. */
import { openSource, type SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { UsageError } from "./errors.ts";

export interface Configured {
  readonly source: ConfiguredSource;
  /** What the file says of it: it holds secrets. */
  readonly config: SourceConfig;
  /** Every other source of the file. */
  readonly others: readonly ConfiguredSource[];
}

/** Throws `UsageError` when there is no file, or no such source in it. */
export async function configuredSource(name: string, config: string | undefined): Promise<Configured> {
  if (config === undefined) throw new UsageError("--source wants --config FILE or POSTERN_CONFIG");
  const file = Bun.YAML.parse(await Bun.file(config).text()) as {
    readonly sources?: Readonly<Record<string, SourceConfig>>;
  };
  const sources = Object.entries(file.sources ?? {}).map(([each, options]) => openSource(each, options));
  const source = sources.find((each) => each.name === name);
  if (source === undefined) {
    const known = sources.map((each) => each.name).join(", ");
    throw new UsageError(
      `${config} has no source ${JSON.stringify(name)}: ${known === "" ? "it has none" : `it has ${known}`}`,
    );
  }
  const options = file.sources?.[name] as SourceConfig;
  return { source, config: options, others: sources.filter((each) => each !== source) };
}
