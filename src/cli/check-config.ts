/** `postern check-config`: every mistake of the configuration file, or what it configures. */
import type { Command } from "commander";
import { systemEnvironment } from "../config.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, neededConfigPath } from "./flags.ts";
import { print } from "./output.ts";

export function addCheckConfig(program: Command, exit: Exit): void {
  program
    .command("check-config")
    .summary("tell every mistake of the configuration file")
    .description(
      "Read the configuration file as serve would, with the variables and files that it refers to. Print every mistake as " +
        "FILE:LINE:COLUMN: message and exit with 1, or one line for each source. No secret is printed.",
    )
    .option(...CONFIG_FLAG)
    .addHelpText(
      "after",
      "\nExamples:\n  $ postern check-config --config postern.yaml\n  $ POSTERN_CONFIG=/etc/postern.yaml postern check-config",
    )
    .action(async (flags: { readonly config?: string }) =>
      exit(await checkConfig(neededConfigPath(flags.config))),
    );
}

/** Resolves with the exit code. */
async function checkConfig(path: string): Promise<number> {
  const { ConfigFileInvalid, loadConfigFile, mistakeLine } = await import("../config-file/config-file.ts");
  try {
    const { configs } = loadConfigFile(path, systemEnvironment());
    const rows = [...configs].map(([name, { kind, secret }]) => {
      const secrets = [secret].flat().length;
      return [name, kind, `/webhook/${name}`, `${secrets} secret${secrets === 1 ? "" : "s"}`] as const;
    });
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    for (const row of rows)
      await print(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
    if (rows.length === 0) await print("no sources");
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigFileInvalid)) throw error;
    for (const mistake of error.mistakes) await print(mistakeLine(path, mistake));
    return 1;
  }
}
