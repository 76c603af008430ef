/** `postern deliveries`: how destinations stand, and what is to become of what failed. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parsePosition } from "../core/position.ts";
import { CAUSES } from "../follow/deliver/sink.ts";
import { parseRate } from "../lib/rate.ts";
import type { Change, DeliveriesFlags, FailuresFlags, SelectionFlags } from "./deliveries-commands.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, httpUrl, kinds, wholeNumber } from "./flags.ts";
import { logPlace } from "./log-place.ts";
import type { ReplayFlags } from "./replays-commands.ts";

const EXAMPLES = `
Examples:
  $ postern deliveries list
  $ postern deliveries failures app --state dead
  $ postern deliveries retry app --cause timeout
  $ postern deliveries replay app --after 2h --until 1h
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
    .summary("show, pause and test destinations, retry and replay")
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
    "replay <name>",
    "hand a part of the log on once more, beside what comes",
    "replay app --after 2h --until 1h",
  )
    .requiredOption("--after <place>", "begin there: 2h, an instant, a position, start", logPlace)
    .option("--until <place>", "end there; of an instant, before it", logPlace, "now")
    .option(
      "--kinds <kinds>",
      "message, status, … with commas between them, or all (default: the destination's)",
      kinds,
    )
    .option("--source <name>", "only what came from this source (default: the destination's sources)")
    .option("--from <sender>", "only messages from this sender (default: the destination's)")
    .option("--to <recipient>", "only messages to this recipient (default: the destination's)")
    .option("--rate <rate>", "so many at most, such as 50/s or 1000/h", rate, "200/s")
    .option("--new-ids", "with another webhook-id for each, for a receiver that drops what it knows")
    .addOption(new Option("--dry-run", "only say how many records that are").conflicts("yes"))
    .option("--yes", "send them without asking")
    .action(async (name: string, flags: ReplayFlags) => {
      const { replayRecords } = await import("./replays-commands.ts");
      exit(await replayRecords(name, flags));
    });
  add("replays <name>", "list the replays that run or wait", "replays app").action(
    async (name: string, flags: DeliveriesFlags) => {
      const { listReplays } = await import("./replays-commands.ts");
      exit(await listReplays(name, flags));
    },
  );
  add("stop <name> <id>", "stop a replay; what failed in it stays", "stop app rp_019ac9d5e7b4f02c").action(
    async (name: string, id: string, flags: DeliveriesFlags) => {
      const { stopReplay } = await import("./replays-commands.ts");
      exit(await stopReplay(name, id, flags));
    },
  );
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
  command(
    "handshake <name>",
    "ask what the provider asks when it is given the address, and check the answer",
    "handshake chatwoot --config postern.yaml",
  )
    .option(...CONFIG_FLAG)
    .action(async (name: string, flags: { readonly config?: string }) => {
      const { handshakeDestination } = await import("./handshake-destination.ts");
      exit(await handshakeDestination(name, flags));
    });
}

/** Reads one more position. */
function position(text: string, before: readonly string[] = []): readonly string[] {
  if (parsePosition(text) !== undefined) return [...before, text];
  throw new InvalidArgumentError("It takes positions as postern deliveries failures lists them.");
}

function rate(text: string): string {
  if (parseRate(text) !== undefined) return text;
  throw new InvalidArgumentError("It takes a rate such as 50/s, 30/m or 1000/h.");
}
