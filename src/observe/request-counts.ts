/**
 * What requests count. Time is counted by route alone, and added up over routes when it is asked
 * for: a request costs one histogram.
 */
import { Buckets } from "./buckets.ts";
import type { Histograms } from "./plain-histogram.ts";

const LATENCY_BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const SECOND_MS = 1000;

interface RequestSeries {
  readonly labels: Record<string, string>;
  count: number;
  /** Of its path, whatever the method and status. */
  readonly latencyMs: Buckets;
}

export class RequestCounts {
  readonly #series = new Map<string, RequestSeries>();
  readonly #latencyMs = new Map<string, Buckets>();

  /**
   * `path` is a route's pattern or `unmatched`, never what a client sent: the number of series is
   * bounded.
   */
  count(method: string, path: string, status: number, latencyMs: number): void {
    const key = `${method} ${path} ${status}`;
    const series = this.#series.get(key) ?? this.#begin(key, { method, path, status: String(status) });
    series.count++;
    series.latencyMs.observe(latencyMs);
  }

  /** By method, path and status. */
  get series(): Iterable<Readonly<RequestSeries>> {
    return this.#series.values();
  }

  /** Seconds, by path. */
  *durations(): Histograms {
    for (const [path, buckets] of this.#latencyMs)
      yield { labels: { path }, buckets: buckets.inUnitsOf(SECOND_MS) };
  }

  /** Of all paths together. */
  get latencyMs(): Buckets {
    return new Buckets(LATENCY_BUCKETS_MS).add(this.#latencyMs.values());
  }

  #begin(key: string, labels: { readonly method: string; readonly path: string; readonly status: string }) {
    const latencyMs = this.#latencyMs.get(labels.path) ?? new Buckets(LATENCY_BUCKETS_MS);
    this.#latencyMs.set(labels.path, latencyMs);
    const series: RequestSeries = { labels, count: 0, latencyMs };
    this.#series.set(key, series);
    return series;
  }
}
