/**
 * Reads numbers over time. It costs the steps that it looks at, however long the log is; they come
 * by series, because decoding each by itself would hold up the thread that acknowledges.
 */
import { type LastRecord, type Refusal, type SeriesLabel, STEP_S } from "../../../core/series.ts";
import { SeriesColumns } from "../../series-columns.ts";
import type { Session } from "../connection/connection.ts";
import type { SeriesReads } from "../ingest/series.ts";
import { NEWEST_FIRST } from "../ingest/series-rows.ts";

interface Row {
  readonly source: string | null;
  readonly what: string | null;
  /** JSON: when each step began, and, in the same order, what was counted in it. */
  readonly at: string;
  readonly rows: string;
}

type Ask = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

export function seriesReads(read: Ask): SeriesReads {
  return {
    read: async (query) => {
      const { of, step, from, to, by, source, seriesMax } = query;
      const label = (name: SeriesLabel) => (by.includes(name) ? name : "null::text");
      const labels = `${label("source")} as source, ${label("what")} as what`;
      const summed = by.length < 2 ? `${labels}, at, sum(rows)::bigint as rows` : "source, what, at, rows";
      const rows = await read((session) =>
        session.run<Row>(
          `select source, what, json_agg(at)::text as at, json_agg(rows)::text as rows from (
             select ${summed} from ${of === "records" ? "record_counts" : "request_counts"}
             where step = $1 and at >= $2::text::bigint and at < $3::text::bigint
               and ($4::text is null or source = $4::text)
             ${by.length < 2 ? "group by 1, 2, 3" : ""}
           ) found group by source, what limit $5`,
          [STEP_S[step], String(from), String(to), source ?? null, seriesMax + 1],
        ),
      );
      const columns = new SeriesColumns(query);
      for (const row of rows) {
        const counts = JSON.parse(row.rows) as readonly number[];
        for (const [index, at] of (JSON.parse(row.at) as readonly number[]).entries())
          if (!columns.add(row.source, row.what, at, counts[index] ?? 0)) return undefined;
      }
      return columns.series;
    },
    lastRecords: () =>
      read((session) =>
        session.run<LastRecord>("select source, what, at from last_records order by source, what"),
      ),
    refusals: ({ source, limit }) =>
      read((session) =>
        session.run<Refusal>(
          `select source, at, client, reason, method, path from refusals
           where $1::text is null or source = $1::text order by ${NEWEST_FIRST} limit $2`,
          [source ?? null, limit],
        ),
      ),
  };
}
