/** What is written of numbers over time: each write is one transaction, on stable storage then. */
import type { Database } from "bun:sqlite";
import {
  KEPT_S,
  latestOf,
  REFUSALS_MAX,
  type RecordsCounted,
  type RequestsCounted,
  STEP_S,
  STEPS,
  type StepCount,
} from "../../../core/series.ts";

export type SeriesWrite =
  | ({ readonly do: "count" } & RecordsCounted)
  | { readonly do: "clear"; readonly lost: string | null }
  | ({ readonly do: "add"; readonly now: number } & RequestsCounted)
  | { readonly do: "prune"; readonly now: number };

/** Messages wait for the writer meanwhile. */
const SLICE_ROWS = 1000;
/** So long after its last write a process can't come back with it. */
const WRITES_KEPT_S = 86_400;

/** Of a count whether it was taken, of a deletion whether there may be more. */
export function writeSeries(db: Database, write: SeriesWrite): boolean {
  return db
    .transaction(() => {
      switch (write.do) {
        case "count":
          return countRecords(db, write);
        case "clear":
          return clearRecords(db, write.lost);
        case "add":
          return addRequests(db, write);
        case "prune":
          return prune(db, write.now);
      }
    })
    .immediate();
}

function countRecords(db: Database, { from, to, counts, last }: RecordsCounted): boolean {
  const moved = db
    .query("update series_state set position = ?, at = coalesce(?, at) where position is ?")
    .run(to, latestOf(last), from);
  if (moved.changes === 0) return false;
  addCounts(db, "record_counts", counts);
  const put = db.query(
    `insert into last_records (source, what, at) values (?, ?, ?)
     on conflict (source, what) do update set at = max(at, excluded.at)`,
  );
  for (const { source, what, at } of last) put.run(source, what, at);
  return true;
}

function addCounts(db: Database, table: string, counts: readonly StepCount[]): void {
  const add = db.query(
    `insert into ${table} (step, at, source, what, rows) values (?, ?, ?, ?, ?)
     on conflict (step, at, source, what) do update set rows = rows + excluded.rows`,
  );
  for (const { step, at, source, what, rows } of counts) add.run(STEP_S[step], at, source, what, rows);
}

function clearRecords(db: Database, lost: string | null): boolean {
  const state = db.query<{ position: string | null }, []>("select position from series_state").get();
  if (state === null || (state.position !== null && state.position !== lost)) return false;
  db.run("update series_state set position = null, at = null");
  db.run("delete from last_records");
  return deleteSome(db, "record_counts", "true");
}

function addRequests(
  db: Database,
  { holder, number, counts, refusals, now }: RequestsCounted & { now: number },
) {
  const isNew = db
    .query(
      `insert into series_writes (holder, number, at) values (?, ?, ?)
       on conflict (holder) do update set number = excluded.number, at = excluded.at where number < excluded.number`,
    )
    .run(holder, number, now);
  if (isNew.changes === 0) return false;
  addCounts(db, "request_counts", counts);
  const put = db.query(
    "insert into refusals (source, at, client, reason, method, path) values (?, ?, ?, ?, ?, ?)",
  );
  for (const { source, at, client, reason, method, path } of refusals)
    put.run(source, at, client, reason, method, path);
  const drop = db.query(
    `delete from refusals where source = ? and id <= (
       select id from refusals where source = ? order by id desc limit 1 offset ${REFUSALS_MAX})`,
  );
  for (const source of new Set(refusals.map((refusal) => refusal.source))) drop.run(source, source);
  return true;
}

function prune(db: Database, now: number): boolean {
  db.query("delete from series_writes where at < ?").run(now - WRITES_KEPT_S);
  let more = false;
  for (const table of ["record_counts", "request_counts"])
    for (const step of STEPS)
      if (Number.isFinite(KEPT_S[step]))
        more ||= deleteSome(db, table, `step = ${STEP_S[step]} and at < ${now - KEPT_S[step]}`);
  return more;
}

function deleteSome(db: Database, table: string, where: string): boolean {
  const key = "(step, at, source, what)";
  const gone = db.run(
    `delete from ${table} where ${key} in (
       select step, at, source, what from ${table} where ${where} order by step, at, source, what limit ${SLICE_ROWS})`,
  );
  return gone.changes === SLICE_ROWS;
}
