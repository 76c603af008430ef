/**
 * Takes over the log of another database, with its numbers, into a database that holds nothing
 * else. Each transaction goes on exactly where the last one ended, so that whatever stops it, the
 * next run goes on; should anybody else write meanwhile, nothing more is taken.
 */
import type { Consumer } from "../../../core/consumers.ts";
import { StartRefused } from "../../../core/errors.ts";
import { instantKey } from "../../../core/instant.ts";
import type { BodyRecord, EventRecord, LogRecord, MessageRecord } from "../../../core/log-record.ts";
import type { KeptDeliveries, KeptSeries, MigrationTarget } from "../../../core/maintenance.ts";
import type { OnUpgrade } from "../../../core/upgrade.ts";
import type { NewId } from "../../../lib/chance.ts";
import { Connection, type Session } from "../connection/connection.ts";
import { isLeased } from "../connection/lease.ts";
import { takeOverLogName } from "../connection/log-name.ts";
import { type MigrationMark, readMark, writeMark } from "../connection/migration-mark.ts";
import { guard } from "../connection/safe-commit.ts";
import { migrate } from "../connection/schema.ts";
import { counting } from "../derived/counts.ts";
import { NUMBERING_LEASE } from "../derived/follow-schedule.ts";
import { lockedSeq } from "../derived/numbering.ts";
import { dropSearchIndex, makeSearchIndex } from "../derived/search-index.ts";
import {
  type BodyRow,
  type EventRow,
  insertBodies,
  insertEvents,
  insertMessages,
  type MessageRow,
} from "../ingest/batch.ts";
import { replaceConsumers } from "../ingest/consumers.ts";
import { insertDeliveries } from "../ingest/delivery-rows.ts";
import { itemsOf, parseItems } from "../ingest/items.ts";
import { replaceSeries } from "../ingest/series-rows.ts";

const TRANSACTION_ROWS = 2000;
const TRANSACTION_BYTES = 8 * 1024 * 1024;
/** The rows of one are stored while the one before it is numbered and committed. */
const TRANSACTIONS_AT_ONCE = 2;
/** Places are numbers of 32 bits: a log with a larger gap goes on in another batch. */
const PLACES = 2 ** 30;
const STATEMENT_MS_MAX = 600_000;
const CONNECT_TIMEOUT_S = 10;
const CLOSE_S = 5;

/**
 * Opens the target of a migration of the log with this name; its tables are made when missing.
 * Throws `StartRefused` when it holds rows that came from elsewhere, or a replica runs on it.
 */
export async function openMigrationTarget(
  url: string,
  log: string,
  { newId, onUpgrade }: { readonly newId: NewId; readonly onUpgrade: OnUpgrade },
): Promise<MigrationTarget> {
  const connection = new Connection(url, {
    connectionsMax: TRANSACTIONS_AT_ONCE,
    connectTimeoutS: CONNECT_TIMEOUT_S,
  });
  try {
    const upgrade = await migrate(connection, { hangMs: STATEMENT_MS_MAX });
    if (upgrade !== undefined) onUpgrade(upgrade);
    const seq = await connection.transaction("read write", (session) => begin(session, log));
    return new PostgresTarget(connection, log, seq, newId);
  } catch (error) {
    await connection.close(CLOSE_S);
    throw error;
  }
}

/** The last `seq` that is there. */
async function begin(session: Session, log: string): Promise<number> {
  await guard(session, STATEMENT_MS_MAX);
  const last = (await lockedSeq(session)) ?? 0;
  const mark = await readMark(session);
  if (await isLeased(session, NUMBERING_LEASE))
    throw new StartRefused(
      "a Postern replica runs on the target (or did until a few seconds ago): stop it first",
    );
  if (mark === undefined ? !(await isEmpty(session)) : mark.log !== log)
    throw new StartRefused("the target holds rows that came from elsewhere: it takes an empty database");
  await refuseOthers(session, last, mark?.seq ?? 0);
  if (mark === undefined) await dropSearchIndex(session);
  await writeMark(session, { log, seq: last, finished: false });
  // Positions of it go on holding.
  if (log !== "") await takeOverLogName(session, log);
  return last;
}

async function isEmpty(session: Session): Promise<boolean> {
  const rows = await session.run(
    "select 1 where exists (select 1 from messages) or exists (select 1 from events)",
  );
  return rows.length === 0;
}

/** Throws when somebody has stored rows since the last one that was taken over. */
async function refuseOthers(session: Session, last: number, expected: number): Promise<void> {
  const waiting = await session.run("select 1 from batches where seq is null and rows > 0 limit 1");
  if (last !== expected || waiting.length > 0)
    throw new StartRefused(
      "somebody else has stored rows in the target since: what is there can't be added to any more",
    );
}

/** Rows that go in one transaction. */
class Pending {
  readonly messages: MessageRow[] = [];
  readonly events: EventRow[] = [];
  readonly bodies: BodyRow[] = [];
  first = 0;
  last = 0;
  #bytes = 0;

  get rows(): number {
    return this.messages.length + this.events.length;
  }

  /** Whether what begins with this `seq` has to go into the next one. */
  isFullAt(seq: number): boolean {
    if (this.rows === 0) return false;
    return this.rows >= TRANSACTION_ROWS || this.#bytes >= TRANSACTION_BYTES || seq - this.first >= PLACES;
  }

  addBody({ body_base64, headers }: BodyRecord): void {
    const body = Buffer.from(body_base64, "base64");
    this.bodies.push({ delivery: this.bodies.length, body, headers });
    this.#bytes += body.length;
  }

  add(record: MessageRecord | EventRecord): void {
    if (this.rows === 0) this.first = record.seq;
    this.last = record.seq;
    const place = record.seq - this.first;
    const delivery = this.bodies.length - 1;
    if ("event_key" in record) this.events.push(eventRow(record, place, delivery));
    else this.messages.push(messageRow(record, place, delivery));
  }
}

function messageRow(record: MessageRecord, place: number, delivery: number): MessageRow {
  const { message_id, from, to, ts, text, created_at: createdAt } = record;
  const part =
    "source" in record
      ? { source: record.source, type: record.type, delivery, start: record.start, stop: record.stop }
      : { source: null, type: null, delivery: null, start: null, stop: null };
  return { message: { message_id, from, to, ts, text }, tsKey: instantKey(ts), createdAt, place, ...part };
}

function eventRow(record: EventRecord, place: number, delivery: number): EventRow {
  const { source, kind, type, event_key: key, message_id: messageId, ts, start, stop } = record;
  const event = { kind, type, key, messageId, ts, span: { start, end: stop } };
  return { event, source, createdAt: record.created_at, place, delivery };
}

class PostgresTarget implements MigrationTarget {
  readonly #connection: Connection;
  readonly #log: string;
  readonly #newId: NewId;
  #pending = new Pending();
  /** The last `seq` of what was begun to be stored. */
  #begun: number;
  #seq: number;
  #last: Promise<void> = Promise.resolve();

  constructor(connection: Connection, log: string, seq: number, newId: NewId) {
    this.#connection = connection;
    this.#log = log;
    this.#begun = seq;
    this.#seq = seq;
    this.#newId = newId;
  }

  get seq(): number {
    return this.#seq;
  }

  /** A POST's parts stay together, because they refer to its bytes by their batch. */
  async append(record: LogRecord): Promise<void> {
    if ("body_base64" in record) {
      if (this.#pending.isFullAt(record.delivery)) await this.#begin();
      this.#pending.addBody(record);
      return;
    }
    if (!("delivery" in record) && this.#pending.isFullAt(record.seq)) await this.#begin();
    this.#pending.add(record);
  }

  async flush(): Promise<void> {
    await this.#begin();
    await this.#last;
    this.#seq = this.#begun;
  }

  async index(): Promise<void> {
    // As one holder for all runs, so that none waits for the lease of one that was killed.
    await makeSearchIndex(this.#connection, this.#log);
    await this.#connection.script("analyze messages; analyze events; analyze batches; analyze deliveries");
  }

  replaceConsumers(consumers: readonly Consumer[]): Promise<void> {
    return this.#alone((session) => replaceConsumers(session, consumers));
  }

  async replaceDeliveries(kept: readonly KeptDeliveries[]): Promise<void> {
    await this.#alone(async (session) => {
      await session.script("truncate destinations, failures, replays");
      for (const each of kept) await insertDeliveries(session, each);
    });
    await this.#connection.script("analyze failures");
  }

  async replaceSeries(kept: KeptSeries): Promise<void> {
    await this.#alone((session) => replaceSeries(session, kept));
    await this.#connection.script("analyze record_counts, request_counts");
  }

  async counts(): Promise<{ readonly messages: number; readonly events: number }> {
    const [row] = await this.#connection.run<{ messages: number; events: number }>(
      "select messages::float8 as messages, events::float8 as events from totals where id = 1",
    );
    return row ?? { messages: 0, events: 0 };
  }

  finish(): Promise<void> {
    return this.#alone((session) => writeMark(session, this.#mark(this.#seq, true)));
  }

  async close(): Promise<void> {
    await this.#connection.close(CLOSE_S);
  }

  /** In one transaction, unless somebody else has stored anything since. */
  #alone(work: (session: Session) => Promise<void>): Promise<void> {
    return this.#connection.transaction("read write", async (session) => {
      await guard(session, STATEMENT_MS_MAX);
      await refuseOthers(session, (await lockedSeq(session)) ?? 0, this.#seq);
      await work(session);
    });
  }

  /** Begins to store what was added; resolves when the transaction before it is committed. */
  async #begin(): Promise<void> {
    const pending = this.#pending;
    if (pending.rows === 0) return;
    const before = this.#last;
    const seq = this.#begun;
    this.#pending = new Pending();
    this.#begun = pending.last;
    this.#last = this.#connection.transaction("read write", async (session) => {
      const batch = this.#newId();
      await this.#store(session, batch, pending);
      await before;
      await this.#number(session, batch, pending, seq);
    });
    // Whoever waits for it hears of it, and what comes after it fails with it.
    this.#last.catch(() => undefined);
    await before;
    this.#seq = seq;
  }

  async #store(session: Session, batch: string, { messages, events, bodies }: Pending): Promise<void> {
    await guard(session, STATEMENT_MS_MAX);
    const newMessages = await insertMessages(session, batch, messages);
    const newEvents = await insertEvents(session, batch, events);
    if (newMessages.length < messages.length || newEvents.length < events.length)
      throw new StartRefused("the target holds rows that came from elsewhere");
    await insertBodies(session, batch, bodies);
  }

  /** Directly after `seq`. */
  async #number(session: Session, batch: string, pending: Pending, seq: number): Promise<void> {
    const { messages, events, first, last } = pending;
    await refuseOthers(session, (await lockedSeq(session)) ?? 0, seq);
    await session.run("insert into batches (batch, seq, rows) values ($1, $2::text::bigint, $3)", [
      batch,
      String(first),
      last - first + 1,
    ]);
    const items = itemsOf(
      messages.map(({ message, tsKey }) => ({ from: message.from, tsKey })),
      events.map(({ source, event }) => ({ source, kind: event.kind })),
    );
    await session.script(counting(parseItems(items), last));
    await writeMark(session, this.#mark(last, false));
  }

  #mark(seq: number, finished: boolean): MigrationMark {
    return { log: this.#log, seq, finished };
  }
}
