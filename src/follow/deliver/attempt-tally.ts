/** What became of a destination's attempts, and how long its answers took. */
import { Buckets } from "../../observe/buckets.ts";
import type { Outcome } from "./sink.ts";

/** The last answers, by which their time is known. */
const ANSWERS = 1000;
/** Up to the longest that an attempt may take. */
const ANSWER_SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120];

export class AttemptTally {
  success = 0;
  failure = 0;
  /** Of all attempts, in seconds. */
  readonly answers = new Buckets(ANSWER_SECONDS_BUCKETS);
  readonly #answersMs: number[] = [];
  #next = 0;

  add({ isDelivered, ms }: Outcome): void {
    if (isDelivered) this.success++;
    else this.failure++;
    this.answers.observe(ms / 1000);
    this.#answersMs[this.#next] = ms;
    this.#next = (this.#next + 1) % ANSWERS;
  }

  /** Milliseconds; null before the first. */
  answerMs(part: number): number | null {
    const sorted = this.#answersMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
  }
}
