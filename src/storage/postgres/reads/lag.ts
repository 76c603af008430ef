/** Counts what there is after a position, up to a bound. */
import { LAG_RECORDS_MAX, LAG_ROWS_MAX, type Lag, type LagQuery } from "../../../core/changes.ts";
import { instantKey } from "../../../core/instant.ts";
import type { Session } from "../connection/connection.ts";
import { wantedRows } from "./changes-filter.ts";
import type { Filter } from "./filter.ts";
import { placeAt, rangeAfter, rangeUpTo } from "./log-batches.ts";
import { findPosition } from "./positions.ts";

interface Counted {
  readonly records: number;
  readonly oldest: string | null;
}

/** As `Store.lag`. */
export async function readLag(session: Session, query: LagQuery): Promise<Lag | undefined> {
  const { after } = await findPosition(session, query);
  if (after === undefined) return undefined;
  const [first] = (await rangeAfter(session, after, 1)).batches;
  if (first === undefined) return { records: 0, isBound: false, oldest: undefined };
  const { until: end = Number.MAX_SAFE_INTEGER } = query;
  const until = Math.min(end, after + LAG_ROWS_MAX);
  // Where an end was given it may lie within a batch.
  const [last] = query.until === undefined ? [] : (await rangeUpTo(session, until, 1)).batches;
  const count = async (table: "messages" | "events"): Promise<Counted> => {
    const filter = wantedRows(query.filter, "r.")[table]?.();
    if (filter === undefined) return { records: 0, oldest: null };
    filter.add(first.seq, (seq) => `b.seq >= ${seq}::bigint`);
    filter.add(until, (seq) => `b.seq <= ${seq}::bigint`);
    const batch = filter.parameter(first.batch);
    const place = filter.parameter(placeAt(first, Math.max(first.seq, after + 1)));
    filter.addRaw(`(b.batch <> ${batch}::text::uuid or r.place >= ${place})`);
    if (last !== undefined) {
      const lastPlace = filter.parameter(placeAt(last, until));
      filter.addRaw(`(b.batch <> ${filter.parameter(last.batch)}::text::uuid or r.place <= ${lastPlace})`);
    }
    return countRows(session, table, filter);
  };
  const [messages, events, [beyond]] = await Promise.all([
    count("messages"),
    count("events"),
    session.run("select 1 from batches where rows > 0 and seq > $1::bigint and seq <= $2::bigint limit 1", [
      until,
      end,
    ]),
  ]);
  const records = messages.records + events.records;
  return {
    records: Math.min(records, LAG_RECORDS_MAX),
    isBound: records > LAG_RECORDS_MAX || beyond !== undefined,
    oldest: earlier(messages.oldest, events.oldest),
  };
}

/** In the order of the log, so that of more than are counted the first ones are. */
async function countRows(session: Session, table: "messages" | "events", filter: Filter): Promise<Counted> {
  const [counted] = await session.run<Counted>(
    `select count(*)::float8 as records, min(created_at) as oldest from (
       select r.created_at from batches b join ${table} r on r.batch = b.batch
       where b.rows > 0 and ${filter.where} order by b.seq limit ${LAG_RECORDS_MAX + 1}
     ) counted`,
    filter.values,
  );
  return counted ?? { records: 0, oldest: null };
}

function earlier(a: string | null, b: string | null): string | undefined {
  if (a === null || b === null) return a ?? b ?? undefined;
  return instantKey(a) <= instantKey(b) ? a : b;
}
