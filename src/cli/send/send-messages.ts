/** The work of `postern send`: rows → bodies → posts, a bounded number at once, however many there are. */
import { extname } from "node:path";
import { readSome, webhookSecrets } from "../../config.ts";
import { randomId } from "../../lib/chance.ts";
import { systemClock } from "../../lib/clock.ts";
import { serviceUrl } from "../address.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import { openInput } from "../input.ts";
import { onInterruption } from "../interruption.ts";
import { print, say, writeAll } from "../output.ts";
import { type Progress, startProgress } from "../progress.ts";
import { curlCommand } from "./curl.ts";
import { FORMATS, type Format, type SendFlags } from "./flags.ts";
import { parseMapping } from "./mapping.ts";
import { post, type Target } from "./poster.ts";
import { type Post, postsOf } from "./posts.ts";
import { Tally } from "./tally.ts";
import { UnfitRow } from "./template.ts";

interface Batch {
  readonly posts: AsyncGenerator<Post>;
  readonly bytesTotal: number | undefined;
  readonly bytesRead: () => number;
}

/** Resolves with the exit code: 1 when anything was refused or failed. */
export async function sendMessages(flags: SendFlags): Promise<number> {
  const batch = flags.file === undefined ? one(flags) : many(flags.file, flags);
  const [secret = ""] = webhookSecrets(readSome(["webhookSecret", "webhookSecretPrevious"]));
  const url = flags.url ?? serviceUrl("/webhook");
  if (flags.dryRun === true) return printCommands(batch.posts, url, secret);
  const { retries, timeout: timeoutMs } = flags;
  const { now, elapsed } = systemClock;
  return sendBatch(batch, { url, secret, retries, timeoutMs, now, elapsed }, flags.concurrency);
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
    yield { place: id, body: JSON.stringify({ message_id: id, from, to, ts, text }) };
  }
  return { posts: posts(), bytesTotal: undefined, bytesRead: () => 0 };
}

function many(file: string, flags: SendFlags): Batch {
  const mapping = parseMapping(flags);
  const format = flags.format ?? formatOf(file);
  const input = openInput(file);
  return { posts: postsOf(input, format, mapping), bytesTotal: input.bytesTotal, bytesRead: input.bytesRead };
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

async function sendBatch(batch: Batch, target: Target, concurrency: number): Promise<number> {
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
    await sendAll(batch, target, concurrency, tally, progress);
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

/** Each lane posts one message after the other. When nobody can be reached no lane begins another. */
async function sendAll(
  { posts, bytesRead }: Batch,
  target: Target,
  concurrency: number,
  tally: Tally,
  progress: Progress,
): Promise<void> {
  let unreached = "";
  let exhausted = false;
  const lane = async () => {
    while (unreached === "") {
      const { value: item, done } = await posts.next();
      if (done) {
        exhausted = true;
        return;
      }
      const verdict =
        "problem" in item
          ? ({ kind: "failed", latencyMs: undefined, reason: item.problem } as const)
          : await post(target, item.body);
      tally.add(item.place, verdict);
      progress.show(bytesRead(), tally.total);
      if ("body" in item && verdict.kind === "failed" && verdict.latencyMs === undefined)
        unreached ||= item.place;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: concurrency }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  if (unreached !== "" && !exhausted) {
    throw new CommandFailed(
      `stopped at ${unreached} because nobody answers: run it again to go on, what is stored counts as duplicate`,
    );
  }
}

async function printCommands(posts: AsyncIterable<Post>, url: URL, secret: string): Promise<number> {
  let clean = true;
  for await (const item of posts) {
    try {
      if ("problem" in item) throw new UnfitRow(item.problem);
      await writeAll(1, curlCommand(url, secret, item.body));
    } catch (error) {
      if (!(error instanceof UnfitRow)) throw error;
      clean = false;
      say(`postern: ${item.place} failed: ${error.message}`);
    }
  }
  return clean ? 0 : 1;
}
