/** Numbers over time, which one process alone has: the writer writes and the readers read them. */
import type { RecordsCounted, RequestsCounted, SeriesState, SeriesStore } from "../../../core/series.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { SeriesWrite } from "./series-rows.ts";

/** What is asked of rows, from what is on stable storage. */
export type SeriesReads = Pick<SeriesStore, "state" | "read" | "lastRecords" | "refusals">;

interface SeriesOptions {
  readonly reads: SeriesReads;
  readonly write: (write: SeriesWrite) => Promise<boolean>;
  readonly clock: Clock;
}

export class SqliteSeries implements SeriesStore {
  readonly state: SeriesStore["state"];
  readonly read: SeriesStore["read"];
  readonly lastRecords: SeriesStore["lastRecords"];
  readonly refusals: SeriesStore["refusals"];
  readonly #options: SeriesOptions;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.state = options.reads.state;
    this.read = options.reads.read;
    this.lastRecords = options.reads.lastRecords;
    this.refusals = options.reads.refusals;
  }

  /** Nobody else can have the file. */
  hold(): Promise<SeriesState> {
    return this.state();
  }

  async release(): Promise<void> {}

  count(counted: RecordsCounted): Promise<boolean> {
    return this.#options.write({ do: "count", ...counted });
  }

  clear(lost: string | null): Promise<boolean> {
    return this.#options.write({ do: "clear", lost });
  }

  async add(counted: RequestsCounted): Promise<void> {
    const now = Math.floor(this.#options.clock.now() / 1000);
    await this.#options.write({ do: "add", now, ...counted });
  }

  prune(now: number): Promise<boolean> {
    return this.#options.write({ do: "prune", now });
  }
}
