/**
 * How fast large bodies are read, all of them together. What isn't read waits in the sender's connection; read as fast
 * as it comes, a few strangers' bodies would take the whole main thread.
 */
import type { Clock } from "../lib/clock.ts";

/** Reading so much costs a sixth of a processor. */
const BYTES_PER_MS_MAX = 64 * 1024;
/** So much may be read at once after a rest: one whole body of the usual limit. */
const BURST_MS = 64;

export class ReadingPace {
  readonly #clock: Clock;
  /** Until when what was read takes up the pace. */
  #busyUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the next piece may be read, now that so many bytes were. */
  waitMs(bytes: number): number {
    const now = this.#clock.elapsed();
    this.#busyUntil = Math.max(this.#busyUntil, now - BURST_MS) + bytes / BYTES_PER_MS_MAX;
    return Math.max(0, this.#busyUntil - now);
  }
}
