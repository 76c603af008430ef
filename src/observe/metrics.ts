/**
 * The figures that a scrape reads. The hot path only adds to plain numbers; prom-client gives them
 * their names and the text format when somebody asks. No figure here may cost a scan of a table.
 */
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from "prom-client";
import { EVENT_KINDS, type EventKind } from "../core/parsed-body.ts";
import type { LastRecord } from "../core/series.ts";
import type { Outcome, StoreFigures } from "../core/store.ts";
import type { ProofKind } from "../lib/route.ts";
import { Buckets } from "./buckets.ts";
import { NewestRefusals } from "./newest-refusals.ts";
import { type Histograms, PlainHistogram } from "./plain-histogram.ts";
import { RequestCounts } from "./request-counts.ts";

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

const OUTCOMES = ["created", "duplicate", "differs", "conflict"] as const satisfies readonly Outcome[];

/** What one source's webhooks count: whoever has it only adds. */
export interface WebhookTally {
  readonly requests: Record<Result, number>;
  readonly messages: Record<Outcome, number>;
  /** POSTs that were too much of something to be taken apart. */
  keptWhole: number;
  /** POSTs that held a time which couldn't be read. */
  unreadTimes: number;
  /** New ones alone. */
  readonly events: Record<EventKind, number>;
  /** Of these, those that differ from what has their key. */
  differingEvents: number;
  /**
   * When this process received its last new message, in milliseconds since 1970; undefined before
   * the first.
   */
  lastMessageAt: number | undefined;
  /** The same of its last new event. */
  lastEventAt: number | undefined;
}

const COMMIT_ROWS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const COMMIT_SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const DESTINATION_STATES = ["ok", "down", "paused", "inactive"] as const;

interface DestinationTally {
  readonly success: number;
  readonly failure: number;
  /** Seconds. */
  readonly answers: Buckets;
}

/** Where the configuration doesn't say what a destination gets, nobody knows how far it is. */
export interface DestinationFigures {
  readonly state: (typeof DESTINATION_STATES)[number];
  readonly lag: { readonly records: number; readonly seconds: number } | undefined;
  readonly overdueSeconds: number | undefined;
  readonly putAside: number;
  readonly dead: number;
}

/** Whatever isn't among them has no series any more. */
type Series = Iterable<{ readonly labels: Record<string, string>; readonly value: number }>;

export class Metrics {
  readonly requests = new RequestCounts();
  readonly commitRows = new Buckets(COMMIT_ROWS_BUCKETS);
  readonly commitSeconds = new Buckets(COMMIT_SECONDS_BUCKETS);
  /**
   * Proofs that failed, and those of them that were answered with 429: whoever refuses only adds.
   */
  readonly failedAuth: Record<ProofKind, number> = { webhook: 0, api: 0 };
  readonly failedAuthLimited: Record<ProofKind, number> = { webhook: 0, api: 0 };
  /** Of webhooks: whoever refuses one adds it. */
  readonly refusals = new NewestRefusals();
  /** Whoever reads one for the first time adds it. */
  damagedRows = 0;
  /** Records that streams have sent: whoever sends them adds. */
  streamRecords = 0;
  readonly #webhooks = new Map<string, WebhookTally>();
  /** Milliseconds since 1970, by source: what the database knows. */
  readonly #lastStored = { message: new Map<string, number>(), event: new Map<string, number>() };
  readonly #registry = new Registry();

  constructor(build: { readonly version: string; readonly runtime: string }) {
    const one = (buckets: Buckets) => () => [{ labels: {}, buckets }];
    this.#histogram(
      "request_latency_ms",
      "Time from a request's head to its answer, in milliseconds, of all routes together.",
      () => [{ labels: {}, buckets: this.requests.latencyMs }],
    );
    this.#histogram("request_duration_seconds", "Time from a request's head to its answer, by route.", () =>
      this.requests.durations(),
    );
    this.#histogram("store_commit_rows", "Messages in one commit of the store.", one(this.commitRows));
    this.#histogram(
      "store_commit_seconds",
      "Time of one commit of the store, its statements and its fsync included.",
      one(this.commitSeconds),
    );
    this.#counter(
      "http_requests_total",
      "Requests answered.",
      ["method", "path", "status"],
      () => this.requests.series,
    );
    this.#watchWebhooks();
    this.#watchFailedAuth();
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
    this.gauge("store_events", "Events stored.", () => figures().storedEvents);
    this.gauge("store_queue_rows", "Messages that wait for a commit.", () => figures().queueRows);
    this.gauge(
      "store_queue_rows_max",
      "Messages that may wait for a commit; beyond them 503.",
      () => figures().queueRowsMax,
    );
    this.gauge(
      "store_disk_bytes",
      "Size of the file system that holds the database; none for a database server.",
      () => figures().disk?.bytes,
    );
    this.gauge(
      "store_disk_free_bytes",
      "What of it this process may still write.",
      () => figures().disk?.freeBytes,
    );
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
    this.gauge(
      "store_read_lag_seconds",
      "How far behind reads are, when a standby answers them; 0 when none does.",
      () => figures().readLagSeconds,
    );
    this.gauge("store_wal_bytes", "Size of the write-ahead log file.", () => figures().walBytes);
    this.watchCounter(
      "store_damaged_rows_total",
      "Stored rows that were read and whose checksum differs; each counts once.",
      () => this.damagedRows,
    );
  }

  /** How many streams are open, asked for at each scrape. */
  watchStreams(open: () => number): void {
    this.gauge("postern_streams", "Streams that are open.", open);
    this.watchCounter(
      "postern_stream_records_total",
      "Records that streams have sent.",
      () => this.streamRecords,
    );
  }

  /** How far consumers are behind, by name; asked for at each scrape. */
  watchConsumers(
    lags: () => Promise<ReadonlyMap<string, { readonly records: number; readonly seconds: number }>>,
  ): void {
    const gauge = (unit: "records" | "seconds", help: string) =>
      this.#gauges(`postern_consumer_lag_${unit}`, help, ["consumer"], async () =>
        [...(await lags())].map(([consumer, lag]) => ({ labels: { consumer }, value: lag[unit] })),
      );
    gauge("records", "Records behind a consumer's position that match; beyond 10,000 a lower bound.");
    gauge("seconds", "How long ago the oldest of them was received; 0 without one.");
  }

  /** By name: what the attempts of this process came to, and how each destination stands. */
  watchDestinations(
    tallies: () => ReadonlyMap<string, DestinationTally>,
    figures: () => Promise<ReadonlyMap<string, DestinationFigures>>,
  ): void {
    this.#counter(
      "postern_destination_attempts_total",
      "Attempts to hand a record on, by what came of them.",
      ["destination", "result"],
      () =>
        [...tallies()].flatMap(([destination, tally]) =>
          (["success", "failure"] as const).map((result) => ({
            labels: { destination, result },
            count: tally[result],
          })),
        ),
    );
    this.#histogram(
      "postern_destination_answer_seconds",
      "Time of an attempt, until the head of its answer was there or it failed.",
      () =>
        [...tallies()].map(([destination, { answers }]) => ({ labels: { destination }, buckets: answers })),
    );
    this.#gauges(
      "postern_destination_state",
      "1 for the state that a destination is in, 0 for the others.",
      ["destination", "state"],
      async () =>
        [...(await figures())].flatMap(([destination, figure]) =>
          DESTINATION_STATES.map((state) => ({
            labels: { destination, state },
            value: figure.state === state ? 1 : 0,
          })),
        ),
    );
    const gauge = (name: string, help: string, read: (figure: DestinationFigures) => number | undefined) =>
      this.#gauges(`postern_destination_${name}`, help, ["destination"], async () =>
        [...(await figures())].flatMap(([destination, figure]) => {
          const value = read(figure);
          return value === undefined ? [] : [{ labels: { destination }, value }];
        }),
      );
    gauge(
      "lag_records",
      "Records behind a destination's position that match; beyond 10,000 a lower bound.",
      ({ lag }) => lag?.records,
    );
    gauge(
      "lag_seconds",
      "How long ago the oldest of them was received; 0 without one.",
      ({ lag }) => lag?.seconds,
    );
    gauge(
      "overdue_seconds",
      "How long the record that should have been tried again first is overdue; 0 without one.",
      ({ overdueSeconds }) => overdueSeconds,
    );
    gauge("put_aside", "Records that failed and are tried again.", ({ putAside }) => putAside);
    gauge("dead", "Records that are not tried again until somebody asks for it.", ({ dead }) => dead);
  }

  /** A counter kept elsewhere, read at each scrape. */
  watchCounter(name: string, help: string, read: () => number): void {
    this.#counter(name, help, [], () => [{ labels: {}, count: read() }]);
  }

  /** By source, of all that there were since the start. */
  get webhooks(): ReadonlyMap<string, WebhookTally> {
    return this.#webhooks;
  }

  /**
   * The counts of a source, all at 0 when it is new. One that is configured no more keeps its
   * series.
   */
  webhooksOf(source: string): WebhookTally {
    const known = this.#webhooks.get(source);
    if (known !== undefined) return known;
    const tally = {
      requests: zeros(RESULTS),
      messages: zeros(OUTCOMES),
      keptWhole: 0,
      unreadTimes: 0,
      differingEvents: 0,
      events: zeros(EVENT_KINDS),
      lastMessageAt: undefined,
      lastEventAt: undefined,
    };
    this.#webhooks.set(source, tally);
    return tally;
  }

  /** Takes over when sources brought something last, whichever process received it. */
  noteLastRecords(records: readonly LastRecord[]): void {
    for (const { source, what, at } of records) {
      const last = this.#lastStored[what === "message" ? "message" : "event"];
      last.set(source, Math.max(last.get(source) ?? 0, Date.parse(at)));
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus text, version 0.0.4. */
  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  #watchWebhooks(): void {
    const perSource =
      (label: string, countsOf: (tally: WebhookTally) => Readonly<Record<string, number>>) => () =>
        [...this.#webhooks].flatMap(([source, tally]) =>
          Object.entries(countsOf(tally)).map(([value, count]) => ({
            labels: { source, [label]: value },
            count,
          })),
        );
    const all = (outcome: Outcome) => () => [
      { labels: {}, count: sum(this.#webhooks.values(), ({ messages }) => messages[outcome]) },
    ];
    this.#counter(
      "webhook_requests_total",
      "Webhook requests by their source and result.",
      ["source", "result"],
      perSource("result", ({ requests }) => requests),
    );
    this.#counter(
      "webhook_messages_total",
      "Messages in webhooks by their source and what became of them.",
      ["source", "result"],
      perSource("result", ({ messages }) => messages),
    );
    this.#counter(
      "webhook_events_total",
      "New events by their source and kind.",
      ["source", "kind"],
      perSource("kind", ({ events }) => events),
    );
    this.#counter(
      "webhook_kept_whole_total",
      "Verified webhooks that were too large or deep to be taken apart (kept as one event each).",
      ["source"],
      () => [...this.#webhooks].map(([source, { keptWhole }]) => ({ labels: { source }, count: keptWhole })),
    );
    this.#counter(
      "webhook_unread_times_total",
      "Verified webhooks with a time that couldn't be read (the time of receipt stands in for it).",
      ["source"],
      () => [...this.#webhooks].map(([source, { unreadTimes: count }]) => ({ labels: { source }, count })),
    );
    const last = (what: "message" | "event", at: (tally: WebhookTally) => number | undefined) =>
      this.#gauges(
        `webhook_last_${what}_timestamp_seconds`,
        `When a source's last new ${what} was received, also before this start; there is none before the first.`,
        ["source"],
        () =>
          [...this.#webhooks].flatMap(([source, tally]) => {
            const ms = Math.max(at(tally) ?? 0, this.#lastStored[what].get(source) ?? 0);
            return ms === 0 ? [] : [{ labels: { source }, value: ms / 1000 }];
          }),
      );
    last("message", ({ lastMessageAt }) => lastMessageAt);
    last("event", ({ lastEventAt }) => lastEventAt);
    this.#counter(
      "webhook_duplicates_differing_total",
      "Duplicates whose content differs from the stored message (the first write stays).",
      [],
      all("differs"),
    );
    this.#counter(
      "webhook_events_differing_total",
      "New events whose content differs from the stored event of their key (kept under a further key).",
      ["source"],
      () =>
        [...this.#webhooks].map(([source, { differingEvents: count }]) => ({ labels: { source }, count })),
    );
    this.#counter(
      "webhook_conflicts_total",
      "Messages whose identifier is taken by another source's message (kept as events).",
      [],
      all("conflict"),
    );
  }

  #watchFailedAuth(): void {
    const perRoute = (counts: Readonly<Record<ProofKind, number>>) => () =>
      Object.entries(counts).map(([route, count]) => ({ labels: { route }, count }));
    this.#counter(
      "postern_failed_auth_total",
      "Requests without a valid signature, verify token or API token.",
      ["route"],
      perRoute(this.failedAuth),
    );
    this.#counter(
      "postern_failed_auth_limited_total",
      "Those of them that came from an address beyond FAILED_AUTH_PER_MINUTE and were answered with 429.",
      ["route"],
      perRoute(this.failedAuthLimited),
    );
  }

  /** There is no series while `read` knows no figure. */
  gauge(
    name: string,
    help: string,
    read: () => number | undefined,
    labels: Readonly<Record<string, string>> = {},
  ): void {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      collect() {
        const figure = read();
        if (figure === undefined) this.remove({ ...labels });
        else this.set({ ...labels }, figure);
      },
    });
  }

  #gauges(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Series | Promise<Series>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      async collect() {
        const series = await read();
        this.reset();
        for (const { labels, value } of series) this.set(labels, value);
      },
    });
  }

  #histogram(name: string, help: string, read: () => Histograms): void {
    this.#registry.registerMetric(new PlainHistogram(name, help, read) as unknown as Metric);
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

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
}

function sum<T>(items: Iterable<T>, figureOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += figureOf(item);
  return total;
}
