/**
 * The work of `postern tail`: records of the log, as they come, to stdout and perhaps to an
 * application, each once and in order however often the connection is lost.
 */
import { setTimeout as pause } from "node:timers/promises";
import { styleText } from "node:util";
import { systemClock } from "../../lib/clock.ts";
import { visibleJson } from "../../lib/visible-text.ts";
import { openConsumer } from "../consumer.ts";
import { UsageError } from "../errors.ts";
import { filterOf, type LogFilter } from "../flags.ts";
import { onInterruption } from "../interruption.ts";
import { ClosedPipe, onClosedPipe, say, writeAll } from "../output.ts";
import { ServiceClient } from "../service-client.ts";
import { ConsumerFeed, type Feed, filterQuery, LogFeed } from "./feed.ts";
import { Forwarder, type Outcome } from "./forwarder.ts";
import { lastRecords } from "./last-records.ts";
import { Lines } from "./lines.ts";
import { Patience } from "./patience.ts";
import { pageOf, type RecordOfLog } from "./record.ts";

export interface TailFlags extends LogFilter {
  /** How many of the last records come first. */
  readonly lines?: number;
  /** As the service takes it. */
  readonly since?: string;
  readonly json?: true;
  readonly consumer?: string;
  readonly forward?: URL;
  readonly secret?: string;
  readonly url?: URL;
}

const LINES_DEFAULT = 10;
const PAGE_RECORDS = 1000;
/** In no less time comes an answer that says that nothing came. */
const SHORT_MS = 250;
const RETRY_MS = 500;
const RETRY_MS_MAX = 60_000;

/** Runs until it is interrupted; resolves with the exit code when it ends before. */
export async function tailLog(flags: TailFlags): Promise<number> {
  if (flags.secret !== undefined && flags.forward === undefined)
    throw new UsageError("--secret signs what is forwarded: add --forward URL");
  if (flags.secret === "") throw new UsageError("--secret is empty");
  const stop = new AbortController();
  const tail = new Tail(flags, stop.signal);
  const running = tail.run();
  const calm = onInterruption(async () => {
    stop.abort();
    await running.catch(() => undefined);
  });
  const unwatch = onClosedPipe(process.stdout.fd, (closed) => stop.abort(closed));
  try {
    await running;
    return 0;
  } catch (error) {
    if (stop.signal.reason instanceof ClosedPipe) throw stop.signal.reason;
    // The interruption ends the process.
    if (stop.signal.aborted) await new Promise(() => undefined);
    throw error;
  } finally {
    calm();
    unwatch();
  }
}

class Tail {
  readonly #flags: TailFlags;
  readonly #signal: AbortSignal;
  readonly #client: ServiceClient;
  readonly #patience: Patience;
  readonly #forwarder: Forwarder | undefined;
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #lines: Lines;

  constructor(flags: TailFlags, signal: AbortSignal) {
    const { forward: url, secret } = flags;
    this.#flags = flags;
    this.#signal = signal;
    this.#client = new ServiceClient(flags.url);
    this.#patience = new Patience(signal);
    this.#forwarder = url && new Forwarder({ url, secret, clock: systemClock });
    this.#lines = new Lines(this.#isTerminal ? terminal() : undefined);
  }

  /** Ends by throwing. */
  async run(): Promise<never> {
    const feed = await this.#open();
    for (;;) {
      const askedAt = systemClock.elapsed();
      const page = await this.#patience.until(() => feed.next(this.#signal));
      if (page === "reset") {
        say(
          "postern: reset: the log isn't the one that was followed (restored, or made anew); from its start on",
        );
        continue;
      }
      await this.#handOn(page.data, feed);
      await this.#done(feed, page.next);
      // A service on its way out doesn't wait any more.
      if (page.data.length === 0 && !page.more && systemClock.elapsed() - askedAt < SHORT_MS)
        await pause(SHORT_MS, undefined, { signal: this.#signal });
    }
  }

  async #open(): Promise<Feed> {
    const { consumer, since, lines, forward } = this.#flags;
    const filter = filterOf(this.#flags);
    if (consumer !== undefined) {
      const isNew = await openConsumer(this.#client, { name: consumer, filter, start: since ?? "now" });
      if (!isNew && since !== undefined)
        say(`postern: the consumer ${consumer} goes on where it ended: --since says where a new one begins`);
      return new ConsumerFeed(this.#client, consumer);
    }
    if (since !== undefined && since !== "now") return new LogFeed(this.#client, filter, since);
    const wanted = since === "now" ? 0 : (lines ?? (forward === undefined ? LINES_DEFAULT : 0));
    const last = await lastRecords(wanted, systemClock.now(), (after) =>
      this.#patience.until(async () => {
        const query = { ...filterQuery(filter), after, limit: PAGE_RECORDS };
        return pageOf((await this.#client.ask("/log", { query, signal: this.#signal })).body);
      }),
    );
    if (last.isCut)
      say(
        `postern: of the last ${wanted} only ${last.records.length} are near the end: --since looks further back`,
      );
    const feed = new LogFeed(this.#client, filter, last.next);
    await this.#handOn(last.records, feed);
    await feed.done(last.next);
    return feed;
  }

  async #handOn(records: readonly RecordOfLog[], feed: Feed): Promise<void> {
    const forwarder = this.#forwarder;
    if (forwarder === undefined) {
      const text =
        this.#flags.json === true
          ? records.map((each) => this.#json(each)).join("")
          : this.#lines.of(records);
      return writeAll(1, text);
    }
    this.#lines.align(records);
    for (const record of records) {
      const outcome = await this.#forward(record, forwarder);
      await writeAll(1, this.#flags.json === true ? this.#json(record) : this.#lines.one(record, outcome));
      await this.#done(feed, record.position);
    }
  }

  /** What a consumer of the service has to get is tried until it is taken. */
  async #forward(record: RecordOfLog, forwarder: Forwarder): Promise<Outcome> {
    let pauseMs = RETRY_MS;
    for (let number = 1; ; number++) {
      const outcome = await forwarder.post(record, number, this.#signal);
      const isLast = outcome.isSuccess || this.#flags.consumer === undefined;
      const told = `postern: ${record.position}: ${outcome.said}, ${outcome.ms} ms`;
      if (!isLast) say(`${told}; tried again in ${pauseMs / 1000} s`);
      else if (this.#flags.json === true) say(told);
      if (isLast) return outcome;
      await pause(pauseMs, undefined, { signal: this.#signal });
      pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX);
    }
  }

  #done(feed: Feed, position: string): Promise<void> {
    return this.#patience.until(() => feed.done(position));
  }

  #json(record: RecordOfLog): string {
    const line = JSON.stringify(record);
    return `${this.#isTerminal ? visibleJson(line) : line}\n`;
  }
}

function terminal() {
  return {
    // A terminal that doesn't say how wide it is says 0.
    columns: () => process.stdout.columns || Number.MAX_SAFE_INTEGER,
    paint: (style: Parameters<typeof styleText>[0], text: string) =>
      styleText(style, text, { stream: process.stdout }),
    today: new Date(systemClock.now()),
  };
}
