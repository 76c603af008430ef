/** Reads of events, each from one snapshot in which every batch has its number. */
import {
  BODIES_BYTES_MAX,
  type ByFilter,
  EVENTS_WITH_MESSAGE_MAX,
  type EventFilters,
  type EventPage,
  type EventQuery,
  givenFilters,
  type StoredEvent,
} from "../../../core/store.ts";
import { placeholders, type Session } from "../connection/connection.ts";
import { seqOf } from "../connection/schema.ts";
import { uncounted } from "../derived/counts.ts";
import { sum } from "../ingest/items.ts";
import { eventFilter } from "./filter.ts";
import { countRows } from "./message-queries.ts";

/** A batch that the read needs has no number yet. */
export class Unnumbered extends Error {
  override readonly name = "Unnumbered";
}

interface EventRow extends Omit<StoredEvent, "body" | "seq"> {
  readonly seq: number | null;
  readonly ts_key: string;
  readonly bytes: number;
}

/** What a filter's total is told by: the counts by source and kind, or the rows, one by one. */
const TOLD_BY: ByFilter<EventFilters, "counts" | "rows"> = {
  source: "counts",
  kind: "counts",
  messageId: "rows",
  since: "rows",
};

const SEQ = seqOf("e", "b");
const COLUMNS = `e.source, e.kind, e.event_key, e.message_id, e.ts, e.created_at, e.ts_key, ${SEQ} as seq,
  e.stop - e.start as bytes`;
const FROM = "events e left join batches b on b.batch = e.batch";

/** One page and its total. Throws `Unnumbered`. */
export async function listEvents(session: Session, query: EventQuery): Promise<EventPage> {
  const { limit, offset, after, order = "asc" } = query;
  const filter = eventFilter(query, "e.");
  const total = await totalOf(session, query);
  if (after !== undefined) {
    const isBehind = order === "asc" ? ">" : "<";
    const tsKey = filter.parameter(after.tsKey);
    // The first condition alone is one that an index knows.
    filter.addRaw(`e.ts_key ${isBehind}= ${tsKey}`);
    filter.addRaw(`(e.ts_key, ${SEQ}) ${isBehind} (${tsKey}, ${filter.parameter(after.seq)}::float8)`);
  }
  const rows = await session.run<EventRow>(
    `select ${COLUMNS} from ${FROM} where ${filter.where}
     order by e.ts_key ${order}, seq ${order}
     limit ${filter.parameter(limit + 1)} offset ${filter.parameter(offset)}`,
    filter.values,
  );
  if (rows.some(({ seq }) => seq === null)) throw new Unnumbered("a batch has no number yet");
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    data: await withBodies(session, rows.slice(0, limit)),
    total,
    ...(last !== undefined && { next: { tsKey: last.ts_key, seq: last.seq ?? 0 } }),
  };
}

async function totalOf(session: Session, query: EventQuery): Promise<number> {
  const { source, kind } = query;
  if (givenFilters(query, TOLD_BY).some((name) => TOLD_BY[name] === "rows")) {
    const { where, values } = eventFilter(query);
    return countRows(session, `events where ${where}`, values);
  }
  const counts = await session.run<{ source: string; kind: string; rows: number }>(
    "select source, kind, rows::float8 as rows from event_counts",
  );
  const all = counts.map(({ source, kind, rows }) => [source, kind, rows] as const);
  return sum(
    [...all, ...(await uncounted(session)).events].filter(
      ([ofSource, ofKind]) =>
        (source === undefined || ofSource === source) && (kind === undefined || ofKind === kind),
    ),
  );
}

/** Null beyond the bytes of one read; the first body is always given. */
async function withBodies(session: Session, rows: readonly EventRow[]): Promise<StoredEvent[]> {
  if (rows.some(({ seq }) => seq === null)) throw new Unnumbered("a batch has no number yet");
  let bytes = 0;
  const shown = rows.filter((row, index) => {
    if (index > 0 && bytes + row.bytes > BODIES_BYTES_MAX) return false;
    bytes += row.bytes;
    return true;
  });
  const bodies = new Map<string, Uint8Array>();
  if (shown.length > 0) {
    const found = await session.run<{ source: string; event_key: string; body: Uint8Array }>(
      `select e.source, e.event_key, substr(d.body, e.start + 1, e.stop - e.start) as body
       from events e join deliveries d on d.batch = e.batch and d.delivery = e.delivery
       where (e.source, e.event_key) in (${placeholders(shown.length, 2)})`,
      shown.flatMap(({ source, event_key }) => [source, event_key]),
    );
    for (const { source, event_key, body } of found)
      bodies.set(`${source} ${event_key}`, new Uint8Array(body));
  }
  return rows.map(({ bytes: _bytes, ts_key: _key, seq, ...row }) => ({
    ...row,
    seq: seq ?? 0,
    body: bodies.get(`${row.source} ${row.event_key}`) ?? null,
  }));
}

/** The latest events that are about a message. Throws `Unnumbered`. */
export async function latestEvents(session: Session, messageId: string): Promise<StoredEvent[]> {
  const latest = await session.run<EventRow>(
    `select ${COLUMNS} from ${FROM} where e.message_id = $1
     order by e.ts_key desc, seq desc limit ${EVENTS_WITH_MESSAGE_MAX}`,
    [messageId],
  );
  return withBodies(session, [...latest].reverse());
}
