/**
 * Reads of messages: pages, totals and statistics, each from one snapshot. Totals come from the
 * counts and what they have not taken yet where they can, else the rows are counted.
 */
import { instantKey } from "../../../core/instant.ts";
import {
  type ByFilter,
  givenFilters,
  type MessageFilters,
  type MessageQuery,
  type Page,
  type Stats,
  TOP_SENDERS,
} from "../../../core/store.ts";
import { compareUtf8 } from "../../../core/utf8-order.ts";
import { SHOWN_COLUMNS, selected } from "../../columns.ts";
import { type KeyedMessage, pageOfRows } from "../../page-of-rows.ts";
import type { Session } from "../connection/connection.ts";
import { uncounted } from "../derived/counts.ts";
import { hourOf, type Items, sum } from "../ingest/items.ts";
import { Filter, messageFilter } from "./filter.ts";

/** From so many rows on, whole hours are skipped instead of rows. */
const SKIP_ROWS = 1000;
const COLUMNS = selected(SHOWN_COLUMNS);

/** What a filter's total is told by: the counts by sender or by hour, or the rows, one by one. */
const TOLD_BY: ByFilter<MessageFilters, "sender" | "hour" | "rows"> = {
  from: "sender",
  to: "rows",
  messageId: "rows",
  source: "rows",
  type: "rows",
  since: "hour",
  until: "hour",
  q: "rows",
};

/** One page and its total. */
export async function listMessages(session: Session, query: MessageQuery): Promise<Page> {
  const tail = once(() => uncounted(session));
  const total = await totalOf(session, query, tail);
  const rows = query.offset < total ? await pageOf(session, query, tail) : [];
  return pageOfRows(rows, total, query.limit);
}

/** What is not counted yet, asked for once a read, by whatever needs it. */
type Tail = () => Promise<Items>;

function once(ask: Tail): Tail {
  let asked: Promise<Items> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

async function totalOf(session: Session, query: MessageQuery, tailOf: Tail): Promise<number> {
  const { from, since, until } = query;
  const by = new Set(givenFilters(query, TOLD_BY).map((name) => TOLD_BY[name]));
  if (by.has("rows") || by.size > 1) {
    const { where, values } = messageFilter(query);
    return countRows(session, `messages where ${where}`, values);
  }
  const tail = await tailOf();
  if (from !== undefined) {
    const rows = await session.run<{ rows: number }>(
      "select rows::float8 as rows from senders where sender = $1",
      [from],
    );
    return (rows[0]?.rows ?? 0) + sum(tail.messages.filter(([sender]) => sender === from));
  }
  if (by.size === 0) {
    const [totals] = await session.run<{ messages: number }>(
      "select messages::float8 as messages from totals where id = 1",
    );
    return (totals?.messages ?? 0) + sum(tail.messages);
  }
  return countBetween(session, tail, since && instantKey(since), until && instantKey(until));
}

/** Whole hours by their counts, the hours at the ends by their rows. */
async function countBetween(
  session: Session,
  tail: Items,
  since: string | undefined,
  until: string | undefined,
): Promise<number> {
  const first = since === undefined ? undefined : hourOf(since);
  const last = until === undefined ? undefined : hourOf(until);
  if (first !== undefined && first === last) return countKeys(session, since, until);
  if (first !== undefined && last !== undefined && first > last) return 0;
  const isWhole = (hour: string) =>
    (first === undefined || hour > first) && (last === undefined || hour < last);
  const filter = new Filter()
    .add(first, (parameter) => `hour > ${parameter}`)
    .add(last, (parameter) => `hour < ${parameter}`);
  const [whole] = await session.run<{ rows: number | null }>(
    `select sum(rows)::float8 as rows from hours where ${filter.where}`,
    filter.values,
  );
  let total = (whole?.rows ?? 0) + sum(tail.messages.filter(([, hour]) => isWhole(hour)));
  if (first !== undefined) total += await countKeys(session, since, endOf(first));
  if (last !== undefined) total += await countKeys(session, last, until);
  return total;
}

/** Behind every key of an hour: "~" comes after whatever may follow the hour in one. */
function endOf(hour: string): string {
  return `${hour}~`;
}

function countKeys(session: Session, since: string | undefined, until: string | undefined): Promise<number> {
  const filter = new Filter()
    .add(since, (parameter) => `ts_key >= ${parameter}`)
    .add(until, (parameter) => `ts_key < ${parameter}`);
  return countRows(session, `messages where ${filter.where}`, filter.values);
}

export async function countRows(
  session: Session,
  from: string,
  values: readonly (string | number)[],
): Promise<number> {
  const [row] = await session.run<{ n: number }>(`select count(*)::float8 as n from ${from}`, values);
  return row?.n ?? 0;
}

/** One row more than was asked for, if there is one. */
async function pageOf(session: Session, query: MessageQuery, tail: Tail): Promise<readonly KeyedMessage[]> {
  const { limit, after, order = "asc" } = query;
  const isAscending = order === "asc";
  const filter = messageFilter(query);
  const skipped = after === undefined ? await skippedHours(session, query, tail) : undefined;
  if (skipped !== undefined)
    filter.add(isAscending ? skipped.hour : endOf(skipped.hour), (parameter) =>
      isAscending ? `ts_key >= ${parameter}` : `ts_key < ${parameter}`,
    );
  if (after !== undefined) {
    const key = `${filter.parameter(after.tsKey)}, ${filter.parameter(after.messageId)}`;
    filter.addRaw(`(ts_key, message_id) ${isAscending ? ">" : "<"} (${key})`);
  }
  const offset = query.offset - (skipped?.rows ?? 0);
  return session.run<KeyedMessage>(
    `select ${COLUMNS}, ts_key from messages where ${filter.where}
     order by ts_key ${order}, message_id ${order} limit ${filter.parameter(limit + 1)} offset ${filter.parameter(offset)}`,
    filter.values,
  );
}

/**
 * The hour that the offset leads into, and how many rows come before it in the order; of all
 * messages only.
 */
async function skippedHours(
  session: Session,
  { offset, order = "asc", ...filters }: MessageQuery,
  tail: Tail,
): Promise<{ hour: string; rows: number } | undefined> {
  if (offset < SKIP_ROWS || givenFilters(filters, TOLD_BY).length > 0) return undefined;
  const hours = await session.run<{ hour: string; rows: number }>(
    "select hour, rows::float8 as rows from hours",
  );
  const counts = new Map(hours.map(({ hour, rows }) => [hour, rows]));
  for (const [, hour, rows] of (await tail()).messages) counts.set(hour, (counts.get(hour) ?? 0) + rows);
  let before = 0;
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [hour, rows] of order === "asc" ? sorted : sorted.reverse()) {
    if (before + rows > offset) return { hour, rows: before };
    before += rows;
  }
  return undefined;
}

/** All statistics. */
export async function readStats(session: Session): Promise<Stats> {
  const tail = await uncounted(session);
  const [totals] = await session.run<{ messages: number; senders: number }>(
    "select messages::float8 as messages, senders::float8 as senders from totals where id = 1",
  );
  const inTail = new Map<string, number>();
  for (const [sender, , rows] of tail.messages) inTail.set(sender, (inTail.get(sender) ?? 0) + rows);
  const known = await countsOf(session, [...inTail.keys()]);
  const top = await session.run<{ sender: string; rows: number }>(
    `select sender, rows::float8 as rows from senders order by senders.rows desc, sender limit ${TOP_SENDERS}`,
  );
  // Whoever is neither among these nor in the tail can't be among the first.
  const counts = new Map(top.map(({ sender, rows }) => [sender, rows]));
  for (const [sender, rows] of inTail) counts.set(sender, (known.get(sender) ?? 0) + rows);
  const fresh = [...inTail.keys()].filter((sender) => !known.has(sender)).length;
  return {
    total_messages: (totals?.messages ?? 0) + sum(tail.messages),
    senders_count: (totals?.senders ?? 0) + fresh,
    messages_per_sender: [...counts]
      .sort(([a, rowsOfA], [b, rowsOfB]) => rowsOfB - rowsOfA || compareUtf8(a, b))
      .slice(0, TOP_SENDERS)
      .map(([from, count]) => ({ from, count })),
    first_message_ts: await edge(session, "asc"),
    last_message_ts: await edge(session, "desc"),
  };
}

/** Of senders that are counted, how many messages each has there. */
export async function countsOf(
  session: Session,
  senders: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (senders.length === 0) return new Map();
  const rows = await session.run<{ sender: string; rows: number }>(
    "select sender, rows::float8 as rows from senders where sender in (select json_array_elements_text($1::text::json))",
    [JSON.stringify(senders)],
  );
  return new Map(rows.map(({ sender, rows: count }) => [sender, count]));
}

async function edge(session: Session, direction: "asc" | "desc"): Promise<string | null> {
  const [row] = await session.run<{ ts: string }>(
    `select ts from messages order by ts_key ${direction}, message_id ${direction} limit 1`,
  );
  return row?.ts ?? null;
}
