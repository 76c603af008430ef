/**
 * Reads of events: pages and totals by the counted order that follows them, completed by those that
 * it has not taken yet. Where these are too many to keep, every event is looked at instead. For a
 * text the bodies of all that the other filters let through are looked into.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { bodySearch } from "../../../core/body-search.ts";
import { instantKey } from "../../../core/instant.ts";
import type { BodySpan } from "../../../core/log-record.ts";
import type { EventKind } from "../../../core/parsed-body.ts";
import {
  EVENTS_WITH_MESSAGE_MAX,
  type EventFilters,
  type EventPage,
  type EventQuery,
  type StoredEvent,
} from "../../../core/store.ts";
import { Damaged, inIndex, type OnDamagedRow } from "../connection/damage.ts";
import { eventChecksum, isSound } from "../connection/row-checksum.ts";
import { CountedOrder } from "../derived/counted-order.ts";
import { BY_FILTER, eventSortKey, filterRange, filterText, looksAtEach } from "../derived/event-order.ts";
import type { IndexLimits } from "../derived/followers.ts";
import { eventPosition } from "../derived/index-file.ts";
import { compareKeys } from "../derived/log-rows.ts";
import { type Entry, type Order, orderInIndex } from "../derived/order.ts";
import { BodySpans } from "./body-spans.ts";
import { isBehind, pageOf } from "./page.ts";
import { type Conditions, sqlFilter } from "./sql-filter.ts";

/** Every 1024th event a scan looks at the clock, as reads of messages do. */
const IN_TIME = "(event & 1023 or events_in_time())";
/** Events that are looked for at once. */
const BATCH_EVENTS = 1024;

type EventRow = Omit<StoredEvent, "headers" | "body"> & {
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
  readonly checksum: number | null;
};

/** Where an event stands in the order of pages, by its number. */
interface EventAt {
  readonly event: number;
  readonly tsKey: string;
}

interface EventPlace extends EventAt, BodySpan {
  readonly kind: string;
}

export class EventQueries {
  readonly #db: Database;
  readonly #tailMax: number;
  readonly #onDamagedRow: OnDamagedRow;
  #order: { readonly position: number; readonly order: Order } | undefined;
  #checkTime: () => void = () => undefined;

  /**
   * The database is the log's, with the index file attached, inside a transaction of the caller's.
   */
  constructor(db: Database, { tailRows }: IndexLimits, onDamagedRow: OnDamagedRow) {
    this.#db = db;
    this.#onDamagedRow = onDamagedRow;
    this.#tailMax = tailRows;
    db.function("events_in_time", () => {
      this.#checkTime();
      return 1;
    });
  }

  /** One page and its total. Throws what `checkTime` throws. */
  page(query: EventQuery, checkTime: () => void): EventPage {
    this.#checkTime = checkTime;
    const { messageId, after, order: direction } = query;
    const position = this.#position();
    const start = after && { tsKey: after.tsKey, event: this.#eventAt(after.seq, direction) };
    if (looksAtEach(query)) return this.#cut(query, this.#searched(query, position), start);
    if (messageId !== undefined) return this.#cut(query, this.#allAbout(query, messageId, position), start);
    if (this.#isFarBehind(position)) return this.#scanned(query, start);
    const filter = filterText(query);
    const keyOf = ({ tsKey, event }: EventAt) => eventSortKey(filter, tsKey, event);
    const { order, from, to } = this.#rangeOf(query, position);
    checkTime();
    const tail = this.#tailOf(query, position).map((row): Entry => ({ row: row.event, ...keyOf(row) }));
    tail.sort(compareKeys);
    const { limit, offset } = query;
    const cut = {
      ...{ limit, offset },
      ...(direction !== undefined && { order: direction }),
      ...(start !== undefined && { after: keyOf(start) }),
    };
    const entries = pageOf(cut, { order, from, to, tail });
    return this.#page(
      query,
      entries.map(({ row }) => row),
      to - from + tail.length,
    );
  }

  /** The latest events that are about a message. */
  latestOf(messageId: string, checkTime: () => void): readonly StoredEvent[] {
    this.#checkTime = checkTime;
    const events = this.#allAbout({ messageId }, messageId, this.#position());
    checkTime();
    return this.#read(events.slice(-EVENTS_WITH_MESSAGE_MAX).map(({ event }) => event));
  }

  /** Of all that the filters match, in order. */
  #cut(query: EventQuery, all: readonly EventAt[], after: EventAt | undefined): EventPage {
    const { limit, offset, order } = query;
    this.#checkTime();
    const keyOf = ({ tsKey, event }: EventAt) => eventSortKey("", tsKey, event);
    const cut = { ...(order && { order }), ...(after && { after: keyOf(after) }) };
    const behind = all.filter((row) => isBehind(keyOf(row), cut));
    if (order === "desc") behind.reverse();
    const events = behind.slice(offset, offset + limit + 1).map(({ event }) => event);
    return this.#page(query, events, all.length);
  }

  /** The events that are about a message, in order. A message has few. */
  #allAbout(query: EventFilters, messageId: string, position: number): EventAt[] {
    const { where, values } = filterOf(query);
    const known = this.#db.query("select event from events_by_message where message_id = ?");
    const given = JSON.stringify(inIndex(() => known.values(messageId)).flat());
    const sql = `select event, ts_key as tsKey from events where event in (
        select value from json_each(?) union all select event from events where event > ?
      ) and ${where} order by ts_key, event`;
    return this.#db.query<EventAt, SQLQueryBindings[]>(sql).all(given, position, ...values);
  }

  /** All of the kind whose bodies hold the text, in order. */
  #searched(query: EventQuery, position: number): EventAt[] {
    const { kind, q } = query;
    const holds = q ? bodySearch(q) : undefined;
    const parts = new BodySpans(this.#db, this.#onDamagedRow);
    const found: EventAt[] = [];
    for (const events of this.#passing(query, position))
      for (const row of this.#placesOf(events)) {
        this.#checkTime();
        if (kind && row.kind !== kind) continue;
        if (holds === undefined || holds(parts.part(row))) found.push(row);
      }
    return found.sort(inOrder);
  }

  /** What the filters but `q` let through, and `kind` beside a type. */
  *#passing(query: EventQuery, position: number): Generator<readonly number[]> {
    const { messageId } = query;
    if (messageId !== undefined)
      return yield this.#allAbout(query, messageId, position).map(({ event }) => event);
    if (this.#isFarBehind(position)) return yield* this.#scannedEvents(query);
    const { order, from, to } = this.#rangeOf(query, position);
    yield* order.rows(from, to);
    yield this.#tailOf(query, position).map(({ event }) => event);
  }

  *#scannedEvents(query: EventQuery): Generator<readonly number[]> {
    const { where, values } = filterOf(query);
    const sql = `select event from events where event > ? and ${IN_TIME} and ${where} order by event limit ${BATCH_EVENTS}`;
    for (let last: number | undefined = 0; last !== undefined; ) {
      const rows = this.#db.query(sql).values(last, ...values) as [number][];
      yield rows.flat();
      last = rows.at(-1)?.[0];
    }
  }

  #placesOf(events: readonly number[]): EventPlace[] {
    const sql = `select event, ts_key as tsKey, kind, delivery, start, stop
      from json_each(?) given cross join events on event = given.value`;
    return this.#db.query<EventPlace, [string]>(sql).all(JSON.stringify(events));
  }

  #isFarBehind(position: number): boolean {
    return this.#lastEvent() - position > this.#tailMax;
  }

  /** The range of the order that the filters are. */
  #rangeOf(query: EventQuery, position: number) {
    const order = this.#orderAt(position);
    const { since, until } = query;
    const [first, end] = filterRange(
      filterText(query),
      since && instantKey(since),
      until && instantKey(until),
    );
    const from = order.rank(first);
    return { order, from, to: Math.max(from, order.rank(end)) };
  }

  /** Of the events that the order has not taken, those that pass. */
  #tailOf(query: EventQuery, position: number): EventAt[] {
    const { where, values } = filterOf(query);
    const sql = `select event, ts_key as tsKey from events where event > ? and ${where}`;
    return this.#db.query<EventAt, SQLQueryBindings[]>(sql).all(position, ...values);
  }

  #scanned(query: EventQuery, after: EventAt | undefined): EventPage {
    const { limit, offset, order = "asc" } = query;
    const { where, values } = filterOf(query);
    const timed = `events where ${IN_TIME} and ${where}`;
    const [[total] = [0]] = this.#db.query(`select count(*) from ${timed}`).values(...values) as [number][];
    const behind = after === undefined ? "" : `and (ts_key, event) ${order === "asc" ? ">" : "<"} (?, ?)`;
    const rows = this.#db
      .query(`select event from ${timed} ${behind} order by ts_key ${order}, event ${order} limit ? offset ?`)
      .values(...values, ...((after && [after.tsKey, after.event]) ?? []), limit + 1, offset) as [number][];
    return this.#page(
      query,
      rows.map(([event]) => event),
      total,
    );
  }

  /** Of numbers of events of which one more than `limit` was asked for. */
  #page({ limit }: EventQuery, events: readonly number[], total: number): EventPage {
    const data = this.#read(events.slice(0, limit));
    const last = events.length > limit ? data.at(-1) : undefined;
    return {
      data,
      total,
      ...(last !== undefined && { next: { tsKey: instantKey(last.ts), seq: last.seq } }),
    };
  }

  /**
   * The number of the event with this `seq`; of its neighbour where there is none, so that what
   * comes behind either is the same. Numbers ascend with `seq`.
   */
  #eventAt(seq: number, order: EventQuery["order"]): number {
    const query = this.#db.query<{ seq: number }, [number]>(
      "select seq from events where event <= ? order by event desc limit 1",
    );
    const isBefore = (event: number) => {
      const found = query.get(event)?.seq ?? 0;
      return order === "desc" ? found < seq : found <= seq;
    };
    let low = 0;
    let high = this.#lastEvent();
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isBefore(middle)) low = middle;
      else high = middle - 1;
    }
    return order === "desc" ? low + 1 : low;
  }

  #read(events: readonly number[]): StoredEvent[] {
    const parts = new BodySpans(this.#db, this.#onDamagedRow);
    const sql = `select seq, source, kind, type, event_key, message_id, ts, created_at, delivery, start, stop, checksum
      from events where event = ?`;
    const query = this.#db.query<EventRow, [number]>(sql);
    return events.map((event) => {
      const found = query.get(event);
      if (found === null) throw new Damaged("index", `it has the event ${event}, which the log has not`);
      const { delivery, start, stop, checksum, ...row } = found;
      if (!isSound(checksum, () => eventChecksum(found)))
        this.#onDamagedRow({ table: "events", seq: row.seq, messageId: row.message_id });
      return { ...row, kind: row.kind as EventKind, ...parts.read({ delivery, start, stop }) };
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

function inOrder(a: EventAt, b: EventAt): number {
  if (a.tsKey === b.tsKey) return a.event - b.event;
  return a.tsKey < b.tsKey ? -1 : 1;
}

/** On a row of `events`; `q` is asked of its body. */
const CONDITIONS: Conditions<Omit<EventFilters, "q">> = {
  messageId: ["message_id = ?", (id) => id],
  // The plus keeps SQLite from the index by source and key, which has nothing to do with the order.
  source: ["+source = ?", (source) => source],
  kind: ["kind = ?", (kind) => kind],
  type: ["type = ?", (type) => type],
  since: ["ts_key >= ?", instantKey],
  until: ["ts_key < ?", instantKey],
};

function filterOf(query: EventFilters): { readonly where: string; readonly values: readonly string[] } {
  const { conditions, values } = sqlFilter(query, CONDITIONS);
  return { where: ["true", ...conditions].join(" and "), values };
}
