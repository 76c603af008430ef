/**
 * `postern send`: signs messages and posts them, to the native webhook or as a configured source's
 * provider would.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, httpUrl, wholeNumber } from "./flags.ts";
import { FORMATS, type SendFlags } from "./send/flags.ts";

const EXAMPLES = `
One message:
  $ postern send --from +919876543210 --to +14155550100 --text Hello

Many, each line of the file posted as it stands:
  $ postern send --file messages.ndjson

Many from a table whose columns are called Label and SMS:
  $ postern send --file sms.tsv --map 'message_id=sms-{row:5}' \\
      --map 'from=+9198765{row%400:5}' --map to=+14155550100 --map 'ts={time}' \\
      --map 'text={SMS}' --start 2025-01-15T10:00:00Z --step 60

In a template {name} is a column, {row} the row's number from 1 on, {row%400} the
remainder of its division by 400, {row:6} and {row%400:5} the same with leading
zeros, and {time} --start plus --step for each row before this one. Fields without
a --map take the column of their own name.

As the provider of a source that the configuration file has, to /webhook/NAME, with
parties as it knows them:
  $ postern send --config postern.yaml --source whatsapp --from +919876543210 \\
      --to +14155550100 --text Hello

Without --source the secret is read from WEBHOOK_SECRET or the file that
WEBHOOK_SECRET_FILE names.
Sending again is always safe: what is stored already counts as duplicate.`;

export function addSend(program: Command, exit: Exit): void {
  const alone = (flags: string, description: string) => new Option(flags, description).conflicts("file");
  program
    .command("send")
    .summary("sign messages and post them")
    .description("Sign messages and post them: one from flags, or many from a file or standard input.")
    .addOption(alone("--id <id>", "message_id (default: a random one)"))
    .addOption(alone("--from <number>", "sender, such as +919876543210"))
    .addOption(alone("--to <number>", "recipient, such as +14155550100"))
    .addOption(alone("--ts <instant>", "when it was sent (default: now)"))
    .addOption(alone("--text <text>", "text (default: none)"))
    .option("--file <file>", "send what a file holds, or standard input for -")
    .addOption(
      new Option("--format <format>", "how to read it (default: by the file's ending)").choices(FORMATS),
    )
    .option("--map <field=template>", "where a field comes from; for each field once", collect)
    .option("--start <instant>", "the first row's {time}")
    .option("--step <seconds>", "from one row's {time} to the next", seconds, 1)
    .option("--source <name>", "send as the provider of this source would")
    .option(...CONFIG_FLAG)
    .option(
      "--url <url>",
      "address of the webhook (default: /webhook or /webhook/NAME at HOST and PORT)",
      httpUrl,
    )
    .option("--concurrency <n>", "messages under way at once", wholeNumber(1, 256), 16)
    .option(
      "--retries <n>",
      "how often a message is tried again after a 503 or a lost connection",
      wholeNumber(0, 1000),
      5,
    )
    .option("--timeout <ms>", "time for an answer, in milliseconds", wholeNumber(1, 600_000), 30_000)
    .option("--dry-run", "print curl commands instead of sending")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: SendFlags) => {
      const { sendMessages } = await import("./send/send-messages.ts");
      exit(await sendMessages(flags));
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function seconds(text: string): number {
  if (/^-?[0-9]{1,9}(\.[0-9]{1,3})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes seconds, such as 60 or 0.5.");
}
