/**
 * `postern doctor`: whether what is derived from the log says what the log says, and making it
 * anew.
 */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import type { DoctorFlags } from "./doctor-check.ts";
import type { Exit } from "./errors.ts";
import { httpUrl } from "./flags.ts";

export function addDoctor(program: Command, exit: Exit): void {
  program
    .command("doctor")
    .summary("check the index against the log")
    .description(
      "Compare everything that is derived from the messages of DATABASE_URL (their order, the counts, the search index) " +
        "with the messages themselves. It only reads and works beside a running server. Exit code 1 when something differs.",
    )
    .option(
      "--rebuild",
      "make it anew first: in the file, or in the server that has it open (it takes API_TOKEN)",
    )
    .option("--url <url>", "address of that server (default: HOST and READ_PORT or PORT)", httpUrl)
    .addHelpText("after", "\nExamples:\n  $ postern doctor\n  $ API_TOKEN=… postern doctor --rebuild")
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import("./doctor-check.ts");
      exit(await doctor(readSome(["databaseUrl"]).databaseUrl, flags));
    });
}
