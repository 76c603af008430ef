/** `postern export`: the log as NDJSON or CSV, or a part of it, also beside a running server. */
import { type Command, Option } from "commander";
import { readSome } from "../config.ts";
import type { Exit } from "./errors.ts";
import type { ExportFlags } from "./export-messages.ts";
import { instant, kinds, wholeNumber } from "./flags.ts";

const EXAMPLES = `
Examples:
  $ postern export --output backup.ndjson
  $ postern export --since-seq 5575 | gzip > more.ndjson.gz
  $ postern export --source whatsapp --kinds message --format csv \\
      --since 2025-01-01T00:00:00Z --until 2025-02-01T00:00:00Z > january.csv`;

export function addExport(program: Command, exit: Exit): void {
  program
    .command("export")
    .summary("print what is stored as NDJSON or CSV")
    .description(
      "Print everything that the database of DATABASE_URL holds, or what the filters leave of it, as NDJSON or CSV, in the " +
        "order in which it was stored. It only reads and works beside a running server: what was stored when it began is there, " +
        "once. What is damaged is named on stderr and left out; the exit code is 1 then.",
    )
    .option("--output <file>", "write to a file, which appears under its name when it is complete")
    .addOption(
      new Option("--format <format>", "csv has no bodies of providers' requests")
        .choices(["ndjson", "csv"])
        .default("ndjson"),
    )
    .option("--source <name>", "only what came from this source; native is POST /webhook")
    .option("--from <sender>", "only messages from this sender, such as +919876543210")
    .option("--to <recipient>", "only messages to this recipient")
    .option("--kinds <kinds>", "only these: message, status, …, with commas between them", kinds)
    .option("--since <instant>", "only what has this ts or a later one", instant)
    .option("--until <instant>", "only what has an earlier ts", instant)
    .option(
      "--since-seq <n>",
      "begin with this seq (to go on: the last one plus 1)",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option("--include-damaged", "rows whose checksum differs, too, as they are read")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: ExportFlags) => {
      const { exportMessages } = await import("./export-messages.ts");
      exit(await exportMessages(readSome(["databaseUrl"]).databaseUrl, flags));
    });
}
