/** What became of a destination's attempts, and how long its answers took. */
import type { Outcome } from "./sink.ts";

/** The last answers, by which their time is known. */
const ANSWERS = 1000;

export class AttemptTally {
  success = 0;
  failure = 0;
  /** Of all attempts, in seconds. */
  seconds = 0;
  readonly #answersMs: number[] = [];
  #next = 0;

  add({ isDelivered, ms }: Outcome): void {
    if (isDelivered) this.success++;
    else this.failure++;
    this.seconds += ms / 1000;
    this.#answersMs[this.#next] = ms;
    this.#next = (this.#next + 1) % ANSWERS;
  }

  /** Milliseconds; null before the first. */
  answerMs(part: number): number | null {
    const sorted = this.#answersMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
  }
}
