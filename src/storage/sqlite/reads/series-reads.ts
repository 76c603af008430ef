/** Questions about numbers over time to the readers' threads. */
import type { Series } from "../../../core/series.ts";
import type { SeriesReads } from "../ingest/series.ts";
import type { SeriesAsk } from "./series.ts";
import type { TimedReads } from "./timed-reads.ts";

export function seriesReads(reads: TimedReads): SeriesReads {
  const ask = <T>(question: SeriesAsk): Promise<T> =>
    reads.ask<T>("lookup", (deadline) => ({ do: "series", question, deadline }));
  return {
    state: (...given) => ask({ of: "state", given }),
    read: async (...given) => (await ask<readonly Series[] | null>({ of: "read", given })) ?? undefined,
    lastRecords: (...given) => ask({ of: "lastRecords", given }),
    refusals: (...given) => ask({ of: "refusals", given }),
  };
}
