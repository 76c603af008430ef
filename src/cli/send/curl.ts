/** The `curl` command that would post a request, ready for a shell. */
import type { Trial } from "../../core/source.ts";
import { UnfitRow } from "./template.ts";

/** Linux gives a single argument 128 KiB; a shell's own `printf` has no such limit. */
const ARGUMENT_BYTES_MAX = 100_000;
const AT = 64;

/** The shell's variable that stands for a secret which a header holds as it is. */
export const SECRET_VARIABLE = "SOURCE_SECRET";

/**
 * A command and its line feed, byte for byte; throws `UnfitRow` for a body that no shell can hold.
 */
export function curlCommand(url: URL, { headers, body, secretHeader }: Trial): Uint8Array {
  const bytes = Buffer.from(body);
  if (bytes.includes(0)) throw new UnfitRow("a NUL byte can't stand in a shell command");
  const flags = Object.entries(headers).map(([name, value]) =>
    name === secretHeader ? `${quoted(`${name}: `)}"$${SECRET_VARIABLE}"` : quoted(`${name}: ${value}`),
  );
  const head = ["curl -sS", quoted(url.href), ...flags.map((flag) => `-H ${flag}`)].join(" ");
  // curl takes what begins with @ for the name of a file.
  const piped = bytes[0] === AT || bytes.length > ARGUMENT_BYTES_MAX;
  const [before, after] = piped
    ? ["printf %s ", ` | ${head} --data-binary @-\n`]
    : [`${head} --data-binary `, "\n"];
  return Buffer.concat([Buffer.from(before), quotedBytes(bytes), Buffer.from(after)]);
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
