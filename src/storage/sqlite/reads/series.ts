/**
 * Reads numbers over time, each answer from one snapshot. It costs the steps that it looks at,
 * however long the log is.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import {
  type LastRecord,
  type Refusal,
  type Series,
  type SeriesLabel,
  type SeriesQuery,
  type SeriesState,
  type SeriesStore,
  STEP_S,
} from "../../../core/series.ts";
import { SeriesColumns } from "../../series-columns.ts";
import type { SeriesReads } from "../ingest/series.ts";

/** One of `SeriesReads`, and what it is given. */
export type SeriesAsk = {
  [Of in keyof SeriesReads]: { readonly of: Of; readonly given: Parameters<SeriesReads[Of]> };
}[keyof SeriesReads];

type Cell = [source: string | null, what: string | null, at: number, rows: number];

/** Undefined, where it may be one, is null. */
export function readSeries(db: Database, { of, given }: SeriesAsk): unknown {
  switch (of) {
    case "state":
      return db.query<SeriesState, []>("select position, at from series_state").get();
    case "read":
      return columnsOf(db, ...given) ?? null;
    case "lastRecords":
      return db
        .query<LastRecord, []>("select source, what, at from last_records order by source, what")
        .all();
    case "refusals":
      return refusalsOf(db, ...given);
  }
}

function columnsOf(db: Database, query: SeriesQuery): readonly Series[] | undefined {
  const { of, step, from, to, by, source } = query;
  const label = (name: SeriesLabel) => (by.includes(name) ? name : "null");
  const isSummed = by.length < 2;
  // In the order of the primary key: nothing is sorted.
  const cells = db.query<Cell, SQLQueryBindings[]>(
    `select ${label("source")}, ${label("what")}, at, ${isSummed ? "sum(rows)" : "rows"}
     from ${of === "records" ? "record_counts" : "request_counts"}
     where step = ? and at >= ? and at < ? ${source === undefined ? "" : "and source = ?"}
     ${isSummed ? `group by at, ${by.join()}` : ""}`,
  );
  const columns = new SeriesColumns(query);
  const values = [STEP_S[step], from, to, ...(source === undefined ? [] : [source])];
  for (const [s, w, at, rows] of cells.values(...values) as Cell[])
    if (!columns.add(s, w, at, rows)) return undefined;
  return columns.series;
}

function refusalsOf(db: Database, { source, limit }: Parameters<SeriesStore["refusals"]>[0]): Refusal[] {
  const where = source === undefined ? "" : "where source = ?";
  return db
    .query<Refusal, SQLQueryBindings[]>(
      `select source, at, client, reason, method, path from refusals ${where} order by at desc, id desc limit ?`,
    )
    .all(...(source === undefined ? [] : [source]), limit);
}
