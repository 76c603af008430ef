/**
 * Something that is fetched, remembered, and fetched anew when it is old or not enough: one fetch
 * at a time for all who ask, and none soon behind another one.
 */
import type { Clock } from "./clock.ts";

interface RememberedOptions<T> {
  readonly fetch: () => Promise<T>;
  /** So long nothing is fetched anew; what is older is, while it still counts. */
  readonly freshMs: number;
  /** What is older than this doesn't count, whether something newer can be had or not. */
  readonly usableMs: number;
  readonly clock: Clock;
}

/** A failure is the answer to all who ask within this time. */
const FAILURE_MS = 5000;
/** What isn't enough is fetched anew at most so often. */
const NOT_ENOUGH_MS = 30_000;

export class Remembered<T> {
  readonly #options: RememberedOptions<T>;
  #last: { readonly value: T; readonly at: number } | undefined;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** Of the last fetch. */
  #failure: unknown;
  #underway: Promise<void> | undefined;

  constructor(options: RememberedOptions<T>) {
    this.#options = options;
  }

  /** The last that was fetched, while it counts. */
  get value(): T | undefined {
    return this.#ageMs < this.#options.usableMs ? this.#last?.value : undefined;
  }

  get isUnderway(): boolean {
    return this.#underway !== undefined;
  }

  /**
   * Settles once `value` is there and enough, or as new as can be had. Throws what the fetch threw
   * when that failed, now or shortly before.
   */
  async want(isEnough: (value: T) => boolean = () => true): Promise<void> {
    const { value } = this;
    const sinceMs = this.#options.clock.elapsed() - this.#endedAt;
    if (value !== undefined && isEnough(value)) {
      if (this.#ageMs >= this.#options.freshMs && sinceMs >= FAILURE_MS) this.#run().catch(() => undefined);
      return;
    }
    if (this.#underway === undefined && sinceMs < (value === undefined ? FAILURE_MS : NOT_ENOUGH_MS)) {
      if (this.#failure !== undefined) throw this.#failure;
      return;
    }
    await this.#run();
  }

  get #ageMs(): number {
    return this.#options.clock.elapsed() - (this.#last?.at ?? Number.NEGATIVE_INFINITY);
  }

  #run(): Promise<void> {
    this.#underway ??= this.#fetch();
    return this.#underway;
  }

  async #fetch(): Promise<void> {
    try {
      const value = await this.#options.fetch();
      this.#last = { value, at: this.#options.clock.elapsed() };
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#endedAt = this.#options.clock.elapsed();
      this.#underway = undefined;
    }
  }
}
