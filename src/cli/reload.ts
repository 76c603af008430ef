/** `postern reload`: the server on this machine reads its configuration file anew. */
import type { Command } from "commander";
import { readSome } from "../config.ts";
import type { Exit } from "./errors.ts";
import { CommandFailed } from "./errors.ts";
import { httpUrl } from "./flags.ts";
import { counted, print } from "./output.ts";
import { askService, serviceUrl } from "./running-service.ts";

const BODY_CHARS_MAX = 200;

export function addReload(program: Command, exit: Exit): void {
  program
    .command("reload")
    .summary("make a server read its configuration file anew")
    .description(
      "Ask a server to read its configuration file anew; it takes API_TOKEN. Exit with 1 and print every mistake when there " +
        "is one: the server goes on with what it had. Without API_TOKEN send SIGHUP to the server's process.",
    )
    .option("--url <url>", "address of the server (default: HOST and READ_PORT or PORT)", httpUrl)
    .addHelpText("after", "\nExamples:\n  $ API_TOKEN=… postern reload\n  $ kill -HUP $(pidof postern)")
    .action(async (flags: { readonly url?: URL }) => exit(await reload(flags.url)));
}

interface Answer {
  readonly sources?: number;
  readonly destinations?: number;
  readonly detail?: string | readonly { readonly loc: readonly string[]; readonly msg: string }[];
}

/** Resolves with the exit code. */
async function reload(base: URL | undefined): Promise<number> {
  const { apiToken, readPort } = readSome(["apiToken", "readPort"]);
  if (apiToken === undefined)
    throw new CommandFailed("this takes API_TOKEN, the server's; without one send SIGHUP to its process");
  const url = new URL("/admin/reload", base ?? serviceUrl("/", readPort));
  const headers = { Authorization: `Bearer ${apiToken}` };
  const { status, text } = await askService(url, { method: "POST", headers });
  const { sources, destinations = 0, detail } = parsed(text);
  if (status === 200 && sources !== undefined) {
    await print(`reloaded: ${counted(sources, "source")}, ${counted(destinations, "destination")}`);
    return 0;
  }
  if (status !== 422 || !Array.isArray(detail))
    throw new CommandFailed(`${url.href} answered ${status} ${text.slice(0, BODY_CHARS_MAX)}`);
  for (const { loc, msg } of detail) await print(`${loc.slice(1).join(".")}: ${msg}`);
  const count = detail.length === 1 ? "a mistake" : `${detail.length} mistakes`;
  throw new CommandFailed(
    `not reloaded: ${count} in the server's configuration file; it goes on with what it had`,
  );
}

function parsed(text: string): Answer {
  try {
    return (JSON.parse(text) ?? {}) as Answer;
  } catch {
    return {};
  }
}
