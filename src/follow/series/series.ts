/** Keeps the numbers over time: what came in, what became of requests, and no more than is kept. */
import { describe } from "../../core/errors.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { Following } from "../following.ts";
import { RecordCounting } from "./record-counting.ts";
import { RequestCounting } from "./request-counting.ts";

const PRUNE_EVERY_MS = 3_600_000;
/** What is asked for from the first step on that is kept is still there. */
const SPARED_S = 3600;

interface SeriesOptions {
  readonly following: Following;
  readonly metrics: Pick<Metrics, "webhooks" | "refusals" | "noteLastRecords">;
  readonly log: Pick<Log, "info" | "warn" | "debug">;
  /** Of this process: a UUID. */
  readonly holder: string;
}

export class Series {
  readonly #options: SeriesOptions;
  readonly #records: RecordCounting;
  readonly #requests: RequestCounting;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: SeriesOptions) {
    const { following, metrics, log, holder } = options;
    const { store, clock } = following;
    // Where nothing is written nothing has to be deleted either.
    const onWritten = () => void this.#prune();
    this.#options = options;
    this.#records = new RecordCounting({ following, metrics, log, holder, onWritten });
    this.#requests = new RequestCounting({ store: store.series, metrics, clock, log, holder, onWritten });
  }

  begin(): void {
    this.#records.begin();
    this.#requests.begin();
  }

  /** What was counted last is in the database then, where that can be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#records.close(), this.#requests.close()]);
  }

  get requestsBehind(): RequestCounting["behind"] {
    return this.#requests.behind;
  }

  /** In parts, with as long a pause after each: messages wait meanwhile. */
  async #prune(): Promise<void> {
    const { following, log } = this.#options;
    const { store, clock } = following;
    if (clock.elapsed() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = clock.elapsed();
    try {
      for (let more = true; more && !this.#isClosed; ) {
        const begunAt = clock.elapsed();
        more = await store.series.prune(Math.floor(clock.now() / 1000) - SPARED_S);
        const tookMs = clock.elapsed() - begunAt;
        if (more) await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
      }
    } catch (error) {
      log.debug("old numbers over time could not be deleted", { reason: describe(error) });
    }
  }
}
