/** Numbers over time as a file keeps them, for a migration. */
import type { KeptSeries } from "../../../core/maintenance.ts";
import {
  type LastRecord,
  type Refusal,
  type SeriesOf,
  type SeriesState,
  STEP_S,
  STEPS,
  type StepCount,
} from "../../../core/series.ts";
import { openForReading } from "../connection/files.ts";
import { hasSeries } from "../connection/schema.ts";

const PIECE_ROWS = 2000;
const NOTHING: KeptSeries = { state: { position: null, at: null }, last: [], refusals: [], counts: [] };

export function keptSeries(path: string): KeptSeries {
  using db = openForReading(path);
  if (!hasSeries(db)) return NOTHING;
  const state = db.query<SeriesState, []>("select position, at from series_state").get();
  return {
    state: state ?? NOTHING.state,
    last: db.query<LastRecord, []>("select source, what, at from last_records").all(),
    refusals: db
      .query<Refusal, []>("select source, at, client, reason, method, path from refusals order by id")
      .all(),
    counts: countsOf(path),
  };
}

function* countsOf(
  path: string,
): Generator<{ readonly of: SeriesOf; readonly counts: readonly StepCount[] }> {
  using db = openForReading(path);
  for (const of of ["records", "requests"] as const)
    for (const step of STEPS) {
      const piece = db.query<Omit<StepCount, "step">, [number, number, string, string]>(
        `select at, source, what, rows from ${of === "records" ? "record_counts" : "request_counts"}
         where step = ? and (at, source, what) > (?, ?, ?) order by at, source, what limit ${PIECE_ROWS}`,
      );
      let last: Omit<StepCount, "step"> | undefined = {
        at: Number.MIN_SAFE_INTEGER,
        source: "",
        what: "",
        rows: 0,
      };
      while (last !== undefined) {
        const rows: readonly Omit<StepCount, "step">[] = piece.all(
          STEP_S[step],
          last.at,
          last.source,
          last.what,
        );
        if (rows.length > 0) yield { of, counts: rows.map((row) => ({ ...row, step })) };
        last = rows.at(-1);
      }
    }
}
