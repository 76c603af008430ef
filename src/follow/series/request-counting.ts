/**
 * What becomes of webhook requests, over time: the process's counters are looked at once a second,
 * and what was added to them goes to the database in one small write, with the newest refusals.
 * Whoever answers a request does nothing for it but count.
 */
import { describe, StorageUnavailable } from "../../core/errors.ts";
import type { RequestsCounted, SeriesStore } from "../../core/series.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../observe/log.ts";
import { type Metrics, RESULTS, type Result } from "../../observe/metrics.ts";
import { StepCounts } from "./step-counts.ts";

const EVERY_MS = 1000;
/** While the database fails: beyond it minutes and hours are no longer told apart. */
const ROWS_MAX = 20_000;

interface RequestCountingOptions {
  readonly store: Pick<SeriesStore, "add">;
  readonly metrics: Pick<Metrics, "webhooks" | "refusals">;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
  /** Of this process. */
  readonly holder: string;
  readonly onWritten: () => void;
}

export class RequestCounting {
  readonly #options: RequestCountingOptions;
  readonly #seen = new Map<string, Record<Result, number>>();
  #pending = new StepCounts(ROWS_MAX);
  /** What was given to the store, and isn't known to be there. */
  #writing: (RequestsCounted & { readonly total: number }) | undefined;
  #writes = 0;
  /** When the counters were looked at last, and when all of them were in the database. */
  #lookedAt: number;
  #writtenAt: number;
  #isFailing = false;
  #isClosed = false;
  #cancel: () => void = () => undefined;
  #underway: Promise<void> = Promise.resolve();

  constructor(options: RequestCountingOptions) {
    this.#options = options;
    this.#lookedAt = options.clock.now();
    this.#writtenAt = this.#lookedAt;
  }

  begin(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(EVERY_MS, () => {
      this.#underway = this.#write().finally(() => this.begin());
    });
  }

  /** With what was counted last. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#underway;
    const isLeft = this.#writing !== undefined;
    await this.#write();
    if (isLeft) await this.#write();
  }

  /** Requests of this process that the database doesn't have, and since when (milliseconds). */
  get behind(): { readonly requests: number; readonly since: number } {
    this.#look();
    const requests = this.#pending.total + (this.#writing?.total ?? 0);
    return { requests, since: requests === 0 ? this.#lookedAt : this.#writtenAt };
  }

  /** Takes what the counters have more than when they were looked at before. */
  #look(): void {
    const { metrics, clock } = this.#options;
    const now = clock.now();
    const at = Math.floor(Math.min(this.#lookedAt, now) / 1000);
    for (const [source, { requests }] of metrics.webhooks) {
      const seen = this.#seen.get(source);
      for (const what of RESULTS) {
        const rows = requests[what] - (seen?.[what] ?? 0);
        if (rows > 0) this.#pending.add({ at, source, what, rows }, at);
      }
      this.#seen.set(source, { ...requests });
    }
    this.#lookedAt = now;
  }

  async #write(): Promise<void> {
    const { store, metrics, holder, log, onWritten } = this.#options;
    this.#look();
    const lookedAt = this.#lookedAt;
    if (this.#writing === undefined) {
      const { total, rows: counts } = this.#pending;
      const refusals = metrics.refusals.take();
      if (total === 0 && refusals.length === 0) return;
      this.#pending = new StepCounts(ROWS_MAX);
      this.#writes++;
      this.#writing = { holder, number: this.#writes, counts, refusals, total };
    }
    try {
      const { total: _, ...counted } = this.#writing;
      await store.add(counted);
    } catch (error) {
      // Told once: it is tried every second. That the database can't be used the store has said.
      if (!this.#isFailing && !(error instanceof StorageUnavailable))
        log.warn("requests could not be counted for the numbers over time", { reason: describe(error) });
      this.#isFailing = true;
      return;
    }
    this.#writing = undefined;
    this.#isFailing = false;
    if (this.#pending.total === 0) this.#writtenAt = lookedAt;
    onWritten();
  }
}
