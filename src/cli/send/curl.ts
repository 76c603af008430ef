/** The `curl` command that would post a request, ready for a shell. */
import type { Trial } from "../../core/source.ts";
import { withQuery } from "../../sources/trial-run.ts";
import { UnfitRow } from "./template.ts";

/** Linux gives a single argument 128 KiB; a shell's own `printf` has no such limit. */
const ARGUMENT_BYTES_MAX = 100_000;
const AT = 64;

/** The shell's variable that stands for a secret which a header holds as it is. */
export const SECRET_VARIABLE = "SOURCE_SECRET";

/**
 * A command and its line feed, byte for byte; throws `UnfitRow` for a body that no shell can hold.
 */
export function curlCommand(url: URL, request: Trial): Uint8Array {
  const { headers, body, query, secretHeader, secretIn } = request;
  const bytes = Buffer.from(body);
  if (bytes.includes(0)) throw new UnfitRow("a NUL byte can't stand in a shell command");
  if (secretIn !== undefined)
    throw new UnfitRow(`the command would show the secret: the ${secretIn} holds it`);
  const flags = Object.entries(headers).map(([name, value]) =>
    name === secretHeader ? secretFlag(name, request) : `-H ${quoted(`${name}: ${value}`)}`,
  );
  const head = ["curl -sS", quoted(withQuery(url.href, query)), ...flags].join(" ");
  // curl takes what begins with @ for the name of a file.
  const piped = bytes[0] === AT || bytes.length > ARGUMENT_BYTES_MAX;
  const [before, after] = piped
    ? ["printf %s ", ` | ${head} --data-binary @-\n`]
    : [`${head} --data-binary `, "\n"];
  return Buffer.concat([Buffer.from(before), quotedBytes(bytes), Buffer.from(after)]);
}

/** The variable holds what the source is configured with: of `basic` user and password. */
function secretFlag(header: string, { secretWritten }: Trial): string {
  const variable = `"$${SECRET_VARIABLE}"`;
  if (secretWritten !== "basic")
    return `-H ${quoted(`${header}: ${secretWritten === "bearer" ? "Bearer " : ""}`)}${variable}`;
  if (header.toLowerCase() === "authorization") return `-u ${variable}`;
  throw new UnfitRow(`curl writes user and password into Authorization, not into ${header}`);
}

function quoted(text: string): string {
  return quotedBytes(Buffer.from(text)).toString();
}

/**
 * Between single quotes a shell leaves everything alone but the single quote. Latin-1 keeps bytes
 * as they are.
 */
function quotedBytes(bytes: Buffer): Buffer {
  return Buffer.from(`'${bytes.toString("latin1").replaceAll("'", "'\\''")}'`, "latin1");
}
