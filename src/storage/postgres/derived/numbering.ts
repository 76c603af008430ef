/**
 * Numbers batches and takes them into the counts, both in one transaction. A batch gets its number only once it is
 * committed, from one row that is locked meanwhile: whoever follows the numbers never misses a batch that commits late,
 * and no two replicas can give the same one. A number that was seen outlasts a crash of the server.
 */
import { boundedTransaction } from "../connection/bounded-transaction.ts";
import type { Connection, Session } from "../connection/connection.ts";
import { placeholders } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { commitSafely } from "../connection/safe-commit.ts";
import { joinItems, parseItems } from "../ingest/items.ts";
import { count } from "./counts.ts";

const BATCHES_MAX = 500;
const RECOUNTS_MAX = 10;

interface BatchRow {
  readonly batch: string;
  readonly rows: number;
  readonly items: string | null;
}

/** Takes batches that are visible; how many there were. Fewer than that many are left at the moment when it looked. */
export async function numberSome(connection: Connection): Promise<number> {
  return boundedTransaction(connection, "read write", async (session) => {
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
export async function numberAll(connection: Connection): Promise<void> {
  while ((await numberSome(connection)) >= BATCHES_MAX);
}

async function numberBatches(session: Session, batches: readonly BatchRow[], last: number): Promise<void> {
  let seq = last + 1;
  const values = batches.flatMap(({ batch, rows }) => {
    const first = seq;
    seq += Math.max(0, rows);
    // One that holds nothing doesn't stand in the way of who looks for what comes after a number.
    return [batch, String(rows > 0 ? first : 0)];
  });
  await session.run(
    `update batches set seq = numbered.seq::bigint, items = null
     from (values ${placeholders(batches.length, 2)}) numbered (batch, seq) where batches.batch = numbered.batch::uuid`,
    values,
  );
  await session.run("update totals set seq = $1 where id = 1", [seq - 1]);
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
