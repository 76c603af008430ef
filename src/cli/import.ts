/** `postern import`: takes NDJSON straight into the database, without a server. */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import type { Exit } from "./errors.ts";
import type { ImportFlags } from "./import-messages.ts";

export function addImport(program: Command, exit: Exit): void {
  program
    .command("import")
    .summary("take NDJSON straight into the database")
    .description(
      "Take messages as NDJSON straight into the database of DATABASE_URL, which is made when missing. No server may " +
        "have it open. Running it again is safe: what is there already counts as duplicate.",
    )
    .argument("<file>", "file with a JSON message on each line, or - for standard input")
    .option("--strict", "stop at the first bad line (what came before it stays) instead of skipping it")
    .addHelpText(
      "after",
      "\nExamples:\n  $ DATABASE_URL=sqlite:///data/postern.db postern import messages.ndjson" +
        "\n  $ zcat backup.ndjson.gz | postern import -",
    )
    .action(async (file: string, flags: ImportFlags) => {
      const { importMessages } = await import("./import-messages.ts");
      exit(await importMessages(readSome(["databaseUrl"]).databaseUrl, file, flags));
    });
}
