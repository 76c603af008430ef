/**
 * Counts that are kept beside the rows, so that totals and statistics needn't look at these:
 * messages by sender and hour, events by source and kind. Whoever writes them holds the row of
 * `totals`.
 */
import { literal, type Session } from "../connection/connection.ts";
import { type Items, joinItems, parseItems, sum } from "../ingest/items.ts";

/**
 * Takes what batches add into the counts, and the log up to `seq`: statements without values, as
 * many for a thousand batches as for one. Whoever runs them holds the row of `totals`.
 */
export function counting({ messages, events }: Items, seq: number): string {
  const senders = messages.map(([sender, , rows]) => ({ key: [sender], rows }));
  const hours = messages.map(([, hour, rows]) => ({ key: [hour], rows }));
  const kinds = events.map(([source, kind, rows]) => ({ key: [source, kind], rows }));
  return `
    with added as (${adding("senders", ["sender"], senders)} returning (xmax = 0) as is_new)
    update totals set seq = ${seq}, messages = messages + ${sum(messages)}, events = events + ${sum(events)},
      senders = senders + (select count(*) from added where is_new) where id = 1;
    ${adding("hours", ["hour"], hours)};
    ${adding("event_counts", ["source", "kind"], kinds)}`;
}

interface Count {
  readonly key: readonly string[];
  readonly rows: number;
}

/** Adds to the counts of a table, each key once, and in one order, whoever adds them. */
function adding(table: string, columns: readonly string[], counts: readonly Count[]): string {
  const key = columns.join(", ");
  const values = columns.map((_, place) => `row ->> ${place}`).join(", ");
  const rows = JSON.stringify(summed(counts).map((count) => [...count.key, count.rows]));
  return `insert into ${table} (${key}, rows)
    select ${values}, (row ->> ${columns.length})::bigint from json_array_elements(${literal(rows)}::json) row
    on conflict (${key}) do update set rows = ${table}.rows + excluded.rows`;
}

function summed(counts: readonly Count[]): Count[] {
  const sums = new Map<string, Count>();
  for (const { key, rows } of counts) {
    const name = key.join("\0");
    sums.set(name, { key, rows: rows + (sums.get(name)?.rows ?? 0) });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

/**
 * What is committed and not in the counts yet, in the session's snapshot: with it, counts are exact
 * at every moment.
 */
export async function uncounted(session: Session): Promise<Items> {
  const rows = await session.run<{ items: string | null }>("select items from batches where seq is null");
  return joinItems(rows.map(({ items }) => parseItems(items)));
}

/** How many messages and events there are, and how many of them have no number yet. */
export async function countAll(
  session: Session,
): Promise<{ messages: number; events: number; unnumberedRows: number }> {
  const tail = await uncounted(session);
  const [totals] = await session.run<{ messages: number; events: number }>(
    "select messages::float8 as messages, events::float8 as events from totals where id = 1",
  );
  const messages = sum(tail.messages);
  const events = sum(tail.events);
  return {
    messages: (totals?.messages ?? 0) + messages,
    events: (totals?.events ?? 0) + events,
    unnumberedRows: messages + events,
  };
}
