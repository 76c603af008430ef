/** Reads of events, each from one snapshot in which every batch has its number. */
import { bodySearch } from "../../../core/body-search.ts";
import {
  BODIES_BYTES_MAX,
  type ByFilter,
  EVENTS_WITH_MESSAGE_MAX,
  type EventFilters,
  type EventKey,
  type EventPage,
  type EventQuery,
  givenFilters,
  type Order,
  type StoredEvent,
} from "../../../core/store.ts";
import { headersOf } from "../../columns.ts";
import { placeholders, type Session } from "../connection/connection.ts";
import { seqOf } from "../connection/schema.ts";
import { uncounted } from "../derived/counts.ts";
import { sum } from "../ingest/items.ts";
import { chunks } from "../ingest/statement-chunks.ts";
import { eventFilter, type Filter } from "./filter.ts";
import { countRows } from "./message-queries.ts";

/** A batch that the read needs has no number yet. */
export class Unnumbered extends Error {
  override readonly name = "Unnumbered";
}

interface EventRow extends Omit<StoredEvent, "headers" | "body" | "seq"> {
  readonly seq: number | null;
  readonly ts_key: string;
  readonly bytes: number;
}

interface Part {
  readonly source: string;
  readonly event_key: string;
  readonly body: Uint8Array;
  readonly headers: string | null;
}

/** What a filter's total is told by: the counts by source and kind, or the rows, one by one. */
const TOLD_BY: ByFilter<EventFilters, "counts" | "rows"> = {
  source: "counts",
  kind: "counts",
  type: "rows",
  messageId: "rows",
  since: "rows",
  until: "rows",
  q: "rows",
};

/** Whose bodies are looked into before the next ones are read. */
const SEARCHED_ROWS = 1000;

const SEQ = seqOf("e", "b");
const COLUMNS = `e.source, e.kind, e.type, e.event_key, e.message_id, e.ts, e.created_at, e.ts_key, ${SEQ} as seq,
  e.stop - e.start as bytes`;
const FROM = "events e left join batches b on b.batch = e.batch";

/** One page and its total. Throws `Unnumbered`, and what `checkTime` throws. */
export async function listEvents(
  session: Session,
  query: EventQuery,
  checkTime: () => void,
): Promise<EventPage> {
  if (query.q) return searchEvents(session, query, query.q, checkTime);
  const total = await totalOf(session, query);
  return pageOf(session, query, await rowsBehind(session, query, query.limit + 1), total);
}

/** Of rows of which one more than `limit` was asked for. */
async function pageOf(
  session: Session,
  { limit }: EventQuery,
  rows: readonly EventRow[],
  total: number,
): Promise<EventPage> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    data: await withBodies(session, rows.slice(0, limit)),
    total,
    ...(last !== undefined && { next: keyOf(last) }),
  };
}

function keyOf({ ts_key, seq }: EventRow): EventKey {
  return { tsKey: ts_key, seq: seq ?? 0 };
}

/** In order, so many rows at most. */
async function rowsBehind(
  session: Session,
  query: Omit<EventQuery, "limit">,
  rowsMax: number,
): Promise<readonly EventRow[]> {
  const { offset, after, order = "asc" } = query;
  const filter = eventFilter(query, "e.");
  if (after !== undefined) addBehind(filter, after, order);
  const rows = await session.run<EventRow>(
    `select ${COLUMNS} from ${FROM} where ${filter.where}
     order by e.ts_key ${order}, seq ${order}
     limit ${filter.parameter(rowsMax)} offset ${filter.parameter(offset)}`,
    filter.values,
  );
  if (rows.some(({ seq }) => seq === null)) throw new Unnumbered("a batch has no number yet");
  return rows;
}

function addBehind(filter: Filter, after: EventKey, order: Order): void {
  const isBehind = order === "asc" ? ">" : "<";
  const tsKey = filter.parameter(after.tsKey);
  // The first condition alone is one that an index knows.
  filter.addRaw(`e.ts_key ${isBehind}= ${tsKey}`);
  filter.addRaw(`(e.ts_key, ${SEQ}) ${isBehind} (${tsKey}, ${filter.parameter(after.seq)}::float8)`);
}

/** Looks into the bodies of all that the other filters let through, in order, some at a time. */
async function searchEvents(
  session: Session,
  query: EventQuery,
  q: string,
  checkTime: () => void,
): Promise<EventPage> {
  const { limit, offset, after, order = "asc", ...filters } = query;
  const holds = bodySearch(q);
  const found: EventRow[] = [];
  let total = 0;
  let skipped = 0;
  let last: EventKey | undefined;
  for (let more = true; more; ) {
    const behind = { ...filters, order, offset: 0, ...(last && { after: last }) };
    const rows = await rowsBehind(session, behind, SEARCHED_ROWS);
    for (const some of chunks(rows, ({ bytes }) => bytes)) {
      checkTime();
      const events = await withBodies(session, some);
      for (const [index, { body }] of events.entries()) {
        if (body === null || !holds(body)) continue;
        total++;
        const row = some[index] as EventRow;
        if (!isBehind(keyOf(row), after, order)) continue;
        if (skipped < offset) skipped++;
        else if (found.length <= limit) found.push(row);
      }
    }
    more = rows.length === SEARCHED_ROWS;
    last = rows.length === 0 ? undefined : keyOf(rows.at(-1) as EventRow);
  }
  return pageOf(session, query, found, total);
}

function isBehind(key: EventKey, after: EventKey | undefined, order: Order): boolean {
  if (after === undefined) return true;
  if (key.tsKey === after.tsKey) return order === "asc" ? key.seq > after.seq : key.seq < after.seq;
  return (order === "asc") === key.tsKey > after.tsKey;
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
  const parts = new Map<string, Pick<StoredEvent, "headers" | "body">>();
  if (shown.length > 0) {
    const found = await session.run<Part>(
      `select e.source, e.event_key, substr(d.body, e.start + 1, e.stop - e.start) as body, d.headers
       from events e join deliveries d on d.batch = e.batch and d.delivery = e.delivery
       where (e.source, e.event_key) in (${placeholders(shown.length, 2)})`,
      shown.flatMap(({ source, event_key }) => [source, event_key]),
    );
    for (const { source, event_key, headers, body } of found)
      parts.set(`${source} ${event_key}`, { headers: headersOf(headers), body: new Uint8Array(body) });
  }
  return rows.map(({ bytes: _bytes, ts_key: _key, seq, ...row }) => ({
    ...row,
    seq: seq ?? 0,
    ...(parts.get(`${row.source} ${row.event_key}`) ?? { headers: null, body: null }),
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
