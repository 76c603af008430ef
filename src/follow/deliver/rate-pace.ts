/** How soon the next record may be sent, where a destination takes only so many a second. */
import type { Clock } from "../../lib/clock.ts";

/** What was not used is kept for so long. */
const BURST_MS = 1000;

export class RatePace {
  readonly #everyMs: number;
  readonly #clock: Clock;
  /** Of the elapsed time, when the next one may go. */
  #nextAt: number;

  constructor(perS: number | undefined, clock: Clock) {
    this.#everyMs = perS === undefined ? 0 : 1000 / perS;
    this.#clock = clock;
    this.#nextAt = clock.elapsed();
  }

  /** Milliseconds until one may go; 0 for now. */
  get waitMs(): number {
    return this.#everyMs === 0 ? 0 : Math.max(0, this.#nextAt - this.#clock.elapsed());
  }

  take(): void {
    if (this.#everyMs === 0) return;
    this.#nextAt = Math.max(this.#nextAt, this.#clock.elapsed() - BURST_MS) + this.#everyMs;
  }
}
