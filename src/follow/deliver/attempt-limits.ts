/**
 * What ends attempts from this side: their time, or somebody who wants one to stop. All attempts of
 * a sink share one timer, as two for each of them were a fifth of what an attempt costs.
 */
import type { Clock } from "../../lib/clock.ts";

/** An attempt may take so much longer than its time. */
const TICK_MS = 50;

export class AttemptLimits {
  readonly #clock: Clock;
  readonly #current = new Set<AttemptLimit>();
  #cancelTick: (() => void) | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The work, which ends by itself once its limit has: after so long, or where it is asked for. */
  async within<T>(ms: number, asked: AbortSignal, work: (limit: AttemptLimit) => Promise<T>): Promise<T> {
    const limit = this.#begin(ms, asked);
    try {
      return await work(limit);
    } finally {
      this.#current.delete(limit);
      limit.release();
    }
  }

  #begin(ms: number, asked: AbortSignal): AttemptLimit {
    const limit = new AttemptLimit(this.#clock, ms, asked);
    this.#current.add(limit);
    this.#cancelTick ??= this.#clock.after(TICK_MS, this.#tick);
    if (this.#isClosed) limit.stop();
    return limit;
  }

  /** Stops what is under way, and what begins from now on. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTick?.();
    for (const limit of this.#current) limit.stop();
  }

  readonly #tick = (): void => {
    const now = this.#clock.elapsed();
    for (const limit of this.#current) limit.endAt(now);
    this.#cancelTick = this.#current.size === 0 ? undefined : this.#clock.after(TICK_MS, this.#tick);
  };
}

export class AttemptLimit {
  readonly #clock: Clock;
  readonly #asked: AbortSignal;
  readonly #controller = new AbortController();
  #endsAt = Number.POSITIVE_INFINITY;
  #why: "timeout" | "stopped" | undefined;

  /** The signal stops it. */
  constructor(clock: Clock, ms: number, asked: AbortSignal) {
    this.#clock = clock;
    this.#asked = asked;
    this.endWithin(ms);
    asked.addEventListener("abort", this.stop);
    if (asked.aborted) this.stop();
  }

  /** Why it has ended; undefined while it goes on. */
  get why(): "timeout" | "stopped" | undefined {
    return this.#why;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Earlier than so far, or as it is. */
  endWithin(ms: number): void {
    this.#endsAt = Math.min(this.#endsAt, this.#clock.elapsed() + ms);
  }

  endAt(now: number): void {
    if (now >= this.#endsAt) this.#end("timeout");
  }

  /** Undefined when the end comes first; what was waited for goes on. */
  async wait<T>(promise: Promise<T>): Promise<T | undefined> {
    const ended = Promise.withResolvers<undefined>();
    const end = () => ended.resolve(undefined);
    this.signal.addEventListener("abort", end);
    if (this.signal.aborted) end();
    return Promise.race([promise, ended.promise]);
  }

  /** Nothing ends it any more. */
  release(): void {
    this.#asked.removeEventListener("abort", this.stop);
  }

  readonly stop = (): void => this.#end("stopped");

  #end(why: "timeout" | "stopped"): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#controller.abort();
  }
}
