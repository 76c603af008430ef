/** Quantiles of a histogram's buckets. */

export interface Bucket {
  /** The largest value of the bucket; null for the last one. */
  readonly le: number | null;
  /** Values that are no larger. */
  readonly count: number;
}

/** What came to `now` that wasn't in `before` yet; all of it when the process began anew. */
export function since(before: readonly Bucket[] | undefined, now: readonly Bucket[]): readonly Bucket[] {
  const begins = before?.map(({ count }, index) => count > (now[index]?.count ?? 0)).includes(true) ?? true;
  return begins
    ? now
    : now.map(({ le, count }, index) => ({ le, count: count - (before?.[index]?.count ?? 0) }));
}

/**
 * The value below which this share of all lies, as far as the buckets tell: evenly within one.
 * Undefined without values; of the last bucket its lower bound is known alone.
 */
export function quantile(buckets: readonly Bucket[], share: number): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  let [from, below] = [0, 0];
  for (const { le, count } of buckets) {
    if (count >= rank && count > below)
      return le === null ? from : from + ((le - from) * (rank - below)) / (count - below);
    [from, below] = [le ?? from, count];
  }
  return from;
}
