/** `postern verify`: tells offline whether a captured request would be accepted, and why not. */
import { type Command, InvalidArgumentError } from "commander";
import { isInstant } from "../core/instant.ts";
import { canonicalAddress } from "../lib/ip-address.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG } from "./flags.ts";
import type { VerifyFlags } from "./verify/verify-request.ts";

const EXAMPLES = `
A captured request is a file with its request line, its headers, a blank line and
its body, as it was sent:
  $ postern verify --config postern.yaml --source whatsapp request.http

A HAR file with several POSTs, of which one is meant; what curl tells of one:
  $ postern verify --source whatsapp --entry 3 requests.har
  $ postern verify --source whatsapp --body body.json curl-verbose.txt

One that was captured a while ago, when its timestamp was still good:
  $ postern verify --source team --at 2026-11-25T09:30:00Z request.http

Exit codes: 0 it would be accepted, 1 it would be refused, 2 asked wrongly.
Nothing is sent or stored, and no secret is printed. Where a sender publishes its
keys (jwt-rs256, sns, …), they are fetched as the service would.`;

export function addVerify(program: Command, exit: Exit): void {
  program
    .command("verify")
    .summary("tell whether a captured request would be accepted, and why not")
    .description(
      "Tell whether a source would accept a captured HTTP request, what it would store, or why not.",
    )
    .argument("<file>", "raw HTTP, a HAR file, or the output of curl -v or --trace; - for standard input")
    .requiredOption("--source <name>", "the configured source that it was sent to")
    .option(...CONFIG_FLAG)
    .option("--at <instant>", "the time at which it is looked at (default: now)", instant)
    .option("--client <address>", "the address that it came from, for a source with allow_from", address)
    .option("--entry <which>", "of several requests: its number, or a part of its address")
    .option("--body <file>", "the body, where the capture has none, as that of curl -v")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, flags: VerifyFlags) => {
      const { verifyRequest } = await import("./verify/verify-request.ts");
      exit(await verifyRequest(file, flags));
    });
}

function address(text: string): string {
  const canonical = canonicalAddress(text);
  if (canonical !== undefined) return canonical;
  throw new InvalidArgumentError("It takes an address such as 203.0.113.7.");
}

function instant(text: string): string {
  if (isInstant(text)) return text;
  throw new InvalidArgumentError("It takes an instant such as 2025-01-15T10:00:00Z.");
}
