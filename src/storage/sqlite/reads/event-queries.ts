/**
 * Reads of events: pages and totals by the counted order that follows them, completed by those that it has not taken
 * yet. Where these are too many to keep, every event is looked at instead.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import type { EventKind } from "../../../core/parsed-body.ts";
import {
  type ByFilter,
  EVENTS_WITH_MESSAGE_MAX,
  type EventFilters,
  type EventPage,
  type EventQuery,
  givenFilters,
  type StoredEvent,
} from "../../../core/store.ts";
import { Damaged, inIndex, type OnDamagedRow } from "../connection/damage.ts";
import { eventChecksum, isSound } from "../connection/row-checksum.ts";
import { CountedOrder } from "../derived/counted-order.ts";
import { BY_FILTER, eventSortKey, filterRange, filterText } from "../derived/event-order.ts";
import type { IndexLimits } from "../derived/followers.ts";
import { eventPosition } from "../derived/index-file.ts";
import { compareKeys } from "../derived/log-rows.ts";
import { type Entry, type Order, orderInIndex, readRange } from "../derived/order.ts";
import { BodySpans } from "./body-spans.ts";

/** Every 1024th event a scan looks at the clock, as reads of messages do. */
const IN_TIME = "(event & 1023 or in_time())";

interface Filter {
  readonly where: string;
  readonly values: readonly SQLQueryBindings[];
}

type EventRow = Omit<StoredEvent, "body"> & {
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
  readonly checksum: number | null;
};

export class EventQueries {
  readonly #db: Database;
  readonly #tailMax: number;
  readonly #onDamagedRow: OnDamagedRow;
  #order: { readonly position: number; readonly order: Order } | undefined;

  /** The database is the log's, with the index file attached, inside a transaction of the caller's. */
  constructor(db: Database, { tailRows }: IndexLimits, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#onDamagedRow = onDamagedRow;
    this.#tailMax = tailRows;
  }

  /** One page and its total. Throws what `checkTime` throws, or the clock of a scan. */
  page(query: EventQuery, checkTime: () => void): EventPage {
    const position = this.#position();
    if (query.messageId !== undefined) return this.#about(query, query.messageId, position, checkTime);
    if (this.#lastEvent() - position > this.#tailMax) return this.#scanned(query);
    const { source, kind, since, offset, limit } = query;
    const filter = filterText(source, kind);
    const order = this.#orderAt(position);
    const [first, end] = filterRange(filter, since === undefined ? "" : instantKey(since));
    const from = order.rank(first);
    const to = order.rank(end);
    checkTime();
    const tail = this.#tailOf(query, position).map(
      ([event, tsKey]): Entry => ({ row: event, ...eventSortKey(filter, tsKey, event) }),
    );
    tail.sort(compareKeys);
    const entries = readRange({ order, from, to, tail }, offset, limit);
    return { data: this.#read(entries.map(({ row }) => row)), total: to - from + tail.length };
  }

  /** The latest events that are about a message. */
  latestOf(messageId: string, checkTime: () => void): readonly StoredEvent[] {
    const query = { limit: 1, offset: 0, messageId };
    const events = this.#allAbout(query, messageId, this.#position());
    checkTime();
    return this.#read(events.slice(-EVENTS_WITH_MESSAGE_MAX));
  }

  #about(query: EventQuery, messageId: string, position: number, checkTime: () => void): EventPage {
    const events = this.#allAbout(query, messageId, position);
    checkTime();
    return {
      data: this.#read(events.slice(query.offset, query.offset + query.limit)),
      total: events.length,
    };
  }

  /** Numbers of the events that are about a message, in order. A message has few. */
  #allAbout(query: EventQuery, messageId: string, position: number): number[] {
    const { where, values } = filterOf(query);
    const known = this.#db.query("select event from events_by_message where message_id = ?");
    const given = JSON.stringify(inIndex(() => known.values(messageId)).flat());
    const sql = `select event from events where event in (
        select value from json_each(?) union all select event from events where event > ?
      ) and ${where} order by ts_key, event`;
    return (this.#db.query(sql).values(given, position, ...values) as [number][]).map(([event]) => event);
  }

  /** Of the events that the order has not taken, those that are wanted. */
  #tailOf(query: EventQuery, position: number): [event: number, tsKey: string][] {
    const { where, values } = filterOf(query);
    const sql = `select event, ts_key from events where event > ? and ${where}`;
    return this.#db.query(sql).values(position, ...values) as [number, string][];
  }

  #scanned(query: EventQuery): EventPage {
    const { where, values } = filterOf(query);
    const timed = `events where ${IN_TIME} and ${where}`;
    const [[total] = [0]] = this.#db.query(`select count(*) from ${timed}`).values(...values) as [number][];
    const rows = this.#db
      .query(`select event from ${timed} order by ts_key, event limit ? offset ?`)
      .values(...values, query.limit, query.offset) as [number][];
    return { data: this.#read(rows.map(([event]) => event)), total };
  }

  #read(events: readonly number[]): StoredEvent[] {
    const parts = new BodySpans(this.#db, this.#onDamagedRow);
    const sql = `select seq, source, kind, event_key, message_id, ts, created_at, delivery, start, stop, checksum
      from events where event = ?`;
    const query = this.#db.query<EventRow, [number]>(sql);
    return events.map((event) => {
      const found = query.get(event);
      if (found === null) throw new Damaged("index", `it has the event ${event}, which the log has not`);
      const { delivery, start, stop, checksum, ...row } = found;
      if (!isSound(checksum, () => eventChecksum(found)))
        this.#onDamagedRow({ table: "events", seq: row.seq, messageId: row.message_id });
      return { ...row, kind: row.kind as EventKind, body: parts.read({ delivery, start, stop }) };
    });
  }

  /** It changes only when the follower has taken a step. */
  #orderAt(position: number): Order {
    if (this.#order?.position !== position)
      this.#order = { position, order: orderInIndex(() => new CountedOrder(this.#db, BY_FILTER)) };
    return this.#order.order;
  }

  /** The last event that the index has taken. */
  #position(): number {
    return inIndex(() => eventPosition(this.#db));
  }

  #lastEvent(): number {
    return (
      this.#db.query<{ event: number | null }, []>("select max(event) as event from events").get()?.event ?? 0
    );
  }
}

interface Rule {
  /** On a row of `events`. */
  readonly condition: string;
  readonly value: (given: string) => string;
}

const RULES: ByFilter<EventFilters, Rule> = {
  messageId: { condition: "message_id = ?", value: (id) => id },
  // The plus keeps SQLite from the index by source and key, which has nothing to do with the order.
  source: { condition: "+source = ?", value: (source) => source },
  kind: { condition: "kind = ?", value: (kind) => kind },
  since: { condition: "ts_key >= ?", value: instantKey },
};

function filterOf(query: EventFilters): Filter {
  const conditions = ["true"];
  const values: string[] = [];
  for (const name of givenFilters(query, RULES)) {
    const { condition, value } = RULES[name];
    conditions.push(condition);
    values.push(value(query[name] ?? ""));
  }
  return { where: conditions.join(" and "), values };
}
