/** `postern export`: all messages as NDJSON, also beside a running server. */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import type { Exit } from "./errors.ts";
import type { ExportFlags } from "./export-messages.ts";
import { wholeNumber } from "./flags.ts";

export function addExport(program: Command, exit: Exit): void {
  program
    .command("export")
    .summary("print all messages as NDJSON")
    .description(
      "Print every message of the database of DATABASE_URL as NDJSON, in the order in which they were stored. It only " +
        "reads and works beside a running server: what was stored when it began is there, once. What is damaged is named on stderr and left out; the exit code is 1 then.",
    )
    .option("--output <file>", "write to a file, which appears under its name when it is complete")
    .option(
      "--since-seq <n>",
      "begin with this seq (to go on: the last one plus 1)",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option("--include-damaged", "rows whose checksum differs, too, as they are read")
    .addHelpText(
      "after",
      "\nExamples:\n  $ postern export --output backup.ndjson\n  $ postern export --since-seq 5575 | gzip > more.ndjson.gz",
    )
    .action(async (flags: ExportFlags) => {
      const { exportMessages } = await import("./export-messages.ts");
      exit(await exportMessages(readSome(["databaseUrl"]).databaseUrl, flags));
    });
}
