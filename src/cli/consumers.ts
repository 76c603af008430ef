/** `postern consumers`: the positions that a service keeps for those who follow its log. */
import { Argument, type Command } from "commander";
import type { ConsumersFlags, CreateFlags } from "./consumers-commands.ts";
import type { Exit } from "./errors.ts";
import { httpUrl, kinds } from "./flags.ts";
import { logPlace } from "./log-place.ts";

const EXAMPLES = `
Examples:
  $ postern consumers list
  $ postern consumers create crm --start 24h --source whatsapp
  $ postern consumers seek crm 2025-01-15T10:00:00Z
  $ postern consumers delete crm`;

export function addConsumers(program: Command, exit: Exit): void {
  const consumers = program
    .command("consumers")
    .summary("list, make, move and delete consumers")
    .description(
      "Positions in the log that the service keeps, each under a name. A place in the log is start, now, a time that has " +
        "passed such as 2h, an instant, or a position.",
    )
    .addHelpText("after", EXAMPLES);
  const add = (name: string, summary: string, example: string) =>
    consumers
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .option("--url <url>", "address of the service (default: HOST and READ_PORT or PORT)", httpUrl)
      .option("--json", "print what the service answers, one consumer a line")
      .addHelpText("after", `\nExample:\n  $ postern consumers ${example}`);

  add("list", "list all consumers, and how far behind each is", "list").action(
    async (flags: ConsumersFlags) => {
      const { listConsumers } = await import("./consumers-commands.ts");
      exit(await listConsumers(flags));
    },
  );
  add("create <name>", "make a consumer, unless it is there with the same filter", "create crm --start 24h")
    .option("--start <place>", "where it begins", logPlace, "start")
    .option("--source <name>", "only what comes from this source; native is POST /webhook")
    .option("--from <sender>", "only messages from this sender")
    .option("--to <recipient>", "only messages to this recipient")
    .option(
      "--kinds <kinds>",
      "message, status, … with commas between them, or all (default: message)",
      kinds,
    )
    .action(async (name: string, flags: CreateFlags) => {
      const { makeConsumer } = await import("./consumers-commands.ts");
      exit(await makeConsumer(name, flags));
    });
  add("seek <name>", "move a consumer to a place in the log, on or back", "seek crm 2h")
    .addArgument(new Argument("<place>").argParser(logPlace))
    .action(async (name: string, place: string, flags: ConsumersFlags) => {
      const { seekConsumer } = await import("./consumers-commands.ts");
      exit(await seekConsumer(name, place, flags));
    });
  add("delete <name>", "delete a consumer", "delete crm").action(
    async (name: string, flags: ConsumersFlags) => {
      const { deleteConsumer } = await import("./consumers-commands.ts");
      exit(await deleteConsumer(name, flags));
    },
  );
}
