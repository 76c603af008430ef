/** Counts on their way to the database: by minute, hour and day at once, each as one row. */
import { KEPT_S, STEP_S, STEPS, type StepCount } from "../../core/series.ts";

interface Counted {
  /** Seconds since 1970. */
  readonly at: number;
  readonly source: string;
  readonly what: string;
  readonly rows: number;
}

export class StepCounts {
  readonly #rowsMax: number;
  readonly #counts = new Map<string, StepCount>();
  #total = 0;

  /** Beyond so many rows new ones are begun for days alone. */
  constructor(rowsMax = Number.POSITIVE_INFINITY) {
    this.#rowsMax = rowsMax;
  }

  /** All that was added. */
  get total(): number {
    return this.#total;
  }

  get rows(): readonly StepCount[] {
    return [...this.#counts.values()];
  }

  /** What is over at `now` (seconds) isn't begun any more. */
  add({ at: second, source, what, rows }: Counted, now: number): void {
    this.#total += rows;
    for (const step of STEPS) {
      const at = Math.floor(second / STEP_S[step]) * STEP_S[step];
      if (at < now - KEPT_S[step]) continue;
      const key = `${step} ${at} ${what} ${source}`;
      const before = this.#counts.get(key);
      if (before === undefined && step !== "day" && this.#counts.size >= this.#rowsMax) continue;
      this.#counts.set(key, { step, at, source, what, rows: rows + (before?.rows ?? 0) });
    }
  }
}
