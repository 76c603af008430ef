/**
 * The work of `postern verify`: what the service would do with a captured request, without it and
 * without a trace, except that keys which its sender publishes are fetched.
 */
import { systemClock } from "../../lib/clock.ts";
import { configuredSource } from "../configured-source.ts";
import { UsageError } from "../errors.ts";
import { openInput } from "../input.ts";
import { print } from "../output.ts";
import { headersOf, receivedBody } from "./captured-request.ts";
import { captureIn } from "./captures.ts";
import { judge, type Line, unavailable } from "./judgement.ts";
import { redactionFor } from "./redaction.ts";

export interface VerifyFlags {
  readonly source: string;
  readonly config?: string;
  /** An instant. */
  readonly at?: string;
  /** In canonical text. */
  readonly client?: string;
  /** Which request of several: its number, or a part of its address. */
  readonly entry?: string;
  /** The file with the body of a capture that has none. */
  readonly body?: string;
}

const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Resolves with the exit code: 0 when it would be accepted, 1 when not. */
export async function verifyRequest(file: string, flags: VerifyFlags): Promise<number> {
  const configured = await configuredSource(flags.source, flags.config);
  const { source } = configured;
  const webhook = `/webhook/${source.name}`;
  const { request: captured, notes: found } = captureIn(await contentOf(file), {
    ...{ path: webhook, entry: flags.entry },
    body: flags.body === undefined ? undefined : await contentOf(flags.body),
  });
  const { body, notes: bodyNotes } = receivedBody(captured);
  const notes = [...found, ...bodyNotes];
  const [path = "", ...query] = captured.target.split("?");
  const { method } = captured;
  const url = source.signedUrl(path, query.join("?"));
  const { client } = flags;
  const headers = headersOf(captured);
  const request = { method, headers, body, url, ...(client !== undefined && { client }) };
  const now = flags.at === undefined ? systemClock.now() : Date.parse(flags.at);
  const redaction = redactionFor(configured.config, request);
  if (path !== webhook)
    notes.push(`the request went to ${redaction.text(path)}, and the service listens at ${webhook}`);
  if (source.isLimited && client === undefined)
    notes.push("allow_from wasn't looked at: say where the request came from with --client");
  const attempt = { source, request, now };
  const judged = (await unavailable(attempt, redaction)) ?? judge(attempt, configured, redaction);
  const clock = `${new Date(now).toISOString()} (${flags.at === undefined ? "now" : "--at"})`;
  await printAll([
    ...judged.lines.slice(0, 1),
    ["source", `${source.name} (${source.kind})`],
    ["clock", clock],
    ...judged.lines.slice(1),
    ...notes.map((note): Line => ["note", note]),
  ]);
  return judged.accepted ? 0 : 1;
}

async function contentOf(file: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of openInput(file).chunks) {
    bytes += chunk.length;
    if (bytes > FILE_BYTES_MAX) throw new UsageError(`${file} is longer than ${FILE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function printAll(lines: readonly Line[]): Promise<void> {
  const width = Math.max(...lines.map(([label]) => label.length));
  await print(lines.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join("\n"));
}
