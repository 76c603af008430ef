/**
 * Numbers batches and takes them into the counts, both in one transaction. A batch gets its number only once it is
 * committed, from one row that is locked meanwhile: whoever follows the numbers never misses a batch that commits late,
 * and no two replicas can give the same one. A number that was seen outlasts a crash of the server.
 */
import { beside } from "../connection/bounded-transaction.ts";
import type { Connection, Session } from "../connection/connection.ts";
import { placeholders } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { commitSafely } from "../connection/safe-commit.ts";
import { type Items, joinItems, parseItems, sum } from "../ingest/items.ts";

const BATCHES_MAX = 500;
const RECOUNTS_MAX = 10;

interface BatchRow {
  readonly batch: string;
  readonly rows: number;
  readonly items: string | null;
}

/** Takes batches that are visible; how many there were. Fewer than that many are left at the moment when it looked. */
export async function foldSome(connection: Connection): Promise<number> {
  return beside(connection, "read write", async (session) => {
    await commitSafely(session);
    const last = await lockedSeq(session);
    const batches = await session.run<BatchRow>(
      `select batch, rows, items from batches where seq is null order by at, batch limit ${BATCHES_MAX}`,
    );
    if (last === undefined || batches.length === 0) return 0;
    await numberBatches(session, batches, last);
    await count(session, joinItems(batches.map(({ items }) => parseItems(items))));
    return batches.length;
  });
}

/** The last number that was given. Nobody else gives one, or takes one over, until the transaction ends. */
export async function lockedSeq(session: Session): Promise<number | undefined> {
  const [totals] = await session.run<{ seq: number }>(
    "select seq::float8 as seq from totals where id = 1 for update",
  );
  return totals?.seq;
}

/** Everything that is committed has a number when it resolves. */
export async function foldAll(connection: Connection): Promise<void> {
  while ((await foldSome(connection)) >= BATCHES_MAX);
}

async function numberBatches(session: Session, batches: readonly BatchRow[], last: number): Promise<void> {
  let seq = last + 1;
  const values = batches.flatMap(({ batch, rows }) => {
    const first = seq;
    seq += Math.max(0, rows);
    return [batch, String(first)];
  });
  await session.run(
    `update batches set seq = numbered.seq::bigint, items = null
     from (values ${placeholders(batches.length, 2)}) numbered (batch, seq) where batches.batch = numbered.batch::uuid`,
    values,
  );
  await session.run("update totals set seq = $1 where id = 1", [seq - 1]);
}

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

/** Makes all counts anew from what is stored, while batches wait to be numbered; again when somebody else folded first. */
export async function recount(connection: Connection): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await recountOnce(connection);
      return;
    } catch (error) {
      if (failureOf(error).kind !== "again" || attempt >= RECOUNTS_MAX) throw error;
    }
  }
}

async function recountOnce(connection: Connection): Promise<void> {
  await connection.transaction("isolation level repeatable read", async (session) => {
    await commitSafely(session);
    const last = await lockedSeq(session);
    const batches = await session.run<BatchRow>(
      "select batch, rows, null as items from batches where seq is null order by at, batch",
    );
    if (batches.length > 0) await numberBatches(session, batches, last ?? 0);
    await session.script(`
      delete from senders; delete from hours; delete from event_counts;
      insert into senders select from_msisdn, count(*) from messages group by 1;
      insert into hours select left(ts_key, 13), count(*) from messages group by 1;
      insert into event_counts select source, kind, count(*) from events group by 1, 2;
      update totals set messages = (select count(*) from messages), senders = (select count(*) from senders),
        events = (select count(*) from events) where id = 1;
    `);
  });
}
