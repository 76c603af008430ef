/**
 * The figures that a scrape reads. The hot path only adds to plain numbers; prom-client gives them their names and
 * the text format when somebody asks. No figure here may cost a scan of a table.
 */
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from "prom-client";
import type { StoreFigures } from "../core/store.ts";

/** The label `result` of `webhook_requests_total`, and the header `Postern-Result`. */
export const RESULTS = [
  "ok",
  "duplicate",
  "invalid_signature",
  "validation_error",
  "overloaded",
  "error",
] as const;
export type Result = (typeof RESULTS)[number];

const LATENCY_BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const COMMIT_ROWS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const COMMIT_SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** A histogram that costs an addition or two to observe. */
class PlainHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  /** What prom-client's registry asks of a metric. */
  async get() {
    let below = 0;
    const values = [...this.#bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      below += this.#counts[index] ?? 0;
      const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : bound;
      return { metricName: `${this.name}_bucket`, labels: { le }, value: below };
    });
    return {
      name: this.name,
      help: this.help,
      type: this.type,
      aggregator: this.aggregator,
      values: [
        ...values,
        { metricName: `${this.name}_sum`, labels: {}, value: this.#sum },
        { metricName: `${this.name}_count`, labels: {}, value: below },
      ],
    };
  }
}

export class Metrics {
  readonly latencyMs = new PlainHistogram(
    "request_latency_ms",
    "Time from a request's head to its answer, in milliseconds.",
    LATENCY_BUCKETS_MS,
  );
  readonly commitRows = new PlainHistogram(
    "store_commit_rows",
    "Messages in one commit of the store.",
    COMMIT_ROWS_BUCKETS,
  );
  readonly commitSeconds = new PlainHistogram(
    "store_commit_seconds",
    "Time of one commit of the store, its statements and its fsync included.",
    COMMIT_SECONDS_BUCKETS,
  );
  /** Duplicates whose content differs from what is stored. */
  duplicatesDiffering = 0;
  readonly #webhook: Record<Result, number>;
  readonly #http = new Map<string, { labels: Record<string, string>; count: number }>();
  readonly #registry = new Registry();

  constructor(build: { readonly version: string; readonly runtime: string }) {
    this.#webhook = Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<Result, number>;
    for (const histogram of [this.latencyMs, this.commitRows, this.commitSeconds]) {
      this.#registry.registerMetric(histogram as unknown as Metric);
    }
    this.#counter("http_requests_total", "Requests answered.", ["method", "path", "status"], () =>
      this.#http.values(),
    );
    this.#counter("webhook_requests_total", "Webhook requests by their result.", ["result"], () =>
      RESULTS.map((result) => ({ labels: { result }, count: this.#webhook[result] })),
    );
    this.#counter(
      "webhook_duplicates_differing_total",
      "Duplicates whose content differs from the stored message (the first write stays).",
      [],
      () => [{ labels: {}, count: this.duplicatesDiffering }],
    );
    this.gauge("postern_build_info", "Version of Postern and of its runtime.", () => 1, build);
    collectDefaultMetrics({ register: this.#registry });
    for (const { name } of this.#registry.getMetricsAsArray() as unknown as readonly { name: string }[]) {
      // Figures of V8 that mean nothing on this runtime.
      if (name.startsWith("nodejs_") && !name.startsWith("nodejs_eventloop_"))
        this.#registry.removeSingleMetric(name);
    }
  }

  /** The store's figures, asked for at each scrape. */
  watchStore(figures: () => StoreFigures): void {
    this.gauge("store_messages", "Messages stored.", () => figures().storedMessages);
    this.gauge("store_queue_rows", "Messages that wait for a commit.", () => figures().queueRows);
    this.gauge("store_database_bytes", "Size of the database file.", () => figures().databaseBytes);
    this.gauge(
      "store_index_bytes",
      "Size of the index file and its write-ahead log.",
      () => figures().indexBytes,
    );
    this.#gauges(
      "postern_follower_lag_rows",
      "Stored messages that a follower has not taken into its tables yet.",
      ["follower"],
      () =>
        Object.entries(figures().followerLagRows).map(([follower, rows]) => ({
          labels: { follower },
          value: rows,
        })),
    );
    this.gauge("store_wal_bytes", "Size of the write-ahead log file.", () => figures().walBytes);
  }

  /** A counter kept elsewhere, read at each scrape. */
  watchCounter(name: string, help: string, read: () => number): void {
    this.#counter(name, help, [], () => [{ labels: {}, count: read() }]);
  }

  countWebhook(result: Result): void {
    this.#webhook[result]++;
  }

  /** `path` is a route's pattern or `unmatched`, never what a client sent: the number of series is bounded. */
  countRequest(method: string, path: string, status: number): void {
    const key = `${method} ${path} ${status}`;
    const series = this.#http.get(key);
    if (series !== undefined) series.count++;
    else this.#http.set(key, { labels: { method, path, status: String(status) }, count: 1 });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus text, version 0.0.4. */
  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  gauge(name: string, help: string, read: () => number, labels: Readonly<Record<string, string>> = {}): void {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      collect() {
        this.set({ ...labels }, read());
      },
    });
  }

  #gauges(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<{ labels: Record<string, string>; value: number }>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        for (const { labels, value } of read()) this.set(labels, value);
      },
    });
  }

  #counter(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<{ labels: Record<string, string>; count: number }>,
  ): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels, count } of read()) this.inc(labels, count);
      },
    });
  }
}
