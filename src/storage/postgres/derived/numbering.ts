/**
 * Numbers batches and takes them into the counts, both in one transaction. A batch gets its number
 * only once it is committed, from one row that is locked meanwhile: whoever follows the numbers
 * never misses a batch that commits late, and no two replicas can give the same one. A number that
 * was seen outlasts a crash of the server.
 */
import { boundedCommit } from "../connection/bounded-transaction.ts";
import type { Connection, Session } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { commitSafely } from "../connection/safe-commit.ts";
import { joinItems, parseItems } from "../ingest/items.ts";
import { counting } from "./counts.ts";
import { lockPosition, remakingLastMessages } from "./last-messages.ts";

const BATCHES_MAX = 500;
const RECOUNTS_MAX = 10;
/** Nobody else gives a number, or takes one over, until the transaction ends. */
const LOCK = "select seq::float8 as seq from totals where id = 1 for update";
/** In the order in which they get their numbers. */
const WAITING = "select batch, rows, items from batches where seq is null order by at, batch";

interface BatchRow {
  readonly batch: string;
  readonly rows: number;
  readonly items: string | null;
}

/**
 * Takes batches that are visible; how many there were. Fewer than that many are left at the moment
 * when it looked. The lock is held for one turn to the server and back, besides what the server
 * does in it.
 */
async function numberSome(connection: Connection): Promise<number> {
  let taken = 0;
  await boundedCommit(connection, `${LOCK}; ${WAITING} limit ${BATCHES_MAX}`, ([totals, waiting]) => {
    const batches = waiting as readonly BatchRow[];
    const given = seqOf(totals);
    if (given === undefined || batches.length === 0) return "";
    taken = batches.length;
    const { script, last } = numbering(batches, given);
    return `${script}; ${counting(joinItems(batches.map(({ items }) => parseItems(items))), last)}`;
  });
  return taken;
}

/** The last number that was given, under the lock. */
export async function lockedSeq(session: Session): Promise<number | undefined> {
  return seqOf(await session.run(LOCK));
}

function seqOf(totals: readonly object[] = []): number | undefined {
  const [row] = totals as readonly { seq: number }[];
  return row?.seq;
}

/** Everything that is committed has a number when it resolves. */
export async function numberAll(connection: Connection): Promise<void> {
  while ((await numberSome(connection)) >= BATCHES_MAX);
}

/**
 * A statement that numbers the batches after the number that was given last, and which number is
 * the last one then.
 */
function numbering(batches: readonly BatchRow[], given: number): { script: string; last: number } {
  let last = given;
  const numbers = batches.map(({ batch, rows }) => {
    // One that holds nothing doesn't stand in the way of who looks for what comes after a number.
    const first = rows > 0 ? last + 1 : 0;
    last += Math.max(0, rows);
    return `('${batch}'::uuid, ${first}::bigint)`;
  });
  const script = `
    update batches set seq = numbered.seq, items = null
    from (values ${numbers.join(", ")}) numbered (batch, seq) where batches.batch = numbered.batch`;
  return { script, last };
}

/**
 * Makes all counts anew from what is stored, while batches wait to be numbered; again when somebody
 * else numbered first.
 */
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
    const given = await lockedSeq(session);
    await lockPosition(session);
    const batches = await session.run<BatchRow>(WAITING);
    const { script, last } = numbering(batches, given ?? 0);
    await session.script(`
      ${batches.length > 0 ? script : ""};
      delete from senders; delete from hours; delete from event_counts;
      insert into senders select from_msisdn, count(*) from messages group by 1;
      insert into hours select left(ts_key, 13), count(*) from messages group by 1;
      insert into event_counts select source, kind, count(*) from events group by 1, 2;
      update totals set seq = ${last}, messages = (select count(*) from messages), senders = (select count(*) from senders),
        events = (select count(*) from events) where id = 1;
      ${remakingLastMessages(last)};
    `);
  });
}
