/**
 * All messages in the order of pages, counted: the order is cut in leaves of some thousand messages whose sizes are
 * kept, so that the rank of a place, and the place of a rank, cost the sizes and a part of one leaf, however many
 * messages there are.
 */
import type { Database, Statement } from "bun:sqlite";
import type { Follower } from "./follower.ts";
import { comparePlaces, type Place } from "./log-rows.ts";
import type { Entry, Order } from "./order.ts";

interface Leaf extends Place {
  readonly rows: number;
}

interface Grown {
  readonly leaf: number;
  readonly added: number;
}

export const TIME_TABLES = `
  create table by_time (
    ts_key text not null, message_id text not null, row integer not null,
    primary key (ts_key, message_id)
  ) without rowid;
  create table time_leaves (
    leaf integer primary key, ts_key text not null, message_id text not null, rows integer not null,
    unique (ts_key, message_id)
  );
  insert into time_leaves values (1, '', '', 0);
`;

export class TimeFollower implements Follower {
  readonly name = "time";
  readonly #insert: Statement;
  readonly #grown: Statement<Grown, [number, number]>;
  readonly #leaf: Statement<Leaf, [number]>;
  readonly #resize: Statement;
  readonly #addLeaf: Statement;
  readonly #middle: Statement<Place, [string, string, number]>;
  readonly #leafRowsMax: number;

  /** A leaf of more than `leafRowsMax` messages is split. */
  constructor(db: Database, leafRowsMax: number) {
    this.#leafRowsMax = leafRowsMax;
    this.#insert = db.query(
      `insert into by_time select ts_key, message_id, rowid from log.messages
       where rowid > ? and rowid <= ? order by ts_key, message_id`,
    );
    this.#grown = db.query(
      `select (
         select leaf from time_leaves l where (l.ts_key, l.message_id) <= (m.ts_key, m.message_id)
         order by l.ts_key desc, l.message_id desc limit 1
       ) as leaf, count(*) as added
       from log.messages m where rowid > ? and rowid <= ? group by 1`,
    );
    this.#leaf = db.query(
      "select ts_key as tsKey, message_id as messageId, rows from time_leaves where leaf = ?",
    );
    this.#resize = db.query("update time_leaves set rows = ? where leaf = ?");
    this.#addLeaf = db.query("insert into time_leaves (ts_key, message_id, rows) values (?, ?, ?)");
    this.#middle = db.query(
      `select ts_key as tsKey, message_id as messageId from by_time
       where (ts_key, message_id) >= (?, ?) order by ts_key, message_id limit 1 offset ?`,
    );
  }

  step(after: number, last: number): void {
    this.#insert.run(after, last);
    for (const grown of this.#grown.all(after, last)) this.#settle(grown);
  }

  /** Writes a leaf's size, in as many leaves as it takes. */
  #settle({ leaf, added }: Grown): void {
    const { tsKey, messageId, rows: before } = this.#leaf.get(leaf) as Leaf;
    const all = before + added;
    const rows = Math.ceil(all / Math.ceil(all / this.#leafRowsMax));
    this.#resize.run(rows, leaf);
    for (let start = rows; start < all; start += rows) {
      const place = this.#middle.get(tsKey, messageId, start) as Place;
      this.#addLeaf.run(place.tsKey, place.messageId, Math.min(rows, all - start));
    }
  }
}

const LEAVES =
  "select ts_key as tsKey, message_id as messageId, rows from time_leaves order by ts_key, message_id";

/** The order as the follower left it at one position: the same object serves every snapshot of that position. */
export class TimeOrder implements Order {
  readonly #db: Database;
  readonly #leaves: readonly Leaf[];
  /** How many messages come before each leaf. */
  readonly #before: readonly number[];
  readonly size: number;

  constructor(db: Database) {
    this.#db = db;
    this.#leaves = db.query<Leaf, []>(LEAVES).all();
    let size = 0;
    this.#before = this.#leaves.map(({ rows }) => {
      size += rows;
      return size - rows;
    });
    this.size = size;
  }

  rank(place: Place): number {
    const index = lastIndex(this.#leaves.length, (at) => comparePlaces(this.#leaves[at] as Leaf, place) <= 0);
    const leaf = this.#leaves[index];
    if (leaf === undefined) return 0;
    const sql =
      "select count(*) as n from by_time where (ts_key, message_id) >= (?, ?) and (ts_key, message_id) < (?, ?)";
    const inside = this.#db
      .query<{ n: number }, string[]>(sql)
      .get(leaf.tsKey, leaf.messageId, place.tsKey, place.messageId);
    return (this.#before[index] as number) + (inside?.n ?? 0);
  }

  read(rank: number, limit: number): Entry[] {
    const index = lastIndex(this.#leaves.length, (at) => (this.#before[at] as number) <= rank);
    const leaf = this.#leaves[index];
    const sql = `select row, ts_key as tsKey, message_id as messageId from by_time
       where (ts_key, message_id) >= (?, ?) order by ts_key, message_id limit ? offset ?`;
    return this.#db
      .query<Entry, [string, string, number, number]>(sql)
      .all(leaf?.tsKey ?? "", leaf?.messageId ?? "", limit, rank - (this.#before[index] ?? 0));
  }

  /** Rows from rank `from` up to rank `to`, in order, a leaf at a time at most. */
  *rows(from: number, to: number): Generator<readonly number[]> {
    for (const [index, { tsKey, messageId, rows }] of this.#leaves.entries()) {
      const start = this.#before[index] as number;
      const skip = Math.max(0, from - start);
      const count = Math.min(rows, to - start) - skip;
      if (count > 0) yield this.#rowsOf(tsKey, messageId, count, skip);
    }
  }

  #rowsOf(tsKey: string, messageId: string, limit: number, offset: number): number[] {
    const sql =
      "select row from by_time where (ts_key, message_id) >= (?, ?) order by ts_key, message_id limit ? offset ?";
    const rows = this.#db
      .query<{ row: number }, [string, string, number, number]>(sql)
      .values(tsKey, messageId, limit, offset) as unknown as [number][];
    return rows.map(([row]) => row);
  }
}

/** The last of `length` numbers for which it holds, given that it holds for a first part of them; -1 if for none. */
function lastIndex(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
