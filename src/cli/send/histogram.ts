/** Times in a fixed amount of memory: quantiles to within one per cent, the largest exactly. */

const STEP = Math.log(1.01);
/** In microseconds; the last bucket lies beyond an hour. */
const BUCKETS = 2300;

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(1, ms * 1000)) / STEP);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total++;
    this.#max = Math.max(this.#max, ms);
  }

  get total(): number {
    return this.#total;
  }

  get max(): number {
    return this.#max;
  }

  /** The time that the given share of all (0 to 1) did not exceed; 0 when there are none. */
  quantile(share: number): number {
    let below = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += this.#counts[bucket] ?? 0;
      if (below >= share * this.#total && below > 0)
        return Math.min(this.#max, Math.exp(bucket * STEP) / 1000);
    }
    return this.#max;
  }
}
