// What the acknowledging transaction may look like: what one does with its messages, and what is
// done between two.

import type { Database, Statement } from "bun:sqlite";
import { messageChecksum } from "../../src/storage/sqlite/connection/row-checksum.ts";

/** message_id, from, to, ts, text, created_at, seq, ts_key */
export type Row = [string, string, string, string, string, string, number, string];

export type DesignStore = {
  /** Within the transaction; how many messages were new. */
  insert: (rows: readonly Row[]) => number;
  /** After a commit: what is due of the work that was put off. */
  between: () => void;
  /** Whether the work that was put off goes on as it will from now on. */
  steady: () => boolean;
  /** Does all that was put off. */
  finish: () => void;
};

export type Design = {
  name: string;
  what: string;
  /** Designs of the same table take turns on one file. */
  table: "key" | "checked" | "indexed";
  open: (db: Database) => DesignStore;
};

const columns = `from_msisdn text not null, to_msisdn text not null, ts text not null, text text,
  created_at text not null, seq integer not null, ts_key text not null`;

export const tables: Record<Design["table"], string> = {
  key: `create table messages (message_id text primary key, ${columns})`,
  checked: `create table messages (message_id text primary key, ${columns}, checksum integer)`,
  indexed: `create table messages (message_id text primary key, ${columns});
    create unique index messages_by_seq on messages (seq);
    create index messages_by_time on messages (ts_key, message_id)`,
};

const sliceRows = 1024;

export const designs: readonly Design[] = [
  { name: "key", what: "the primary key, everything else derived", table: "key", open: keyStore },
  {
    name: "checksum",
    what: "the same, and a checksum of each row",
    table: "checked",
    open: checkedStore,
  },
  {
    name: "inbox 16k",
    what: "an inbox, settled by id from 16,384 on",
    table: "key",
    open: (db) => new Inbox(db, 16_384),
  },
  {
    name: "inbox 64k",
    what: "an inbox, settled by id from 65,536 on",
    table: "key",
    open: (db) => new Inbox(db, 65_536),
  },
  {
    name: "indexed",
    what: "the primary key and indexes by seq and by time",
    table: "indexed",
    open: keyStore,
  },
];

const names = "message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key";
const insertSql = `insert into messages (${names}) values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (message_id) do nothing`;

export function keyStore(db: Database): DesignStore {
  const insert = db.query(insertSql);
  return {
    insert: (rows) => rows.reduce((fresh, row) => fresh + insert.run(...row).changes, 0),
    between: () => undefined,
    steady: () => true,
    finish: () => undefined,
  };
}

function checkedStore(db: Database): DesignStore {
  const insert = db.query(insertSql.replace(names, `${names}, checksum`).replace("(?, ", "(?, ?, "));
  const checksumOf = ([message_id, from, to, ts, text, created_at, seq]: Row) =>
    messageChecksum({ seq, message_id, from, to, ts, text, created_at });
  return {
    ...keyStore(db),
    insert: (rows) => rows.reduce((fresh, row) => fresh + insert.run(...row, checksumOf(row)).changes, 0),
  };
}

/**
 * Messages wait in a small table and are settled into `messages` in slices of ascending ids, so
 * that neighbours share pages. Two generations: one takes what arrives while the other is settled,
 * and is then emptied at one go.
 */
class Inbox implements DesignStore {
  readonly #db: Database;
  readonly #settleRows: number;
  readonly #insert: readonly Statement[];
  readonly #sliceEnd: readonly Statement<{ id: string }, [string, number]>[];
  readonly #settle: readonly Statement[];
  readonly #empty: readonly Statement[];
  #current = 0;
  #settling: number | undefined;
  #after = "";
  #rows = 0;
  #sinceSlice = 0;
  #settled = 0;

  constructor(db: Database, settleRows: number) {
    this.#db = db;
    this.#settleRows = settleRows;
    const names = [0, 1].map((generation) => `inbox_${settleRows}_${generation}`);
    for (const name of names)
      db.run(`create table if not exists ${name} (message_id text primary key, ${columns})`);
    this.#insert = names.map((name, generation) =>
      db.query(
        `insert into ${name} select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         where not exists (select 1 from messages where message_id = ?1)
           and not exists (select 1 from ${names[1 - generation]} where message_id = ?1)
         on conflict (message_id) do nothing`,
      ),
    );
    this.#sliceEnd = names.map((name) =>
      db.query(
        `select message_id as id from ${name} where message_id > ? order by message_id limit 1 offset ?`,
      ),
    );
    this.#settle = names.map((name) =>
      db.query(
        `insert into messages select * from ${name} where message_id > ? and message_id <= ? order by message_id`,
      ),
    );
    this.#empty = names.map((name) => db.query(`delete from ${name}`));
  }

  insert(rows: readonly Row[]): number {
    const insert = this.#insert[this.#current] as Statement;
    const fresh = rows.reduce((sum, row) => sum + insert.run(...row).changes, 0);
    this.#rows += fresh;
    this.#sinceSlice += fresh;
    return fresh;
  }

  between(): void {
    if (this.#settling === undefined && this.#rows >= this.#settleRows) this.#turn();
    if (this.#settling === undefined || this.#sinceSlice < sliceRows) return;
    this.#slice(this.#settling);
  }

  steady(): boolean {
    return this.#settled > 0;
  }

  finish(): void {
    for (let generation = 0; generation < 2; generation++) {
      if (this.#settling === undefined) this.#turn();
      while (this.#settling !== undefined) this.#slice(this.#settling);
    }
  }

  #turn(): void {
    this.#settling = this.#current;
    this.#current = 1 - this.#current;
    this.#after = "";
    this.#rows = 0;
    this.#sinceSlice = sliceRows;
  }

  /** As much is settled as came since the last slice, in one transaction. */
  #slice(generation: number): void {
    this.#sinceSlice = 0;
    const end = this.#sliceEnd[generation]?.get(this.#after, sliceRows - 1)?.id;
    this.#db.run("begin immediate");
    this.#settle[generation]?.run(this.#after, end ?? "\u{10FFFF}");
    if (end === undefined) {
      this.#empty[generation]?.run();
      this.#settling = undefined;
      this.#settled++;
    } else this.#after = end;
    this.#db.run("commit");
  }
}
