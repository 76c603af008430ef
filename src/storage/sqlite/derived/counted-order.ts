/**
 * An order that is counted: it is cut in leaves of some thousand entries whose sizes are kept, so
 * that the rank of a key, and the key of a rank, cost the sizes and a part of one leaf, however
 * many entries there are.
 */
import type { Database, Statement } from "bun:sqlite";
import type { SortKey } from "../../../core/store.ts";
import { compareKeys } from "./log-rows.ts";
import type { Entry, Order } from "./order.ts";

/** Where an order is kept, and what the log's rows bring to it. */
export interface CountedTables {
  readonly entries: string;
  readonly leaves: string;
  /** The columns of a sort key, both text. */
  readonly key: readonly [first: string, second: string];
  /** A select of the entries (key and row) that the rows of the log after ?1 up to ?2 bring. */
  readonly fresh: string;
}

/** The statements that make the tables. */
export function createCounted({ entries, leaves, key: [first, second] }: CountedTables): string {
  return `
  create table ${entries} (
    ${first} text not null, ${second} text not null, row integer not null,
    primary key (${first}, ${second})
  ) without rowid;
  create table ${leaves} (
    leaf integer primary key, ${first} text not null, ${second} text not null, rows integer not null,
    unique (${first}, ${second})
  );
  insert into ${leaves} values (1, '', '', 0);
`;
}

interface Leaf extends SortKey {
  readonly rows: number;
}

/**
 * The leaf where the first of some fresh entries goes, the last leaf of all, and how many entries
 * there are.
 */
interface Ends {
  readonly first: number;
  readonly last: number;
  readonly added: number;
}

interface Grown {
  readonly leaf: number;
  readonly added: number;
}

export class CountedWriter {
  readonly #insert: Statement;
  readonly #ends: Statement<Ends, [number, number]>;
  readonly #grown: Statement<Grown, [number, number]>;
  readonly #leaf: Statement<Leaf, [number]>;
  readonly #resize: Statement;
  readonly #addLeaf: Statement;
  readonly #middle: Statement<SortKey, [string, string, number]>;
  readonly #leafRowsMax: number;

  /** A leaf of more than `leafRowsMax` entries is split. */
  constructor(db: Database, { entries, leaves, key, fresh }: CountedTables, leafRowsMax: number) {
    const [first, second] = key;
    const columns = `${first}, ${second}`;
    this.#leafRowsMax = leafRowsMax;
    this.#insert = db.query(`insert into ${entries} ${fresh} order by ${columns}`);
    const leafOfFresh = `(
      select leaf from ${leaves} l where (l.${first}, l.${second}) <= (f.${first}, f.${second})
      order by l.${first} desc, l.${second} desc limit 1)`;
    this.#ends = db.query(
      `select ${leafOfFresh} as first, (select count(*) from (${fresh})) as added,
         (select leaf from ${leaves} order by ${first} desc, ${second} desc limit 1) as last
       from (select ${columns} from (${fresh}) order by ${columns} limit 1) f`,
    );
    this.#grown = db.query(`select ${leafOfFresh} as leaf, count(*) as added from (${fresh}) f group by 1`);
    this.#leaf = db.query(
      `select ${first} as tsKey, ${second} as messageId, rows from ${leaves} where leaf = ?`,
    );
    this.#resize = db.query(`update ${leaves} set rows = ? where leaf = ?`);
    this.#addLeaf = db.query(`insert into ${leaves} (${columns}, rows) values (?, ?, ?)`);
    this.#middle = db.query(
      `select ${first} as tsKey, ${second} as messageId from ${entries}
       where (${columns}) >= (?, ?) order by ${columns} limit 1 offset ?`,
    );
  }

  /** Takes what the rows of the log after `after` up to `last` bring. */
  add(after: number, last: number): void {
    this.#insert.run(after, last);
    for (const grown of this.#grownLeaves(after, last)) this.#settle(grown);
  }

  /**
   * Most often all that is fresh comes after nearly all that is there: then no entry's leaf has to
   * be looked for.
   */
  #grownLeaves(after: number, last: number): readonly Grown[] {
    const ends = this.#ends.get(after, last);
    if (ends === null) return [];
    return ends.first === ends.last ? [{ leaf: ends.last, added: ends.added }] : this.#grown.all(after, last);
  }

  /** Writes a leaf's size, in as many leaves as it takes. */
  #settle({ leaf, added }: Grown): void {
    const { tsKey, messageId, rows: before } = this.#leaf.get(leaf) as Leaf;
    const all = before + added;
    const rows = Math.ceil(all / Math.ceil(all / this.#leafRowsMax));
    this.#resize.run(rows, leaf);
    for (let start = rows; start < all; start += rows) {
      const middle = this.#middle.get(tsKey, messageId, start) as SortKey;
      this.#addLeaf.run(middle.tsKey, middle.messageId, Math.min(rows, all - start));
    }
  }
}

/**
 * The order as its writer left it at one position: the same object serves every snapshot of that
 * position.
 */
export class CountedOrder implements Order {
  readonly #db: Database;
  readonly #entries: string;
  readonly #names: readonly [string, string];
  readonly #leaves: readonly Leaf[];
  /** How many entries come before each leaf. */
  readonly #before: readonly number[];
  readonly size: number;

  constructor(db: Database, { entries, leaves, key }: Omit<CountedTables, "fresh">) {
    this.#db = db;
    this.#entries = entries;
    this.#names = key;
    const [first, second] = key;
    this.#leaves = db
      .query<Leaf, []>(
        `select ${first} as tsKey, ${second} as messageId, rows from ${leaves} order by ${first}, ${second}`,
      )
      .all();
    let size = 0;
    this.#before = this.#leaves.map(({ rows }) => {
      size += rows;
      return size - rows;
    });
    this.size = size;
  }

  get #key(): string {
    return this.#names.join(", ");
  }

  rank(key: SortKey): number {
    const index = lastIndex(this.#leaves.length, (at) => compareKeys(this.#leaves[at] as Leaf, key) <= 0);
    const leaf = this.#leaves[index];
    if (leaf === undefined) return 0;
    const sql = `select count(*) as n from ${this.#entries} where (${this.#key}) >= (?, ?) and (${this.#key}) < (?, ?)`;
    const inside = this.#db
      .query<{ n: number }, string[]>(sql)
      .get(leaf.tsKey, leaf.messageId, key.tsKey, key.messageId);
    return (this.#before[index] as number) + (inside?.n ?? 0);
  }

  read(rank: number, limit: number): Entry[] {
    const index = lastIndex(this.#leaves.length, (at) => (this.#before[at] as number) <= rank);
    const leaf = this.#leaves[index];
    const [first, second] = this.#names;
    const sql = `select row, ${first} as tsKey, ${second} as messageId from ${this.#entries}
       where (${this.#key}) >= (?, ?) order by ${this.#key} limit ? offset ?`;
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
    const sql = `select row from ${this.#entries} where (${this.#key}) >= (?, ?) order by ${this.#key} limit ? offset ?`;
    const rows = this.#db
      .query<{ row: number }, [string, string, number, number]>(sql)
      .values(tsKey, messageId, limit, offset) as unknown as [number][];
    return rows.map(([row]) => row);
  }
}

/**
 * The last of `length` numbers for which it holds, given that it holds for a first part of them; -1
 * if for none.
 */
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
