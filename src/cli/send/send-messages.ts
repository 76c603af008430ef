/**
 * The work of `postern send`: rows → bodies → posts, a bounded number at once, however many there
 * are.
 */
import { extname } from "node:path";
import { fileOf, readSome, webhookSecrets } from "../../config.ts";
import { randomId } from "../../lib/chance.ts";
import { systemClock } from "../../lib/clock.ts";
import { configuredSource } from "../configured-source.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import { neededConfigPath } from "../flags.ts";
import { openInput } from "../input.ts";
import { onInterruption } from "../interruption.ts";
import { print, say, writeAll } from "../output.ts";
import { type Progress, startProgress } from "../progress.ts";
import { serviceUrl } from "../running-service.ts";
import { curlCommand, SECRET_VARIABLE } from "./curl.ts";
import { FORMATS, type Format, type SendFlags } from "./flags.ts";
import { parseMapping } from "./mapping.ts";
import { post, type Target, type Verdict } from "./poster.ts";
import { type Post, postsOf } from "./posts.ts";
import { nativeRequests, type Prepare, sourceRequests } from "./requests.ts";
import { Tally } from "./tally.ts";
import { UnfitRow } from "./template.ts";
import { Usefulness } from "./usefulness.ts";

interface Batch {
  readonly posts: AsyncGenerator<Post>;
  /** Of the input; undefined when it is not known beforehand. */
  readonly bytesTotal: number | undefined;
}

/** Resolves with the exit code: 1 when anything was refused or failed. */
export async function sendMessages(flags: SendFlags): Promise<number> {
  const batch = flags.file === undefined ? one(flags) : many(flags.file, flags);
  const { url, prepare, secretAdvice } = await addressee(flags);
  if (flags.dryRun === true) return printCommands(batch.posts, url, prepare);
  const { retries, timeout: timeoutMs } = flags;
  const { now, elapsed } = systemClock;
  const target = { url, retries, timeoutMs, now, elapsed };
  return sendBatch(batch, prepare, target, flags.concurrency, new Usefulness(url, secretAdvice));
}

interface Addressee {
  readonly url: URL;
  readonly prepare: Prepare;
  /** What to do when the service refuses every signature. */
  readonly secretAdvice: string;
}

/** Where requests go and how they are made. */
async function addressee(flags: SendFlags): Promise<Addressee> {
  if (flags.source === undefined) {
    if (flags.config !== undefined) throw new UsageError("--config goes with --source");
    const [secret = ""] = webhookSecrets(readSome(["webhookSecret", "webhookSecretPrevious"]));
    const file = fileOf("webhookSecret");
    const place = file === undefined ? "WEBHOOK_SECRET" : `${file} (WEBHOOK_SECRET_FILE)`;
    return {
      url: flags.url ?? serviceUrl("/webhook"),
      prepare: nativeRequests(secret),
      secretAdvice: `the service has another secret than ${place} here: send with the one that it was started with`,
    };
  }
  const { source } = await configuredSource(flags.source, flags.config);
  const url = flags.url ?? serviceUrl(`/webhook/${encodeURIComponent(source.name)}`);
  const file = neededConfigPath(flags.config);
  return {
    url,
    prepare: sourceRequests(source, url),
    secretAdvice:
      `the service takes no signature of ${source.name} as ${file} makes it: check that it was started with the same ` +
      "secret, public_url and allow_from",
  };
}

function one(flags: SendFlags): Batch {
  const { id = randomId(), from, to, ts = new Date(systemClock.now()).toISOString(), text } = flags;
  if (from === undefined || to === undefined) {
    throw new UsageError("it takes --from and --to for one message, or --file for many");
  }
  if (flags.map !== undefined || flags.start !== undefined || flags.format !== undefined) {
    throw new UsageError("--map, --start and --format go with --file");
  }
  async function* posts(): AsyncGenerator<Post> {
    yield { label: id, bytes: 0, body: JSON.stringify({ message_id: id, from, to, ts, text }) };
  }
  return { posts: posts(), bytesTotal: undefined };
}

function many(file: string, flags: SendFlags): Batch {
  const mapping = parseMapping(flags);
  const format = flags.format ?? formatOf(file);
  const input = openInput(file);
  return { posts: postsOf(input, format, mapping), bytesTotal: input.bytesTotal };
}

function formatOf(file: string): Format {
  const ending = extname(file).slice(1).toLowerCase();
  const format = FORMATS.find((name) => name === (ending === "jsonl" ? "ndjson" : ending));
  if (format === undefined) {
    throw new UsageError(
      `what ${file === "-" ? "standard input" : file} holds can't be told by its name: add --format`,
    );
  }
  return format;
}

async function sendBatch(
  batch: Batch,
  prepare: Prepare,
  target: Target,
  concurrency: number,
  usefulness: Usefulness,
): Promise<number> {
  const progress = await startProgress("sent", batch.bytesTotal);
  const tally = new Tally(progress.say);
  const startedAt = target.elapsed();
  const summary = () => tally.summary(target.elapsed() - startedAt);
  const calm = onInterruption(() => {
    progress.stop();
    say(`${summary()}\ninterrupted: run it again to go on`);
  });
  let broken: unknown;
  try {
    const send = (item: Post) => sendOne(item, prepare, target);
    await sendAll(batch, send, concurrency, { tally, progress, usefulness });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    broken = error;
  } finally {
    calm();
    progress.stop();
  }
  await print(summary());
  if (broken !== undefined) throw broken;
  return tally.clean ? 0 : 1;
}

interface Watch {
  readonly tally: Tally;
  readonly progress: Progress;
  readonly usefulness: Usefulness;
}

/**
 * Each lane posts one message after the other. When going on is of no use no lane begins another.
 */
async function sendAll(
  { posts }: Batch,
  send: (item: Post) => Promise<Sent>,
  concurrency: number,
  { tally, progress, usefulness }: Watch,
): Promise<void> {
  let stoppedAt = "";
  let exhausted = false;
  let bytesDone = 0;
  const lane = async () => {
    while (usefulness.whyStop === "") {
      const { value: item, done } = await posts.next();
      if (done) {
        exhausted = true;
        return;
      }
      const { verdict, tried } = await send(item);
      tally.add(item.label, verdict);
      bytesDone += item.bytes;
      progress.show(bytesDone, tally.total);
      if (tried) usefulness.note(verdict);
      if (usefulness.whyStop !== "") stoppedAt ||= item.label;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: concurrency }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const { whyStop, advice } = usefulness;
  if (whyStop !== "" && !exhausted) throw new CommandFailed(`stopped at ${stoppedAt} because ${whyStop}`);
  if (advice !== undefined) throw new CommandFailed(advice);
}

interface Sent {
  readonly verdict: Verdict;
  /** Whether there was anything to post. */
  readonly tried: boolean;
}

async function sendOne(item: Post, prepare: Prepare, target: Target): Promise<Sent> {
  try {
    if ("problem" in item) throw new UnfitRow(item.problem);
    return { verdict: await post(target, prepare(item.body)), tried: true };
  } catch (error) {
    if (!(error instanceof UnfitRow)) throw error;
    return { verdict: { kind: "failed", latencyMs: undefined, reason: error.message }, tried: false };
  }
}

async function printCommands(posts: AsyncIterable<Post>, url: URL, prepare: Prepare): Promise<number> {
  let clean = true;
  let explained = false;
  for await (const item of posts) {
    try {
      if ("problem" in item) throw new UnfitRow(item.problem);
      const request = prepare(item.body)(systemClock.now());
      const command = curlCommand(url, request);
      if (request.secretHeader !== undefined && !explained) {
        say(
          `postern: ${request.secretHeader} is the secret itself: the commands take it from $${SECRET_VARIABLE}`,
        );
        explained = true;
      }
      await writeAll(1, command);
    } catch (error) {
      if (!(error instanceof UnfitRow)) throw error;
      clean = false;
      say(`postern: ${item.label} failed: ${error.message}`);
    }
  }
  return clean ? 0 : 1;
}
