/** `postern tail`: what is stored as it comes, to the terminal and to an application. */
import { type Command, Option } from "commander";
import type { Exit } from "./errors.ts";
import { httpUrl, kinds, wholeNumber } from "./flags.ts";
import { logPlace } from "./log-place.ts";
import type { TailFlags } from "./tail/tail-log.ts";

const EXAMPLES = `
Examples:
  $ postern tail
  $ postern tail --since 2h --source whatsapp --kinds message,status
  $ API_TOKEN=… postern tail --url https://postern.example.com --json | jq .text
  $ postern tail --consumer dev --forward http://localhost:3000/hooks \\
      --secret whsec_…`;

export function addTail(program: Command, exit: Exit): void {
  program
    .command("tail")
    .summary("show what is stored as it comes")
    .description(
      "Show the last messages that a service has stored, then each one as it comes, in the order of the log, until Ctrl-C. " +
        "A lost connection is made again, without a gap and without a double.",
    )
    .addOption(
      new Option("-n, --lines <count>", "begin with so many of the last (default: 10, with --forward 0)")
        .argParser(wholeNumber(0, 1000))
        .conflicts(["since", "consumer"]),
    )
    .option("--since <place>", "begin there: 2h, an instant, a position, start", logPlace)
    .option("--source <name>", "only what comes from this source; native is POST /webhook")
    .option("--from <sender>", "only messages from this sender")
    .option("--to <recipient>", "only messages to this recipient")
    .option(
      "--kinds <kinds>",
      "message, status, … with commas between them, or all (default: message)",
      kinds,
    )
    .option("--json", "print each record as the service gives it, one a line")
    .option(
      "--consumer <name>",
      "go on where this consumer ended, and keep what was printed as taken; it is made when it isn't there",
    )
    .option(
      "--forward <url>",
      "post each record to an application, too; with --consumer until it is taken with 2xx",
      httpUrl,
    )
    .option("--secret <secret>", "sign what is forwarded, by Standard Webhooks")
    .option("--url <url>", "address of the service (default: HOST and READ_PORT or PORT)", httpUrl)
    .addHelpText("after", EXAMPLES)
    .action(async (flags: TailFlags) => {
      const { tailLog } = await import("./tail/tail-log.ts");
      exit(await tailLog(flags));
    });
}
