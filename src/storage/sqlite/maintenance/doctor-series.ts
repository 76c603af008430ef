/** Examines numbers over time: the days count each record up to their position once. */
import type { Database } from "bun:sqlite";
import { seqOf } from "../../../core/position.ts";
import { STEP_S } from "../../../core/series.ts";
import { countDeletions } from "../connection/deletions.ts";
import { hasSeries } from "../connection/schema.ts";
import { LogReader } from "../reads/log-reader.ts";
import type { Looked } from "./doctor-posts.ts";

export function* examineSeries(log: Database): Generator<number, Looked> {
  if (!hasSeries(log)) return { rows: 0, findings: [] };
  const looked = log.transaction(() => look(log))();
  yield looked.rows;
  return looked;
}

/** From one snapshot. Numbers of what was deleted by hand stay. */
function look(log: Database): Looked {
  const state = log.query<{ position: string | null }, []>("select position from series_state").get();
  const days = log
    .query<{ counts: number; records: number }, [number]>(
      "select count(*) as counts, coalesce(sum(rows), 0) as records from record_counts where step = ?",
    )
    .get(STEP_S.day);
  const { counts = 0, records = 0 } = days ?? {};
  if (state?.position == null) return { rows: counts, findings: [] };
  const reader = new LogReader(log);
  const next = seqOf(state.position) + 1;
  const stored = reader.firstRow("messages", next) - 1 + reader.firstRow("events", next) - 1;
  if (Math.abs(records - stored) <= countDeletions(log)) return { rows: counts, findings: [] };
  const finding =
    `the days of the numbers over time have ${records} records, the log ${stored}: ` +
    "\"update series_state set position = ''\" while no server runs has them counted anew";
  return { rows: counts, findings: [finding] };
}
