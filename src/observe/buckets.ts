/** What a histogram counts. A value costs an addition or two. */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  sum = 0;

  /** A bound is the largest value of its bucket; they ascend. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.sum += value;
  }

  /** Adds what others of the same bounds have counted. */
  add(others: Iterable<Buckets>): this {
    for (const other of others) {
      for (const [bucket, count] of other.#counts.entries())
        this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.sum += other.sum;
    }
    return this;
  }

  /** The same values in a unit that is so many times as large. */
  inUnitsOf(size: number): Buckets {
    const scaled = new Buckets(this.#bounds.map((bound) => bound / size));
    for (const [bucket, count] of this.#counts.entries()) scaled.#counts[bucket] = count;
    scaled.sum = this.sum / size;
    return scaled;
  }

  /** For each bound, the last of which is `Infinity`, how many values are no larger. */
  cumulative(): readonly { readonly bound: number; readonly count: number }[] {
    let count = 0;
    return [...this.#bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      count += this.#counts[index] ?? 0;
      return { bound, count };
    });
  }
}
