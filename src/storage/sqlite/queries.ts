/** Reads: pages, totals and statistics, each from one snapshot, each given up when its time is over. */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { fold } from "../../core/fold.ts";
import { instantKey } from "../../core/instant.ts";
import type { Message } from "../../core/message.ts";
import type { MessageQuery, Page, Stats } from "../../core/store.ts";
import type { Clock } from "../../lib/clock.ts";
import type { CountReport } from "./protocol.ts";

/** The read did not finish before its deadline. */
export class TimeIsOver extends Error {
  override readonly name = "TimeIsOver";
}

/**
 * Every 1024th row a query looks at the clock: SQLite offers no other way in from here to stop it. It stands first,
 * because SQLite skips what follows a condition that is false.
 */
const IN_TIME = "(rowid & 1023 or in_time())";
/** Walking the index in order beats scanning the table when a page comes up within this share of all rows. */
const WALK_SHARE = 0.1;
const TOP_SENDERS = 10;

interface Row extends Message {
  readonly ts_key: string;
}

interface Filter {
  readonly where: string;
  readonly values: readonly SQLQueryBindings[];
  /** Whether an index serves the filter, or every row has to be looked at. */
  readonly indexed: boolean;
}

export class Queries {
  readonly #db: Database;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    db.function("in_time", () => {
      if (clock.now() > this.#deadline) throw new TimeIsOver("the read took too long");
      return 1;
    });
  }

  /** One page and its total, from one snapshot. Throws `TimeIsOver`. */
  list(query: MessageQuery, deadline: number): Page {
    return this.#snapshot(deadline, () => {
      const filter = filterOf(query);
      const total = this.#count(filter);
      const rows = query.offset < total ? this.#page(query, filter, total) : [];
      const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
      return {
        data: rows
          .slice(0, query.limit)
          .map(({ message_id, from, to, ts, text }) => ({ message_id, from, to, ts, text })),
        total,
        ...(last !== undefined && { next: { tsKey: last.ts_key, messageId: last.message_id } }),
      };
    });
  }

  /** All statistics from one snapshot. Throws `TimeIsOver`. */
  stats(deadline: number): Stats {
    return this.#snapshot(deadline, () => {
      const senders = this.#db
        .query<{ from: string; count: number; senders: number; total: number }, []>(
          `with sender as materialized
             (select from_msisdn as "from", count(*) as count from messages where ${IN_TIME} group by from_msisdn)
           select "from", count, count(*) over () as senders, sum(count) over () as total
           from sender order by count desc, "from" limit ${TOP_SENDERS}`,
        )
        .all();
      return {
        total_messages: senders[0]?.total ?? 0,
        senders_count: senders[0]?.senders ?? 0,
        messages_per_sender: senders.map(({ from, count }) => ({ from, count })),
        first_message_ts: this.#edge("asc"),
        last_message_ts: this.#edge("desc"),
      };
    });
  }

  /** How many messages there are and up to which `seq`, from one snapshot. */
  count(): CountReport {
    return this.#snapshot(Number.POSITIVE_INFINITY, () => ({
      messages: this.#count({ where: "", values: [], indexed: true }),
      seq:
        this.#db.query<{ seq: number }, []>("select coalesce(max(seq), 0) as seq from messages").get()?.seq ??
        0,
    }));
  }

  #snapshot<T>(deadline: number, read: () => T): T {
    this.#deadline = deadline;
    this.#db.run("begin");
    try {
      return read();
    } finally {
      this.#db.run("rollback");
    }
  }

  #count({ where, values }: Filter): number {
    const timed = where === "" ? "" : `where ${IN_TIME} and ${where}`;
    return (
      this.#db
        .query<{ n: number }, SQLQueryBindings[]>(`select count(*) as n from messages ${timed}`)
        .get(...values)?.n ?? 0
    );
  }

  /** One row more than the page, to tell whether there is a next one. */
  #page(query: MessageQuery, filter: Filter, total: number): readonly Row[] {
    const { limit, offset, after } = query;
    const walk = filter.indexed || (offset + limit) / total < WALK_SHARE;
    const conditions = [
      IN_TIME,
      ...(filter.where === "" ? [] : [filter.where]),
      ...(after === undefined ? [] : ["(ts_key, message_id) > (?, ?)"]),
    ];
    const plan = filter.indexed ? "" : walk ? "indexed by messages_by_time" : "not indexed";
    return this.#db
      .query<Row, SQLQueryBindings[]>(
        `select message_id, from_msisdn as "from", to_msisdn as "to", ts, text, ts_key from messages ${plan}
         where ${conditions.join(" and ")} order by ts_key, message_id limit ? offset ?`,
      )
      .all(
        ...filter.values,
        ...(after === undefined ? [] : [after.tsKey, after.messageId]),
        limit + 1,
        offset,
      );
  }

  #edge(direction: "asc" | "desc"): string | null {
    const sql = `select ts from messages order by ts_key ${direction}, message_id ${direction} limit 1`;
    return this.#db.query<{ ts: string }, []>(sql).get()?.ts ?? null;
  }
}

function filterOf(query: MessageQuery): Filter {
  const conditions: string[] = [];
  const values: SQLQueryBindings[] = [];
  const add = (condition: string, value: string | undefined) => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add("message_id = ?", query.messageId);
  add("from_msisdn = ?", query.from);
  add("to_msisdn = ?", query.to);
  add("ts_key >= ?", query.since === undefined ? undefined : instantKey(query.since));
  add("ts_key < ?", query.until === undefined ? undefined : instantKey(query.until));
  add("instr(folded, ?) > 0", query.q === undefined ? undefined : fold(query.q));
  const narrow = [query.messageId, query.from, query.since, query.until].some((given) => given !== undefined);
  return {
    where: conditions.join(" and "),
    values,
    indexed: narrow || (query.to === undefined && query.q === undefined),
  };
}
