/** `postern deliveries`: how destinations stand, and what is to become of what failed. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parsePosition } from "../core/position.ts";
import { CAUSES } from "../follow/deliver/sink.ts";
import type { Change, DeliveriesFlags, FailuresFlags, SelectionFlags } from "./deliveries-commands.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, httpUrl, wholeNumber } from "./flags.ts";

const EXAMPLES = `
Examples:
  $ postern deliveries list
  $ postern deliveries failures app --state dead
  $ postern deliveries retry app --cause timeout
  $ postern deliveries test app --config postern.yaml`;

const FAILURE_CAUSES = [...Object.keys(CAUSES), "sender_backlog"];
const LISTED_MAX = 10_000;
const LISTED = 50;

const CHANGES: Readonly<Record<Change, string>> = {
  pause: "send nothing until resume, also after a restart",
  resume: "go on where it was",
  probe: "try a destination that is down at once",
};

export function addDeliveries(program: Command, exit: Exit): void {
  const deliveries = program
    .command("deliveries")
    .summary("show, pause and test destinations, and retry what failed")
    .description(
      "The destinations that the service hands records on to: how they stand, what could not be handed on and why, and " +
        "what is to become of it.",
    )
    .addHelpText("after", EXAMPLES);
  const command = (name: string, summary: string, example: string) =>
    deliveries
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .addHelpText("after", `\nExample:\n  $ postern deliveries ${example}`);
  const add = (name: string, summary: string, example: string) =>
    command(name, summary, example)
      .option("--url <url>", "address of the service (default: HOST and READ_PORT or PORT)", httpUrl)
      .option("--json", "print what the service answers, one of them a line");
  const filtered = (one: Command) =>
    one
      .addOption(new Option("--state <state>", "only those in this state").choices(["waiting", "dead"]))
      .addOption(new Option("--cause <cause>", "only those that failed so").choices(FAILURE_CAUSES))
      .option("--from <sender>", "only messages from this sender");

  add("list", "list destinations, and how each stands", "list").action(async (flags: DeliveriesFlags) => {
    const { listDestinations } = await import("./deliveries-commands.ts");
    exit(await listDestinations(flags));
  });
  add("show <name>", "show a destination, and why it is down or paused", "show app").action(
    async (name: string, flags: DeliveriesFlags) => {
      const { showDestination } = await import("./deliveries-commands.ts");
      exit(await showDestination(name, flags));
    },
  );
  filtered(add("failures <name>", "list what could not be handed on, and why", "failures app --cause status"))
    .option("--limit <number>", "so many at most", wholeNumber(1, LISTED_MAX), LISTED)
    .action(async (name: string, flags: FailuresFlags) => {
      const { listFailures } = await import("./deliveries-commands.ts");
      exit(await listFailures(name, flags));
    });
  for (const [what, summary] of [
    ["retry", "try failures again at once, their attempts counted anew"],
    ["drop", "never try failures again; the records stay in the log"],
  ] as const)
    filtered(add(`${what} <name>`, summary, `${what} app --state dead`))
      .option("--position <position...>", "only these, as failures lists them", position)
      .option("--all", "everything, where nothing else is said")
      .action(async (name: string, flags: SelectionFlags) => {
        const { changeFailures } = await import("./deliveries-commands.ts");
        exit(await changeFailures(what, name, flags));
      });
  for (const [what, summary] of Object.entries(CHANGES) as [Change, string][])
    add(`${what} <name>`, summary, `${what} app`).action(async (name: string, flags: DeliveriesFlags) => {
      const { changeDestination } = await import("./deliveries-commands.ts");
      exit(await changeDestination(what, name, flags));
    });
  add(
    "delete <name>",
    "forget a destination that isn't in the configuration file any more",
    "delete app",
  ).action(async (name: string, flags: DeliveriesFlags) => {
    const { deleteDestination } = await import("./deliveries-commands.ts");
    exit(await deleteDestination(name, flags));
  });
  command(
    "test <name>",
    "send a signed sample from this machine, and explain the answer",
    "test app --config postern.yaml",
  )
    .option(...CONFIG_FLAG)
    .option("--json", "print what came of it as JSON")
    .action(async (name: string, flags: { readonly config?: string; readonly json?: true }) => {
      const { testDestination } = await import("./test-destination.ts");
      exit(await testDestination(name, flags));
    });
}

/** Reads one more position. */
function position(text: string, before: readonly string[] = []): readonly string[] {
  if (parsePosition(text) !== undefined) return [...before, text];
  throw new InvalidArgumentError("It takes positions as postern deliveries failures lists them.");
}
