/** Rows of numbers over time, in a transaction of the caller's. */
import type { KeptSeries } from "../../../core/maintenance.ts";
import {
  type LastRecord,
  REFUSALS_MAX,
  type RequestsCounted,
  STEP_S,
  type StepCount,
} from "../../../core/series.ts";
import type { Session } from "../connection/connection.ts";

type CountsTable = "record_counts" | "request_counts";

export const NEWEST_FIRST = "at desc, number desc, place desc";
/** Of what was taken over from another database. */
const TAKEN_OVER = { holder: "00000000-0000-0000-0000-000000000000", number: 0 };
/** Rows that one transaction deletes. */
const SLICE_ROWS = 1000;

/** In one order, so that replicas that add at the same moment don't wait for each other. */
export async function addCounts(
  session: Session,
  table: CountsTable,
  counts: readonly StepCount[],
): Promise<void> {
  if (counts.length === 0) return;
  const given = counts.map(({ step, ...count }) => ({ ...count, step: STEP_S[step] }));
  await session.run(
    `insert into ${table} (step, at, source, what, rows)
     select * from json_to_recordset($1::text::json) as given
       (step integer, at bigint, source text, what text, rows bigint)
     order by step, at, source collate "C", what collate "C"
     on conflict (step, at, source, what) do update set rows = ${table}.rows + excluded.rows`,
    [JSON.stringify(given)],
  );
}

export async function putLastRecords(session: Session, last: readonly LastRecord[]): Promise<void> {
  if (last.length === 0) return;
  await session.run(
    `insert into last_records (source, what, at)
     select * from json_to_recordset($1::text::json) as given (source text, what text, at text)
     on conflict (source, what) do update set at = greatest(last_records.at, excluded.at)`,
    [JSON.stringify(last)],
  );
}

/** Each source keeps the newest; what another replica is deleting is left to it. */
export async function addRefusals(
  session: Session,
  { holder, number, refusals }: Omit<RequestsCounted, "counts">,
): Promise<void> {
  if (refusals.length === 0) return;
  await session.run(
    `insert into refusals (holder, number, place, source, at, client, reason, method, path)
     select $1::text::uuid, $2::text::bigint, given.* from json_to_recordset($3::text::json) as given
       (place integer, source text, at text, client text, reason text, method text, path text)`,
    [holder, String(number), JSON.stringify(refusals.map((refusal, place) => ({ ...refusal, place })))],
  );
  for (const source of new Set(refusals.map((refusal) => refusal.source)))
    await session.run(
      `delete from refusals where (holder, number, place) in (
         select holder, number, place from refusals where source = $1
         order by ${NEWEST_FIRST} offset ${REFUSALS_MAX} for update skip locked)`,
      [source],
    );
}

/** Whether there may be more that match; what somebody else is deleting is left to them. */
export async function deleteSome(session: Session, table: CountsTable, where: string): Promise<boolean> {
  const gone = await session.run(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where ${where} limit ${SLICE_ROWS} for update skip locked))
     returning 1 as done`,
  );
  return gone.length === SLICE_ROWS;
}

/** From now on there are these and no others. */
export async function replaceSeries(session: Session, kept: KeptSeries): Promise<void> {
  await session.script("truncate record_counts, request_counts, last_records, refusals, series_writes");
  for (const { of, counts } of kept.counts)
    await addCounts(session, of === "records" ? "record_counts" : "request_counts", counts);
  await putLastRecords(session, kept.last);
  await addRefusals(session, { ...TAKEN_OVER, refusals: kept.refusals });
  const { position, at } = kept.state;
  await session.run("update series_state set position = $1, at = $2", [position, at]);
}
