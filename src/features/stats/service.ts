/** `GET /stats/service`: how this process is, for whoever looks and has no Prometheus. */
import { type Static, Type } from "typebox";
import { Failure } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import type { Clock } from "../../lib/clock.ts";
import type { DiskSpace } from "../../lib/disk-space.ts";
import { json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import type { Buckets } from "../../observe/buckets.ts";
import type { Metrics } from "../../observe/metrics.ts";

const Bytes = (description: string) => Type.Integer({ format: "int64", description });
const Rows = Bytes;
const OrNull = <T extends ReturnType<typeof Bytes>>(type: T) => Type.Union([type, Type.Null()]);
const BucketList = (description: string) =>
  Type.Array(
    Type.Object({
      le: Type.Union([Type.Number(), Type.Null()], {
        description: "The bucket's largest value; null for the last.",
      }),
      count: Type.Integer({
        format: "int64",
        description: "Values since the start that are no larger than it.",
      }),
    }),
    { description },
  );
const ServiceFigures = Type.Object(
  {
    version: Type.String(),
    started_at: Type.String(),
    cant_store: Type.Union([Type.String(), Type.Null()], {
      description: "Why nothing can be stored now; null when it can, as `/health/ready` says.",
    }),
    messages: OrNull(Rows("Messages stored.")),
    events: OrNull(Rows("Events stored.")),
    queue_rows: Rows("Rows that wait for a commit."),
    queue_rows_max: Rows("Beyond so many, requests get 503."),
    behind_rows: Rows("Stored rows that the index, or another follower of the store, hasn't taken."),
    behind_rows_max: Rows("From half of it on messages are taken more slowly."),
    read_lag_seconds: Type.Number({
      description: "How old the state is that reads show, where a standby answers them.",
    }),
    database_bytes: OrNull(Bytes("Size of the database.")),
    index_bytes: Bytes("Size of the index."),
    wal_bytes: Bytes("Size of the write-ahead log."),
    disk_free_bytes: OrNull(Bytes("Left on the disk of the database; null where that is another machine's.")),
    disk_total_bytes: OrNull(Bytes("Of that disk.")),
    damaged_rows: Rows("Rows that were read and whose checksum differs."),
    log_lines_dropped: Rows("Log lines that nobody read in time."),
    latency_ms: BucketList("Milliseconds from a request's head to its answer."),
    commit_seconds: BucketList("Seconds of a commit, its fsync included."),
  },
  {
    $id: "ServiceFigures",
    examples: [
      {
        version: "0.1.0",
        started_at: "2025-11-28T09:12:40.338Z",
        cant_store: null,
        messages: 120408,
        events: 301877,
        queue_rows: 0,
        queue_rows_max: 20000,
        behind_rows: 12,
        behind_rows_max: 65536,
        read_lag_seconds: 0,
        database_bytes: 188743680,
        index_bytes: 61865984,
        wal_bytes: 68157440,
        disk_free_bytes: 20406620160,
        disk_total_bytes: 25276502016,
        damaged_rows: 0,
        log_lines_dropped: 0,
        latency_ms: [
          { le: 5, count: 4180 },
          { le: 100, count: 4291 },
          { le: null, count: 4291 },
        ],
        commit_seconds: [
          { le: 0.005, count: 3987 },
          { le: 0.1, count: 4012 },
          { le: null, count: 4012 },
        ],
      },
    ],
  },
);

export interface ServiceRouteOptions {
  readonly store: Pick<Store, "figures" | "ping">;
  readonly metrics: Pick<Metrics, "requests" | "commitSeconds" | "damagedRows">;
  readonly clock: Clock;
  readonly version: string;
  /** Of the disk with the database; undefined where nobody knows. */
  readonly disk: () => Promise<DiskSpace | undefined>;
  readonly linesDropped: () => number;
  readonly queueRowsMax: number;
  readonly followerLagRowsMax: number;
}

export function serviceRoute(options: ServiceRouteOptions): Route {
  const startedAt = new Date(options.clock.now()).toISOString();
  return {
    method: "GET",
    path: "/stats/service",
    access: "token",
    listener: "read",
    doc: {
      id: "getService",
      tag: "Watch",
      summary: "How the service is",
      description:
        "Version, queue, index, disk and times of the process that answers, as `/metrics` has them. No table is scanned.",
      answers: { 200: { description: "The figures.", schema: ServiceFigures } },
    },
    handle: async () => json(200, await figuresOf(options, startedAt)),
  };
}

async function figuresOf(
  options: ServiceRouteOptions,
  startedAt: string,
): Promise<Static<typeof ServiceFigures>> {
  const { store, metrics, version, disk, linesDropped, queueRowsMax, followerLagRowsMax } = options;
  const [cantStore, space] = await Promise.all([whyNothingIsStored(store), disk()]);
  const { storedMessages, storedEvents, queueRows, databaseBytes, ...figures } = store.figures();
  return {
    version,
    started_at: startedAt,
    cant_store: cantStore,
    messages: storedMessages ?? null,
    events: storedEvents ?? null,
    queue_rows: queueRows,
    queue_rows_max: queueRowsMax,
    behind_rows: Math.max(0, ...Object.values(figures.followerLagRows)),
    behind_rows_max: followerLagRowsMax,
    read_lag_seconds: figures.readLagSeconds,
    database_bytes: databaseBytes ?? null,
    index_bytes: figures.indexBytes,
    wal_bytes: figures.walBytes,
    disk_free_bytes: space?.freeBytes ?? null,
    disk_total_bytes: space?.totalBytes ?? null,
    damaged_rows: metrics.damagedRows,
    log_lines_dropped: linesDropped(),
    latency_ms: bucketsOf(metrics.requests.latencyMs),
    commit_seconds: bucketsOf(metrics.commitSeconds),
  };
}

async function whyNothingIsStored(store: Pick<Store, "ping">): Promise<string | null> {
  try {
    await store.ping();
    return null;
  } catch (error) {
    return error instanceof Failure ? error.detail : "the store can't commit";
  }
}

function bucketsOf(buckets: Buckets) {
  return buckets
    .cumulative()
    .map(({ bound, count }) => ({ le: Number.isFinite(bound) ? bound : null, count }));
}
