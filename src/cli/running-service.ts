/**
 * The service that runs on this machine: where it is reached, from the settings that it listens by,
 * and asking it.
 */
import { readSome } from "../config.ts";
import { withPort } from "../lib/host-name.ts";
import { CommandFailed, UsageError } from "./errors.ts";

/**
 * The address of a path at `HOST` and the port (by default `PORT`); an address that means "every
 * interface" becomes the loopback one.
 */
export function serviceUrl(path: string, given?: number): URL {
  const { host, port: first } = readSome(["host", "port"]);
  const port = given ?? first;
  if (port === 0) throw new UsageError("PORT is 0, a free port that only the service knows: add --url");
  const bare = host.replace(/^\[|\]$/g, "");
  const reached = { "0.0.0.0": "127.0.0.1", "::": "::1" }[bare] ?? bare;
  return new URL(path, `http://${withPort(reached, port)}`);
}

/** Throws `CommandFailed` when nobody answers. */
export async function askService(
  url: URL,
  init: RequestInit = {},
): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    throw new CommandFailed(`no answer from ${url.href}: ${(error as Error).message}`);
  }
}
