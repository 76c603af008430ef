/**
 * How fast large bodies are read, all of them together. What isn't read waits in the sender's
 * connection; read as fast as it comes, a few strangers' bodies would take the whole main thread.
 */
import type { Clock } from "../lib/clock.ts";

/** So much may be read at once after a rest: one whole body of the usual limit. */
const BURST_BYTES = 4 * 1024 * 1024;

export class ReadingPace {
  readonly #bytesPerMs: number;
  readonly #clock: Clock;
  /** Until when what was read takes up the pace. */
  #busyUntil = Number.NEGATIVE_INFINITY;

  constructor(mibPerSecond: number, clock: Clock) {
    this.#bytesPerMs = (mibPerSecond * 1024 * 1024) / 1000;
    this.#clock = clock;
  }

  /** Milliseconds until the next piece may be read, now that so many bytes were. */
  waitMs(bytes: number): number {
    const now = this.#clock.elapsed();
    const rested = now - BURST_BYTES / this.#bytesPerMs;
    this.#busyUntil = Math.max(this.#busyUntil, rested) + bytes / this.#bytesPerMs;
    return Math.max(0, this.#busyUntil - now);
  }
}
