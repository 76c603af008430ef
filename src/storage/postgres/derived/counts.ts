/**
 * Counts that are kept beside the rows, so that totals and statistics needn't look at these: messages by sender and hour,
 * events by source and kind. Whoever writes them holds the row of `totals`.
 */
import type { Session } from "../connection/connection.ts";
import { type Items, joinItems, parseItems, sum } from "../ingest/items.ts";

/** Takes what batches add into the counts; the caller holds the row of `totals`. */
export async function count(session: Session, { messages, events }: Items): Promise<void> {
  const senders = summed(messages.map(([sender, , rows]) => [sender, rows]));
  const fresh = await added(session, "senders", "sender", senders);
  await added(session, "hours", "hour", summed(messages.map(([, hour, rows]) => [hour, rows])));
  for (const [source, kind, rows] of events) {
    await session.run(
      `insert into event_counts values ($1, $2, $3)
       on conflict (source, kind) do update set rows = event_counts.rows + excluded.rows`,
      [source, kind, rows],
    );
  }
  await session.run(
    "update totals set messages = messages + $1, senders = senders + $2, events = events + $3 where id = 1",
    [sum(messages), fresh, sum(events)],
  );
}

const ROWS_MAX = 10_000;

/** Adds to the counts of a table; how many keys were not there before. */
async function added(
  session: Session,
  table: string,
  key: string,
  counts: readonly (readonly [key: string, rows: number])[],
): Promise<number> {
  let fresh = 0;
  for (let start = 0; start < counts.length; start += ROWS_MAX) {
    const some = counts.slice(start, start + ROWS_MAX);
    const rows = some.map((_, index) => `($${2 * index + 1}, $${2 * index + 2}::bigint)`).join(", ");
    const found = await session.run<{ fresh: boolean }>(
      `insert into ${table} (${key}, rows) values ${rows}
       on conflict (${key}) do update set rows = ${table}.rows + excluded.rows returning (xmax = 0) as fresh`,
      some.flat(),
    );
    fresh += found.filter((row) => row.fresh).length;
  }
  return fresh;
}

function summed(pairs: readonly (readonly [string, number])[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const [key, rows] of pairs) sums.set(key, (sums.get(key) ?? 0) + rows);
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What is committed and not in the counts yet, in the session's snapshot: with it, counts are exact at every moment. */
export async function uncounted(session: Session): Promise<Items> {
  const rows = await session.run<{ items: string | null }>("select items from batches where seq is null");
  return joinItems(rows.map(({ items }) => parseItems(items)));
}

/** How many messages and events there are. */
export async function countAll(session: Session): Promise<{ messages: number; events: number }> {
  const tail = await uncounted(session);
  const [totals] = await session.run<{ messages: number; events: number }>(
    "select messages::float8 as messages, events::float8 as events from totals where id = 1",
  );
  return {
    messages: (totals?.messages ?? 0) + sum(tail.messages),
    events: (totals?.events ?? 0) + sum(tail.events),
  };
}
