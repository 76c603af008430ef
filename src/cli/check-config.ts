/** `postern check-config`: every mistake of the configuration file, or what it configures. */
import type { Command } from "commander";
import { systemEnvironment } from "../config.ts";
import type { ConfigFile } from "../config-file/config-file.ts";
import { RECORD_KINDS } from "../core/changes.ts";
import { sinkKindOf } from "../follow/deliver/sinks.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, neededConfigPath } from "./flags.ts";
import { counted, print, say } from "./output.ts";

export function addCheckConfig(program: Command, exit: Exit): void {
  program
    .command("check-config")
    .summary("tell every mistake of the configuration file")
    .description(
      "Read the configuration file as serve would, with the variables and files that it refers to. Print every mistake as " +
        "FILE:LINE:COLUMN: message and exit with 1, or one line for each source and destination. What is hardly ever " +
        "meant is a warning on stderr. With --explain say in words what one source will do. No secret is printed, and of a " +
        "destination's URL neither user nor password, and of https:// and http:// neither path nor query.",
    )
    .option(...CONFIG_FLAG)
    .option("--explain <name>", "say in words what the source of this name will do")
    .addHelpText("after", EXAMPLES)
    .action(async ({ config, explain }: { readonly config?: string; readonly explain?: string }) =>
      exit(
        explain === undefined
          ? await checkConfig(neededConfigPath(config))
          : await explained(explain, config),
      ),
    );
}

const EXAMPLES = `
Examples:
  $ postern check-config --config postern.yaml
  $ POSTERN_CONFIG=/etc/postern.yaml postern check-config --explain whatsapp`;

/** Resolves with the exit code. */
async function explained(name: string, flag: string | undefined): Promise<number> {
  const { configuredSource } = await import("./configured-source.ts");
  const { explanationOf } = await import("./explanation.ts");
  const { source, config } = await configuredSource(name, flag);
  await print(explanationOf(source, config));
  return 0;
}

/** Resolves with the exit code. */
async function checkConfig(path: string): Promise<number> {
  const { ConfigFileInvalid, loadConfigFile, mistakeLine } = await import("../config-file/config-file.ts");
  try {
    const file = loadConfigFile(path, systemEnvironment());
    const rows = [...sourceRows(file), ...destinationRows(file)];
    const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    for (const row of rows)
      await print(
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      );
    if (rows.length === 0) await print("no sources");
    for (const { message, ...at } of file.warnings)
      say(mistakeLine(path, { ...at, message: `warning: ${message}` }));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    for (const mistake of error.mistakes) await print(mistakeLine(path, mistake));
    return 1;
  }
}

type Row = readonly string[];

function sourceRows({ configs }: ConfigFile): Row[] {
  return [...configs].map(([name, { kind, secret }]) => [
    ...[name, kind, `/webhook/${name}`],
    counted([secret].flat().length, "secret"),
  ]);
}

/** What of a URL isn't shown may hold what is nobody's business. */
function destinationRows({ destinations }: ConfigFile): Row[] {
  return destinations.map(({ name, url, secrets, kinds, sources }) => [
    ...[name, "destination", sinkKindOf({ url }).shown(url)],
    secrets.length === 0 ? "-" : counted(secrets.length, "secret"),
    kinds.length === RECORD_KINDS.length ? "all kinds" : kinds.join(", "),
    sources === undefined ? "all sources" : sources.join(", "),
  ]);
}
