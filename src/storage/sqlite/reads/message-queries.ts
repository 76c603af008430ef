/**
 * Reads: pages, totals and statistics, each from one snapshot of the index file and the log. What
 * the followers have derived is completed by the log's tail; where the tail is too long to keep,
 * every row is looked at instead.
 */

import type { Database } from "bun:sqlite";
import type { LoggedMessage, Message } from "../../../core/message.ts";
import { NATIVE } from "../../../core/source.ts";
import {
  type EventPage,
  type EventQuery,
  type LastMessage,
  type MessageQuery,
  type Page,
  type SenderPage,
  type SenderQuery,
  type SenderRow,
  type Stats,
  type StoredMessage,
  TOP_SENDERS,
} from "../../../core/store.ts";
import type { Clock } from "../../../lib/clock.ts";
import { SegmentReader } from "../../../search/search.ts";
import { MESSAGE_COLUMNS, selected } from "../../columns.ts";
import { Damaged, inIndex, type OnDamagedRow } from "../connection/damage.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import { isSound, messageChecksum } from "../connection/row-checksum.ts";
import { CountedOrder } from "../derived/counted-order.ts";
import type { IndexLimits } from "../derived/followers.ts";
import { checkDeletions, hasLastMessages, hasTypes, leastOf, positionsOf } from "../derived/index-file.ts";
import { type Entry, type Order, orderInIndex, readRange } from "../derived/order.ts";
import { SenderOrder } from "../derived/sender-order.ts";
import { SenderTally } from "../derived/sender-tally.ts";
import { BY_TIME } from "../derived/time-order.ts";
import { EventQueries } from "./event-queries.ts";
import { type MessageFilter, messageFilter, rowsMatching } from "./filter.ts";
import { FilteredPages } from "./filtered-pages.ts";
import { readMessage } from "./one-message.ts";
import { type Found, isBehind, pageOf, type Snapshot, tailOf } from "./page.ts";
import { Scan } from "./scan.ts";
import { type SenderEntry, SenderPages } from "./sender-pages.ts";
import { TAIL_COLUMNS, TAIL_TABLES, Tail, type TailColumns, TailRow } from "./tail.ts";

/** A row of the log, whole: its checksum is looked at when it goes into an answer. */
type LogRow = LoggedMessage & { readonly checksum: number | null; readonly ts_key: string };
const MESSAGE = `select ${selected(MESSAGE_COLUMNS)}, seq, checksum, ts_key from messages where rowid = ?`;

/** As `Found`, of senders. */
interface SendersFound {
  readonly entries: readonly SenderEntry[];
  readonly total: number;
}

export class MessageQueries {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #tail: Tail;
  readonly #scan: Scan;
  readonly #search: SegmentReader;
  readonly #filtered: FilteredPages;
  readonly #tally: SenderTally;
  readonly #senders: SenderPages;
  readonly #events: EventQueries;
  #order: { readonly row: number; readonly order: Order } | undefined;
  readonly #onDamagedRow: OnDamagedRow;
  /** Whether the index file knows types. */
  readonly #hasTypes: boolean;
  readonly #hasLastMessages: boolean;

  /** The database is the log's, with the index file attached. */
  constructor(db: Database, clock: Clock, limits: IndexLimits, onDamagedRow: OnDamagedRow = () => undefined) {
    this.#db = db;
    this.#clock = clock;
    this.#tail = new Tail(db, limits.tailRows);
    this.#scan = new Scan(db, clock);
    this.#search = new SegmentReader(db);
    this.#filtered = new FilteredPages(db, this.#search, limits);
    this.#tally = new SenderTally(db);
    this.#senders = new SenderPages(db);
    this.#events = new EventQueries(db, limits, onDamagedRow);
    this.#onDamagedRow = onDamagedRow;
    this.#hasTypes = inIndex(() => hasTypes(db, "derived"));
    this.#hasLastMessages = inIndex(() => hasLastMessages(db, "derived"));
  }

  /** Since this was made: what searches have read, and the tail. */
  get bytesRead(): number {
    return this.#search.bytesRead + this.#tail.bytesRead;
  }

  /** Gives up what is kept for the next read, which takes longer then. */
  forget(): void {
    this.#tail.forget();
    this.#search.forget();
    this.#senders.forget();
    this.#order = undefined;
  }

  /** One page and its total. Throws `TimeIsOver`. */
  list(query: MessageQuery, deadline: number): Page {
    return this.#read(
      deadline,
      (snapshot) =>
        query.type === undefined || this.#hasTypes
          ? this.#page(query, this.#find(query, messageFilter(query), snapshot))
          : this.#scan.list(query, deadline),
      () => this.#scan.list(query, deadline),
    );
  }

  /** All statistics. Throws `TimeIsOver`. */
  stats(deadline: number): Stats {
    return this.#read(
      deadline,
      (snapshot) => this.#stats(snapshot),
      () => this.#scan.stats(deadline),
    );
  }

  /** One page of senders and its total. Throws `TimeIsOver`. */
  senders(query: SenderQuery, deadline: number): SenderPage {
    const scanned = () => this.#senderPage(query, this.#scan.senders(query, deadline));
    return this.#read(
      deadline,
      (snapshot) =>
        this.#hasLastMessages ? this.#senderPage(query, this.#findSenders(query, snapshot)) : scanned(),
      scanned,
    );
  }

  /** One page of events and its total. Throws `TimeIsOver`. */
  events(query: EventQuery, deadline: number): EventPage {
    return this.#inTransaction(() => {
      inIndex(() => checkDeletions(this.#db, "main"));
      return this.#events.page(query, this.#timeCheck(deadline));
    });
  }

  /** A message with its events; null when there is none. Throws `TimeIsOver`. */
  message(messageId: string, deadline: number): StoredMessage | null {
    return this.#inTransaction(() =>
      readMessage(
        this.#db,
        messageId,
        () => this.#events.latestOf(messageId, this.#timeCheck(deadline)),
        this.#onDamagedRow,
      ),
    );
  }

  /** How many messages there are and up to which row. */
  count(): { readonly messages: number; readonly row: number } {
    return this.#inTransaction(() => {
      const { senders } = inIndex(() => positionsOf(this.#db));
      const known = this.#counted();
      const sql =
        "select count(*) as messages, coalesce(max(rowid), ?1) as row from messages where rowid > ?1";
      const after = this.#db.query<{ messages: number; row: number }, [number]>(sql).get(senders);
      return { messages: known + (after?.messages ?? 0), row: after?.row ?? 0 };
    });
  }

  #read<T>(deadline: number, indexed: (snapshot: Snapshot) => T, scanned: () => T): T {
    const checkTime = this.#timeCheck(deadline);
    return this.#inTransaction(() => {
      // The index file's snapshot is taken before the log's, so that the log holds all that was
      // derived.
      const positions = inIndex(() => positionsOf(this.#db));
      inIndex(() => checkDeletions(this.#db, "main"));
      const tail = this.#tail.after(leastOf(positions));
      checkTime();
      return tail === undefined ? scanned() : indexed({ positions, tail, checkTime });
    });
  }

  #timeCheck(deadline: number): () => void {
    return () => {
      if (this.#clock.now() > deadline) throw new TimeIsOver("the read took too long");
    };
  }

  #inTransaction<T>(read: () => T): T {
    this.#db.run("begin");
    try {
      return read();
    } finally {
      this.#db.run("rollback");
    }
  }

  #find(query: MessageQuery, filter: MessageFilter, snapshot: Snapshot): Found {
    if (query.messageId !== undefined) return this.#one(query, filter, query.messageId);
    const { since, until, terms } = filter;
    const name = filter.from === undefined ? "time" : "senders";
    const order = filter.from === undefined ? this.#timeOrder(snapshot) : this.#senderOrder(filter.from);
    const from = since === undefined ? 0 : order.rank(since);
    const to = Math.max(from, until === undefined ? order.size : order.rank(until));
    const here = { ...snapshot, tail: rowsMatching(snapshot.tail, filter) };
    if (terms !== undefined) {
      return this.#filtered.find({ query, filter, terms, snapshot: here, order, name, from, to });
    }
    const rest = tailOf(here, name);
    return { total: to - from + rest.length, entries: pageOf(query, { order, from, to, tail: rest }) };
  }

  #one(query: MessageQuery, filter: MessageFilter, messageId: string): Found {
    const stored = this.#db
      .query(`select ${TAIL_COLUMNS} from ${TAIL_TABLES} where message_id = ?`)
      .values(messageId);
    const found = rowsMatching(
      stored.map((columns) => new TailRow(columns as TailColumns)),
      filter,
    );
    return {
      total: found.length,
      entries: found.filter((row) => isBehind(row, query)).slice(query.offset),
    };
  }

  #page({ limit }: MessageQuery, { entries, total }: Found): Page {
    const last = entries.length > limit ? entries[limit - 1] : undefined;
    return {
      data: entries.slice(0, limit).map((entry) => this.#message(entry)),
      total,
      ...(last !== undefined && { next: { tsKey: last.tsKey, messageId: last.messageId } }),
    };
  }

  #findSenders(query: SenderQuery, snapshot: Snapshot): SendersFound {
    const { positions, checkTime } = snapshot;
    const tail = tailOf(snapshot, "senders");
    return inIndex(() => ({
      entries: this.#senders.find(query, positions.senders, tail, checkTime),
      total: query.q
        ? this.#senders.count(query.q, tail, checkTime)
        : this.#tally.senders(positions.senders, tail),
    }));
  }

  #senderPage({ limit }: SenderQuery, { entries, total }: SendersFound): SenderPage {
    const last = entries.length > limit ? entries[limit - 1]?.last : undefined;
    return {
      data: entries.slice(0, limit).map((entry) => this.#senderRow(entry)),
      total,
      ...(last !== undefined && { next: { tsKey: last.tsKey, messageId: last.messageId } }),
    };
  }

  #senderRow({ sender, count, last }: SenderEntry): SenderRow {
    const { message_id, to, ts, text } = this.#message(last);
    return { from: sender, count, last_message: { message_id, to, ts, text, ...this.#originOf(last) } };
  }

  #originOf(entry: Entry): Pick<LastMessage, "source" | "type"> {
    if (entry instanceof TailRow) return { source: entry.source, type: entry.type };
    const sql = "select source, type from details where seq = (select seq from messages where rowid = ?)";
    const query = this.#db.query<{ source: string; type: string }, [number]>(sql);
    return query.get(entry.row) ?? { source: NATIVE, type: null };
  }

  #message(entry: Entry): Message {
    if (entry instanceof TailRow) {
      const { messageId, from, to, ts, text } = entry;
      return { message_id: messageId, from, to, ts, text };
    }
    const row = this.#db.query<LogRow, [number]>(MESSAGE).get(entry.row);
    if (row === null) throw this.#lost(entry);
    const { message_id: messageId, from, to, ts, text, seq, checksum, ts_key } = row;
    const sound = isSound(checksum, () => messageChecksum(row));
    if (!sound || (messageId !== entry.messageId && this.#keyLeadsTo(entry)))
      this.#onDamagedRow({ table: "messages", seq, messageId });
    else if (messageId !== entry.messageId || ts_key !== entry.tsKey)
      throw new Damaged("index", `it has another key than the log for the row ${entry.row}`);
    return { message_id: messageId, from, to, ts, text };
  }

  /** The index has a row that isn't there: it is the log that lost it if its own key has it too. */
  #lost(entry: Entry): Damaged {
    return this.#keyLeadsTo(entry)
      ? new Damaged("log", `the row ${entry.row} of messages is gone, and the primary key leads to it`)
      : new Damaged("index", `it has the row ${entry.row}, which the log has not`);
  }

  #keyLeadsTo({ messageId, row }: Entry): boolean {
    const key = this.#db.query<{ row: number }, [string]>(
      "select rowid as row from messages where message_id = ?",
    );
    return key.get(messageId)?.row === row;
  }

  /** It changes only when its follower has taken a step. */
  #timeOrder({ positions }: Snapshot): Order {
    if (this.#order?.row !== positions.time) {
      const order = orderInIndex(() => new CountedOrder(this.#db, BY_TIME));
      if (positions.time === positions.senders && order.size !== this.#counted())
        throw new Damaged("index", `its leaves have ${order.size} messages and its total is another`);
      this.#order = { row: positions.time, order };
    }
    return this.#order.order;
  }

  #senderOrder(sender: string): Order {
    return orderInIndex(() => new SenderOrder(this.#db, sender));
  }

  /** Messages that the follower of senders has taken. */
  #counted(): number {
    const query = this.#db.query<{ messages: number }, []>("select messages from totals");
    return inIndex(() => query.get()?.messages ?? 0);
  }

  #stats(snapshot: Snapshot): Stats {
    const { messages, senders, top } = inIndex(() =>
      this.#tally.totals(snapshot.positions.senders, tailOf(snapshot, "senders"), TOP_SENDERS),
    );
    const order = this.#timeOrder(snapshot);
    const rest = tailOf(snapshot, "time");
    const range = { order, from: 0, to: order.size, tail: rest };
    const edge = (offset: number) => {
      const [entry] = messages === 0 ? [] : readRange(range, offset, 1);
      return entry === undefined ? null : this.#message(entry).ts;
    };
    return {
      total_messages: messages,
      senders_count: senders,
      messages_per_sender: top.map(({ sender, rows }) => ({ from: sender, count: rows })),
      first_message_ts: edge(0),
      last_message_ts: edge(messages - 1),
    };
  }
}
