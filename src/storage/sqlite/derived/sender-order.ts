/**
 * Messages by sender: each sender's in the order of pages, how many, which is the last, and who has
 * most.
 */
import type { Database } from "bun:sqlite";
import type { SortKey } from "../../../core/store.ts";
import type { Follower, IndexLimits } from "./followers.ts";
import { LAST_MESSAGE_TABLES, LastMessageWriter } from "./last-messages.ts";
import { compareKeys, countBefore } from "./log-rows.ts";
import { type Entry, mergeEntries, type Order } from "./order.ts";
import { STEP_ROWS } from "./step-rows.ts";

/** More than anybody asks for: what the tail adds may reorder those just below the tenth. */
const TOP = 100;
const WALK_ROWS = 8192;

/**
 * Every message is in `by_sender`, or waits for that in a run: a sender who writes now and then has
 * a page there to himself, and going to that page for each message is what costs most of all that
 * the followers do. A run is written from start to end; when there are enough of them they are
 * swept, sender by sender, each page once.
 */
export const SENDER_TABLES = `
  create table by_sender (
    sender text not null, ts_key text not null, message_id text not null, row integer not null,
    primary key (sender, ts_key, message_id)
  ) without rowid;
  create table waiting_by_sender (
    run integer not null, sender text not null, ts_key text not null, message_id text not null,
    row integer not null,
    primary key (run, sender, ts_key, message_id)
  ) without rowid;
  create table runs (run integer primary key, rows integer not null);
  create table sweep (last_run integer not null, widest integer not null, stride integer not null, sender text not null);
  create view all_by_sender as
    select sender, ts_key, message_id, row from by_sender
    union all
    select sender, ts_key, message_id, row from waiting_by_sender where run in (select run from runs);
  create table senders (sender text primary key, rows integer not null) without rowid;
  create table top_senders (sender text primary key, rows integer not null) without rowid;
  create table totals (messages integer not null, senders integer not null);
  insert into totals values (0, 0);
  ${LAST_MESSAGE_TABLES}
`;

/**
 * What a step brings, by sender, and the last message of it; `last` is ordered as a sort key is. Of
 * this connection alone.
 */
const GIVEN = `
  create temp table if not exists given (
    sender text primary key, rows integer not null, last text not null,
    ts_key text not null, message_id text not null, row integer not null
  ) without rowid`;

interface Sweep {
  /** The last run that is swept. */
  readonly lastRun: number;
  /** The run whose senders cut the sweep in slices, and how many of its rows make one. */
  readonly widest: number;
  readonly stride: number;
  /** Up to this sender it is done. */
  readonly sender: string;
}

export class SenderFollower implements Follower {
  readonly name = "senders";
  readonly #db: Database;
  readonly #limits: IndexLimits;
  readonly #last: LastMessageWriter | undefined;

  /** `hasLastMessages`: whether the file has a place for them. */
  constructor(db: Database, limits: IndexLimits, hasLastMessages: boolean) {
    this.#db = db;
    this.#limits = limits;
    if (hasLastMessages) this.#last = new LastMessageWriter(db, limits.waitingSenders);
    db.run(GIVEN);
  }

  step(after: number, last: number): void {
    this.#count(after, last);
    this.#last?.add();
    this.#store(after, last);
  }

  /**
   * One slice of a sweep. Fewer slices than runs: this sweep is done before the next one is due.
   */
  rearrange(): void {
    this.#last?.settle();
    const sweep = this.#db.query<Sweep, []>(SWEEP).get() ?? this.#beginSweep();
    if (sweep !== undefined) this.#sweep(sweep);
  }

  #count(after: number, last: number): void {
    this.#db.query("delete from given").run();
    for (const sql of COUNT) this.#db.query(sql).run(after, last);
    for (const sql of COUNTED) this.#db.query(sql).run();
  }

  /**
   * Whose page it is worth going to gets the messages there at once, which bounds what waits of one
   * sender.
   */
  #store(after: number, last: number): void {
    const { runRows, runSenderRows } = this.#limits;
    const { run, begun } = this.#db
      .query<{ run: number; begun: number }, [number]>(RUN_TO_FILL)
      .get(runRows) as {
      run: number;
      begun: number;
    };
    if (begun === 1) this.#db.query(ADD_WAITING).run(run);
    this.#db.query(STORE).run(after, last, runSenderRows);
    const { changes } = this.#db.query(LET_WAIT).run(after, last, runSenderRows, run);
    if (changes > 0) this.#db.query(GROW_RUN).run(run, changes);
  }

  #sweep({ lastRun, widest, stride, sender }: Sweep): void {
    const end = this.#db
      .query<{ sender: string }, [number, string, number]>(SLICE_END)
      .get(widest, sender, stride);
    const slice = [lastRun, sender, end?.sender ?? AFTER_ALL] as const;
    for (const sql of SETTLE) this.#db.query(sql).run(...slice);
    if (end !== null) this.#db.query("update sweep set sender = ?").run(end.sender);
    else {
      this.#db.query("delete from sweep").run();
      this.#db.query("delete from runs where run <= ?").run(lastRun);
    }
  }

  #beginSweep(): Sweep | undefined {
    const { runs, runRows } = this.#limits;
    const full = this.#db
      .query<{ run: number; rows: number }, [number]>(
        "select run, rows from runs where rows >= ? order by rows desc",
      )
      .all(runRows);
    const [widest] = full;
    if (widest === undefined || full.length < runs) return undefined;
    const lastRun = Math.max(...full.map(({ run }) => run));
    const sweep = {
      lastRun,
      widest: widest.run,
      stride: Math.ceil((4 * widest.rows) / (3 * runs)),
      sender: "",
    };
    this.#db.query("insert into sweep values (?, ?, ?, ?)").run(lastRun, sweep.widest, sweep.stride, "");
    return sweep;
  }
}

const RANGE = `${STEP_ROWS} where row > ?1 and row <= ?2`;
/** A blob comes after every text. */
const AFTER_ALL = Buffer.alloc(0);

/** Beside the greatest `last` the other columns are those of its row. */
const COUNT = [
  `insert into given (sender, rows, last, ts_key, message_id, row)
     select sender, count(*), max(ts_key || char(1) || message_id), ts_key, message_id, row
     from ${RANGE} group by sender`,
  "update totals set messages = messages + (select coalesce(sum(rows), 0) from given) where ?1 <= ?2",
];

const COUNTED = [
  `update totals set senders = senders + (
     select count(*) from given where not exists (select 1 from senders where senders.sender = given.sender))`,
  `insert into senders select sender, rows from given where true
     on conflict do update set rows = rows + excluded.rows`,
  // Counts only grow, so whoever is not among these can't have come to the top.
  `replace into top_senders select sender, rows from senders
     where sender in (select sender from given)
     and rows >= (select case when count(*) < ${TOP} then 0 else min(rows) end from top_senders)`,
  `delete from top_senders where sender not in (
     select sender from top_senders order by rows desc, sender limit ${TOP})`,
];

/** The latest run if there is room in it and no sweep has it, or else a new one. */
const RUN_TO_FILL = `
  select run, 1 as begun from runs
    where run = (select max(run) from runs) and rows < ?1 and run > coalesce((select last_run from sweep), 0)
  union all
  select coalesce(max(run), 0) + 1, 0 from runs
  order by begun desc limit 1`;
/** From here on a sender's count in `given` is that of the run as well. */
const ADD_WAITING = `update given set rows = rows + (
  select count(*) from waiting_by_sender w where w.run = ? and w.sender = given.sender)`;
const STORE = `insert into by_sender select sender, ts_key, message_id, row from ${RANGE}
  and sender in (select sender from given where rows >= ?3) order by sender, ts_key, message_id`;
const LET_WAIT = `insert into waiting_by_sender select ?4, sender, ts_key, message_id, row from ${RANGE}
  and sender in (select sender from given where rows < ?3) order by sender, ts_key, message_id`;
const GROW_RUN = "insert into runs values (?1, ?2) on conflict do update set rows = rows + excluded.rows";

const SWEEP = "select last_run as lastRun, widest, stride, sender from sweep";
const SLICE_END =
  "select sender from waiting_by_sender where run = ? and sender > ? order by sender limit 1 offset ?";
const SWEPT =
  "waiting_by_sender where run in (select run from runs where run <= ?1) and sender > ?2 and sender <= ?3";
const SETTLE = [
  `insert into by_sender select sender, ts_key, message_id, row from ${SWEPT} order by sender, ts_key, message_id`,
  `delete from ${SWEPT}`,
];

/** One sender's messages, within one snapshot. */
export class SenderOrder implements Order {
  readonly #db: Database;
  readonly #sender: string;
  /** Those in runs, in the order of pages: some hundreds at most. */
  readonly #waiting: readonly Entry[];
  readonly size: number;

  constructor(db: Database, sender: string) {
    this.#db = db;
    this.#sender = sender;
    const sql = "select rows from senders where sender = ?";
    this.size = db.query<{ rows: number }, [string]>(sql).get(sender)?.rows ?? 0;
    this.#waiting = db.query<Entry, [string]>(WAITING_OF).all(sender);
  }

  rank(key: SortKey): number {
    return this.#settledRank(key) + countBefore(this.#waiting, key);
  }

  /**
   * To find a rank among a sender's entries they are walked over from the first, so it is done
   * once.
   */
  read(rank: number, limit: number): Entry[] {
    // What waits can push an entry back by no more places than there are entries that wait.
    const from = Math.max(0, rank - this.#waiting.length);
    const settled = this.#db
      .query<Entry, [string, number, number]>(SETTLED_OF)
      .all(this.#sender, rank - from + limit, from);
    const [first] = settled;
    if (first === undefined && from > 0) return [];
    const passed = first === undefined || from === 0 ? 0 : countBefore(this.#waiting, first);
    const start = rank - from - passed;
    return mergeEntries(settled, this.#waiting.slice(passed)).slice(start, start + limit);
  }

  *rows(from: number, to: number): Generator<readonly number[]> {
    const next = this.#db.query<Entry, [string, string, string, number]>(SETTLED_AFTER);
    let entries = this.read(from, Math.min(WALK_ROWS, to - from));
    for (let left = to - from - entries.length; entries.length > 0; left -= entries.length) {
      yield entries.map(({ row }) => row);
      const last = entries.at(-1) as Entry;
      const limit = Math.min(WALK_ROWS, left);
      const settled = next.all(this.#sender, last.tsKey, last.messageId, limit);
      const waiting = this.#waiting.filter((entry) => compareKeys(entry, last) > 0);
      entries = mergeEntries(settled, waiting).slice(0, limit);
    }
  }

  #settledRank(key: SortKey): number {
    const query = this.#db.query<{ n: number }, [string, string, string]>(SETTLED_RANK);
    return query.get(this.#sender, key.tsKey, key.messageId)?.n ?? 0;
  }
}

const ENTRY = "row, ts_key as tsKey, message_id as messageId";
const WAITING_OF = `select ${ENTRY} from waiting_by_sender
  where run in (select run from runs) and sender = ? order by ts_key, message_id`;
const SETTLED_RANK = "select count(*) as n from by_sender where sender = ? and (ts_key, message_id) < (?, ?)";
const SETTLED_OF = `select ${ENTRY} from by_sender where sender = ? order by ts_key, message_id limit ? offset ?`;
const SETTLED_AFTER = `select ${ENTRY} from by_sender
  where sender = ? and (ts_key, message_id) > (?, ?) order by ts_key, message_id limit ?`;
