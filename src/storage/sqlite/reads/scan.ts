/**
 * Reads without the index file: by looking at every row of the log, or at what is left of an older
 * file's indexes. They stand in while an index is being built, and give the same answers.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { lowerAscii } from "../../../core/ascii-case.ts";
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { NATIVE } from "../../../core/source.ts";
import {
  type MessageFilters,
  type MessageQuery,
  type Page,
  type SenderQuery,
  type Stats,
  TOP_SENDERS,
} from "../../../core/store.ts";
import type { Clock } from "../../../lib/clock.ts";
import { MESSAGE_COLUMNS, SHOWN_COLUMNS, selected } from "../../columns.ts";
import { type KeyedMessage, pageOfRows } from "../../page-of-rows.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import type { SenderEntry } from "./sender-pages.ts";
import { type Conditions, type SqlFilter, sqlFilter } from "./sql-filter.ts";

/**
 * Every 1024th row a query looks at the clock: SQLite offers no other way in from here to stop it.
 * It stands first, because SQLite skips what follows a condition that is false.
 */
const IN_TIME = "(rowid & 1023 or in_time())";

/** What is ordered as a sort key is. */
const LAST = (tsKey: string, messageId: string) => `(${tsKey} || char(1) || ${messageId})`;

interface ScannedSenders {
  readonly entries: readonly SenderEntry[];
  readonly total: number;
}

/** `sender` is null where there is none. */
interface ScannedSender {
  readonly sender: string | null;
  readonly count: number;
  readonly row: number;
  readonly tsKey: string;
  readonly messageId: string;
}

/** Every read is made inside a transaction of the caller's: one snapshot. */
export class Scan {
  readonly #db: Database;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    db.function("fold", (text: string | null) => (text === null ? null : fold(text)));
    db.function("in_time", () => {
      if (clock.now() > this.#deadline) throw new TimeIsOver("the read took too long");
      return 1;
    });
  }

  /** One page and its total. Throws `TimeIsOver`. */
  list(query: MessageQuery, deadline: number): Page {
    this.#deadline = deadline;
    const filter = sqlFilter(query, CONDITIONS);
    const total = this.#count(filter);
    const rows = query.offset < total ? this.#page(query, filter) : [];
    return pageOfRows(rows, total, query.limit);
  }

  /** All statistics. Throws `TimeIsOver`. */
  stats(deadline: number): Stats {
    this.#deadline = deadline;
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
  }

  /** A page of senders, with one more where another follows, and the total. Throws `TimeIsOver`. */
  senders({ limit, offset, order, after, q = "" }: SenderQuery, deadline: number): ScannedSenders {
    this.#deadline = deadline;
    const values = [lowerAscii(q), ...(after === undefined ? [] : [after.tsKey, after.messageId])];
    const bound = after === undefined ? "" : `where last ${order === "asc" ? ">" : "<"} ${LAST("?2", "?3")}`;
    const rows = this.#db
      .query<ScannedSender & { total: number }, SQLQueryBindings[]>(
        // Beside the greatest `last` the other columns are those of its row.
        `with sender as materialized (
           select from_msisdn as sender, count(*) as count, max(${LAST("ts_key", "message_id")}) as last,
             ts_key as tsKey, message_id as messageId, rowid as row
           from messages where ${IN_TIME} and instr(lower(from_msisdn), ?1) > 0 group by from_msisdn)
         select total, page.* from (select count(*) as total from sender)
         left join (select * from sender ${bound} order by last ${order} limit ?4 offset ?5) page`,
      )
      .all(...values, ...Array.from({ length: 3 - values.length }, () => null), limit + 1, offset);
    return {
      total: rows[0]?.total ?? 0,
      entries: rows.flatMap(({ sender, count, row, tsKey, messageId }) =>
        sender === null ? [] : [{ sender, count, last: { row, tsKey, messageId } }],
      ),
    };
  }

  #count({ conditions, values }: SqlFilter): number {
    const timed = conditions.length === 0 ? "" : `where ${[IN_TIME, ...conditions].join(" and ")}`;
    return (
      this.#db
        .query<{ n: number }, SQLQueryBindings[]>(`select count(*) as n from messages ${timed}`)
        .get(...values)?.n ?? 0
    );
  }

  /** One row more than the page, to tell whether there is a next one. */
  #page(query: MessageQuery, filter: SqlFilter): readonly KeyedMessage[] {
    const { limit, offset, after, order = "asc" } = query;
    const conditions = [
      IN_TIME,
      ...filter.conditions,
      ...(after === undefined ? [] : [`(ts_key, message_id) ${order === "asc" ? ">" : "<"} (?, ?)`]),
    ];
    return this.#db
      .query<KeyedMessage, SQLQueryBindings[]>(
        `select ${selected(SHOWN_COLUMNS)}, ts_key from messages
         where ${conditions.join(" and ")} order by ts_key ${order}, message_id ${order} limit ? offset ?`,
      )
      .all(
        ...filter.values,
        ...(after === undefined ? [] : [after.tsKey, after.messageId]),
        limit + 1,
        offset,
      );
  }

  #edge(direction: "asc" | "desc"): string | null {
    const sql = `select ts from messages where ${IN_TIME} order by ts_key ${direction}, message_id ${direction} limit 1`;
    return this.#db.query<{ ts: string }, []>(sql).get()?.ts ?? null;
  }
}

const SOURCE_OF_MESSAGE = `coalesce((select source from details where details.seq = messages.seq), '${NATIVE}')`;
const TYPE_OF_MESSAGE = "(select type from details where details.seq = messages.seq)";

/** A condition on a row of `messages`, and its value. */
const CONDITIONS: Conditions<MessageFilters> = {
  messageId: [`${MESSAGE_COLUMNS.message_id} = ?`, (id) => id],
  from: [`${MESSAGE_COLUMNS.from} = ?`, (from) => from],
  to: [`${MESSAGE_COLUMNS.to} = ?`, (to) => to],
  source: [`${SOURCE_OF_MESSAGE} = ?`, (source) => source],
  type: [`${TYPE_OF_MESSAGE} = ?`, (type) => type],
  since: ["ts_key >= ?", instantKey],
  until: ["ts_key < ?", instantKey],
  q: ["instr(fold(text), ?) > 0", fold],
};
