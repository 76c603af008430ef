/**
 * Which message of each sender comes last in the order of pages. It follows the numbered log by a
 * position of its own, since a replica of an earlier version numbers and counts without it. A batch
 * that is taken twice changes nothing, so all that matters is that none is passed.
 */
import type { Clock } from "../../../lib/clock.ts";
import { boundedTransaction } from "../connection/bounded-transaction.ts";
import type { Connection, Session } from "../connection/connection.ts";
import { isDistributed } from "../connection/distributed.ts";
import { readMark } from "../connection/migration-mark.ts";
import { LAST_MESSAGES_POSITION } from "../connection/schema.ts";
import { hasBatchIndexes } from "./batch-indexes.ts";

/** Of one transaction; a batch is taken as a whole. */
const STEP_ROWS = 8192;
const STEP_BATCHES = 500;
/** Behind each other: whoever closes waits for their end. */
const STEPS_MAX = 4;
/**
 * Each message that is taken changes a row and two indexes, however many the sender had meanwhile.
 * Reads look at what waits.
 */
const EVERY_MS = 2000;

/** Looked up at once, of a log that is there already. */
const SENDERS_AT_ONCE = 1000;

const POSITION = `select value::float8 as seq from meta where key = '${LAST_MESSAGES_POSITION}'`;
const NEXT = `
  select batch, seq, rows from (
    select batch, seq::float8 as seq, rows, sum(rows) over (order by seq) - rows as before from (
      select batch, seq, rows from batches where rows > 0 and seq > $1::bigint order by seq limit ${STEP_BATCHES}
    ) following
  ) counted where before < ${STEP_ROWS} order by seq`;

/** Of two messages of a sender the later one stays. */
const put = (from: string) => `insert into last_messages ${from}
  on conflict (sender) do update set ts_key = excluded.ts_key, message_id = excluded.message_id
  where (excluded.ts_key, excluded.message_id) > (last_messages.ts_key, last_messages.message_id)`;
const LOOK_UP = put(`
  select s.sender, m.ts_key, m.message_id from json_array_elements_text($1::text::json) s (sender) cross join lateral (
    select ts_key, message_id from messages where from_msisdn = s.sender
    order by ts_key desc, message_id desc limit 1
  ) m`);

/** Each sender's last one of these messages. */
export function lastOf(messages: string): string {
  return `select distinct on (from_msisdn) from_msisdn as sender, ts_key, message_id from ${messages}
    order by from_msisdn desc, ts_key desc, message_id desc`;
}

interface NumberedBatch {
  readonly batch: string;
  readonly seq: number;
  readonly rows: number;
}

export class LastMessages {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #isReady = false;
  #tookAt = Number.NEGATIVE_INFINITY;
  /** Of a log that is there already, senders up to this one are looked up, as of this number. */
  #filling: { readonly sender: string; readonly seq: number } | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Takes what is numbered: some tens of thousands of rows at most. */
  async follow(): Promise<void> {
    if (this.#clock.elapsed() - this.#tookAt < EVERY_MS) return;
    // Without the index that leads from a batch to its rows each step would look at all of them.
    this.#isReady ||= await boundedTransaction(this.#connection, "read write", hasBatchIndexes);
    if (!this.#isReady) return;
    try {
      for (let step = 0; step < STEPS_MAX; step++) {
        if ((await this.#fill()) || (await this.#take())) continue;
        this.#tookAt = this.#clock.elapsed();
        return;
      }
    } catch (error) {
      // Another server may have taken over, and lack what was looked up.
      this.#filling = undefined;
      throw error;
    }
  }

  /**
   * Looks some senders up where nothing was taken from a long log yet: to take it batch by batch
   * would change their rows again and again. False where there is nothing to fill.
   */
  async #fill(): Promise<boolean> {
    this.#filling = await boundedTransaction(this.#connection, "read write", async (session) => {
      if ((await positionOf(session)) !== 0) return undefined;
      const filling = this.#filling ?? (await beginFilling(session));
      if (filling === undefined) return undefined;
      const senders = await session.run<{ sender: string }>(
        `select sender from senders where sender > $1 order by sender limit ${SENDERS_AT_ONCE}`,
        [filling.sender],
      );
      const last = senders.at(-1);
      if (last === undefined) {
        if ((await lockPosition(session)) === 0) await movePosition(session, filling.seq);
        return undefined;
      }
      await session.run(LOOK_UP, [JSON.stringify(senders.map(({ sender }) => sender))]);
      return { ...filling, sender: last.sender };
    });
    return this.#filling !== undefined;
  }

  /** Whether there may be more. */
  #take(): Promise<boolean> {
    return boundedTransaction(this.#connection, "read write", async (session) => {
      if ((await nextBatches(session, await positionOf(session))).length === 0) return false;
      await session.run("select set_config('synchronous_commit', 'off', true)");
      const batches = await wholeOnes(session, await nextBatches(session, await lockPosition(session)));
      const last = batches.at(-1);
      if (last === undefined) return false;
      await session.run(put(lastOf("messages where batch = any($1::uuid[])")), [namesOf(batches)]);
      await movePosition(session, last.seq + last.rows - 1);
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      return rows >= STEP_ROWS || batches.length >= STEP_BATCHES;
    });
  }
}

/** Where messages are distributed, what is numbered need not be seen yet. */
async function beginFilling(session: Session): Promise<{ sender: string; seq: number } | undefined> {
  const [totals] = await session.run<{ seq: number }>("select seq::float8 as seq from totals where id = 1");
  if (totals === undefined || totals.seq <= STEP_ROWS || (await isDistributed(session))) return undefined;
  return { sender: "", seq: totals.seq };
}

/** The last number whose batch has been taken; undefined where the table isn't there. */
export async function positionOf(session: Session): Promise<number | undefined> {
  const [row] = await session.run<{ seq: number }>(POSITION);
  return row?.seq;
}

/** Nobody else moves it until the transaction ends. */
export async function lockPosition(session: Session): Promise<number | undefined> {
  const [row] = await session.run<{ seq: number }>(`${POSITION} for update`);
  return row?.seq;
}

async function movePosition(session: Session, seq: number): Promise<void> {
  await session.run("update meta set value = $1 where key = $2", [String(seq), LAST_MESSAGES_POSITION]);
}

/** What makes all of them anew, up to a number; whoever runs it holds the position. */
export function remakingLastMessages(seq: number): string {
  return `delete from last_messages;
    insert into last_messages ${lastOf("messages")};
    update meta set value = '${seq}' where key = '${LAST_MESSAGES_POSITION}'`;
}

async function nextBatches(session: Session, after: number | undefined): Promise<readonly NumberedBatch[]> {
  return after === undefined ? [] : session.run<NumberedBatch>(NEXT, [after]);
}

/**
 * Those before the first one of which a row can't be seen yet, which there is only where messages
 * are distributed; a log that was taken over had gaps.
 */
async function wholeOnes(
  session: Session,
  batches: readonly NumberedBatch[],
): Promise<readonly NumberedBatch[]> {
  if (batches.length === 0 || !(await isDistributed(session))) return batches;
  const gapsUntil = (await readMark(session))?.seq ?? 0;
  const seen = new Map<string, number>();
  for (const table of ["messages", "events"]) {
    const counts = await session.run<{ batch: string; rows: number }>(
      `select batch, count(*)::float8 as rows from ${table} where batch = any($1::uuid[]) group by batch`,
      [namesOf(batches)],
    );
    for (const { batch, rows } of counts) seen.set(batch, (seen.get(batch) ?? 0) + rows);
  }
  const broken = batches.findIndex(
    ({ batch, seq, rows }) => seq > gapsUntil && (seen.get(batch) ?? 0) < rows,
  );
  return broken < 0 ? batches : batches.slice(0, broken);
}

/** As the server writes an array. */
export function namesOf(batches: readonly { readonly batch: string }[]): string {
  return `{${batches.map(({ batch }) => batch).join()}}`;
}
