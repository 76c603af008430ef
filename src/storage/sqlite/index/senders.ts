/** Messages by sender: each sender's in the order of pages, how many, and who has most. */
import type { Database, Statement } from "bun:sqlite";
import { compareUtf8 } from "../../../core/utf8-order.ts";
import type { Follower } from "./follower.ts";
import type { LogRow, Place } from "./log-rows.ts";
import type { Entry, Order } from "./order.ts";

export interface SenderCount {
  readonly sender: string;
  readonly rows: number;
}

/** More than anybody asks for: what the tail adds may reorder those just below the tenth. */
const TOP = 100;
const WALK_ROWS = 8192;

export const SENDER_TABLES = `
  create table by_sender (
    sender text not null, ts_key text not null, message_id text not null, row integer not null,
    primary key (sender, ts_key, message_id)
  ) without rowid;
  create table senders (sender text primary key, rows integer not null) without rowid;
  create table top_senders (sender text primary key, rows integer not null) without rowid;
  create table totals (messages integer not null, senders integer not null);
  insert into totals values (0, 0);
`;

/** Most messages first, then by the bytes of the number. */
export function bySize(a: SenderCount, b: SenderCount): number {
  return b.rows - a.rows || compareUtf8(a.sender, b.sender);
}

export class SenderFollower implements Follower {
  readonly name = "senders";
  readonly #statements: readonly Statement[];

  constructor(db: Database) {
    this.#statements = STEP.map((sql) => db.query(sql));
  }

  step(after: number, last: number): void {
    for (const statement of this.#statements) statement.run(after, last);
  }
}

const RANGE = "log.messages where rowid > ?1 and rowid <= ?2";

const STEP = [
  `insert into by_sender select from_msisdn, ts_key, message_id, rowid from ${RANGE}
     order by from_msisdn, ts_key, message_id`,
  `update totals set messages = messages + (select count(*) from ${RANGE}), senders = senders + (
     select count(*) from (select distinct from_msisdn as sender from ${RANGE}) given
     where not exists (select 1 from senders where senders.sender = given.sender))`,
  `insert into senders select from_msisdn, count(*) from ${RANGE} group by from_msisdn
     on conflict do update set rows = rows + excluded.rows`,
  // Counts only grow, so whoever is not among these can't have come to the top.
  `replace into top_senders select sender, rows from senders
     where sender in (select from_msisdn from ${RANGE})
     and rows >= (select case when count(*) < ${TOP} then 0 else min(rows) end from top_senders)`,
  `delete from top_senders where ?1 <= ?2 and sender not in (
     select sender from top_senders order by rows desc, sender limit ${TOP})`,
];

/** One sender's messages, within one snapshot. */
export class SenderOrder implements Order {
  readonly #db: Database;
  readonly #sender: string;
  readonly size: number;

  constructor(db: Database, sender: string) {
    this.#db = db;
    this.#sender = sender;
    const sql = "select rows from senders where sender = ?";
    this.size = db.query<{ rows: number }, [string]>(sql).get(sender)?.rows ?? 0;
  }

  rank(place: Place): number {
    const sql = "select count(*) as n from by_sender where sender = ? and (ts_key, message_id) < (?, ?)";
    const query = this.#db.query<{ n: number }, [string, string, string]>(sql);
    return query.get(this.#sender, place.tsKey, place.messageId)?.n ?? 0;
  }

  read(rank: number, limit: number): Entry[] {
    const sql = `select row, ts_key as tsKey, message_id as messageId from by_sender
       where sender = ? order by ts_key, message_id limit ? offset ?`;
    return this.#db.query<Entry, [string, number, number]>(sql).all(this.#sender, limit, rank);
  }

  *rows(from: number, to: number): Generator<readonly number[]> {
    const sql = `select row, ts_key as tsKey, message_id as messageId from by_sender
       where sender = ? and (ts_key, message_id) > (?, ?) order by ts_key, message_id limit ?`;
    const next = this.#db.query<Entry, [string, string, string, number]>(sql);
    let entries = this.read(from, Math.min(WALK_ROWS, to - from));
    for (let left = to - from - entries.length; entries.length > 0; left -= entries.length) {
      yield entries.map(({ row }) => row);
      const last = entries.at(-1) as Entry;
      entries = next.all(this.#sender, last.tsKey, last.messageId, Math.min(WALK_ROWS, left));
    }
  }
}

export interface SenderTotals {
  readonly messages: number;
  readonly senders: number;
  /** Those with most messages, at least the first hundred of them when there are so many. */
  readonly top: readonly SenderCount[];
}

/** The counts with what the tail adds to them. */
export function senderTotals(db: Database, tail: readonly LogRow[]): SenderTotals {
  const stored = db.query<{ messages: number; senders: number }, []>("select * from totals").get();
  const added = new Map<string, number>();
  for (const { from } of tail) added.set(from, (added.get(from) ?? 0) + 1);
  const known = new Map(
    db
      .query<{ sender: string; rows: number }, [string]>(
        `select sender, rows from top_senders union
         select sender, rows from senders where sender in (select value from json_each(?))`,
      )
      .all(JSON.stringify([...added.keys()]))
      .map(({ sender, rows }) => [sender, rows]),
  );
  let fresh = 0;
  for (const [sender, rows] of added) {
    if (!known.has(sender)) fresh++;
    known.set(sender, (known.get(sender) ?? 0) + rows);
  }
  return {
    messages: (stored?.messages ?? 0) + tail.length,
    senders: (stored?.senders ?? 0) + fresh,
    top: [...known].map(([sender, rows]) => ({ sender, rows })).sort(bySize),
  };
}
