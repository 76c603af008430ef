/**
 * Work that many ask for at once: one run at a time, and all who ask while one is under way share
 * the next one, which begins after each of them has asked. Runs that follow each other begin some
 * time apart, so that they share more.
 */
import type { Clock } from "./clock.ts";

export class SharedRun {
  readonly #work: () => Promise<void>;
  readonly #apartMs: number;
  readonly #clock: Clock;
  #begunAt = Number.NEGATIVE_INFINITY;
  #underway: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>, apartMs: number, clock: Clock) {
    this.#work = work;
    this.#apartMs = apartMs;
    this.#clock = clock;
  }

  /** Settles with a run that has begun since it was asked for. */
  run(): Promise<void> {
    this.#next ??= this.#later();
    return this.#next;
  }

  async #later(): Promise<void> {
    await this.#underway?.catch(() => undefined);
    const leftMs = this.#begunAt + this.#apartMs - this.#clock.elapsed();
    if (leftMs > 0) await new Promise<void>((resolve) => void this.#clock.after(leftMs, resolve));
    this.#next = undefined;
    this.#begunAt = this.#clock.elapsed();
    this.#underway = this.#work();
    await this.#underway;
  }
}
