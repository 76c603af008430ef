/**
 * Pages of senders by their last messages. A sender may be in three lists: those that are in their
 * places, those that wait for them, and the tail. They are walked at once, in the order of sort
 * keys; the latest message of a sender counts, and an earlier one is passed over where it is met.
 */
import type { Database } from "bun:sqlite";
import { lowerAscii } from "../../../core/ascii-case.ts";
import type { Order, SenderQuery, SortKey } from "../../../core/store.ts";
import { Damaged } from "../connection/damage.ts";
import { compareKeys, countBefore, type LogRow } from "../derived/log-rows.ts";
import type { Entry } from "../derived/order.ts";
import { keyAfter } from "./filter.ts";

/** Senders that are read at once, between two looks at the clock. */
const CHUNK = 4096;
/** The same where none of them becomes an object. */
const COUNTED_CHUNK = 65_536;

export interface SenderEntry {
  readonly sender: string;
  readonly count: number;
  readonly last: Entry;
}

/** A sender at the place of a message: the last one unless a list has a later one. */
interface Place extends SortKey {
  readonly sender: string;
  /** Of the log; undefined where it has to be looked up. */
  readonly entry?: Entry;
}

/** Places in their order, and by sender. */
interface List {
  readonly places: readonly Place[];
  readonly bySender: ReadonlyMap<string, Place>;
}

export class SenderPages {
  readonly #db: Database;
  /** Those that wait, as they were when the follower came to this position. */
  #waiting: { readonly position: number; readonly list: List } | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Keeps nothing for the next read. */
  forget(): void {
    this.#waiting = undefined;
  }

  /**
   * The page's entries, and one more when there is a next one. The tail is what the follower of
   * senders, at this position, has not taken, in the order of pages. Throws what `checkTime`
   * throws.
   */
  find(query: SenderQuery, position: number, tail: readonly LogRow[], checkTime: () => void): SenderEntry[] {
    const { order, offset, limit } = query;
    const waiting = this.#waitingAt(position);
    const ofTail = lastOfTail(tail);
    const isPassed = ({ sender, entry, ...key }: Place) => {
      const others = [waiting.bySender.get(sender), ofTail.list.bySender.get(sender)];
      if (others.some((other) => other !== undefined && compareKeys(other, key) > 0)) return true;
      // What waited may have got its place since, at the same position.
      const placed = entry === undefined ? null : this.#placeOf(sender);
      return placed !== null && compareKeys(placed, key) >= 0;
    };
    const found: SenderEntry[] = [];
    let skipped = 0;
    const lists = [waiting, ofTail.list].map((list) => listed(list.places, query));
    for (const place of lists.reduce(
      (all, list) => merged(all, list, order),
      this.#placed(query, checkTime),
    )) {
      if (isPassed(place)) continue;
      if (skipped < offset) skipped++;
      else found.push(this.#entryOf(place, ofTail.rows.get(place.sender) ?? 0));
      if (found.length > limit) break;
    }
    return found;
  }

  /** How many senders have this part. Throws what `checkTime` throws. */
  count(q: string, tail: readonly LogRow[], checkTime: () => void): number {
    const part = lowerAscii(q);
    let total = 0;
    for (let after: string | null = ""; after !== null; ) {
      checkTime();
      const [counted] = this.#db.query(COUNT).values(after, part) as [number, string | null][];
      total += counted?.[0] ?? 0;
      after = counted?.[1] ?? null;
    }
    const fresh = new Set(tail.map(({ from }) => from).filter((from) => lowerAscii(from).includes(part)));
    for (const sender of fresh) if (this.#rowsOf(sender) === undefined) total++;
    return total;
  }

  #entryOf({ sender, entry }: Place, rowsInTail: number): SenderEntry {
    const last = entry ?? this.#placeOf(sender);
    if (last === null) throw new Damaged("index", `it has no last message of ${sender}, whose place it has`);
    return { sender, count: (this.#rowsOf(sender) ?? 0) + rowsInTail, last };
  }

  #rowsOf(sender: string): number | undefined {
    const sql = "select rows from senders where sender = ?";
    return this.#db.query<{ rows: number }, [string]>(sql).get(sender)?.rows;
  }

  #placeOf(sender: string): Entry | null {
    const sql = "select ts_key as tsKey, message_id as messageId, row from last_messages where sender = ?";
    return this.#db.query<Entry, [string]>(sql).get(sender);
  }

  #waitingAt(position: number): List {
    if (this.#waiting?.position !== position) {
      const places = this.#db
        .query(WAITING)
        .values()
        .map((columns) => {
          const [sender, tsKey, messageId, row] = columns as [string, string, string, number];
          return { sender, tsKey, messageId, entry: { tsKey, messageId, row } };
        });
      this.#waiting = { position, list: listOf(places) };
    }
    return this.#waiting.list;
  }

  *#placed({ order, after, q, limit, offset }: SenderQuery, checkTime: () => void): Generator<Place> {
    const chunk = this.#db.query(chunkSql(order, q));
    const end = this.#db.query<SortKey, [string, string, number]>(chunkEndSql(order));
    let from = after ?? (order === "asc" ? BEFORE_ALL : BEHIND_ALL);
    for (let size = Math.min(CHUNK, q ? CHUNK : limit + offset + 1); ; size = CHUNK) {
      checkTime();
      const range = [from.tsKey, from.messageId, size] as const;
      const last = end.get(...range);
      for (const columns of chunk.values(...range, ...(q ? [lowerAscii(q)] : []))) {
        const [sender, tsKey, messageId] = columns as [string, string, string];
        yield { sender, tsKey, messageId };
      }
      if (last === null) return;
      from = last;
    }
  }
}

const BEFORE_ALL: SortKey = { tsKey: "", messageId: "" };
/** "~" comes behind every instant's key. */
const BEHIND_ALL: SortKey = { tsKey: "~", messageId: "" };

const WAITING = `select sender, ts_key, message_id, row from waiting_last_messages order by ts_key, message_id`;
/** Of up to so many senders: how many match, and the last of them where more may follow. */
const COUNT = `select coalesce(sum(instr(lower(sender), ?2) > 0), 0), iif(count(*) = ${COUNTED_CHUNK}, max(sender), null)
  from (select sender from senders where sender > ?1 order by sender limit ${COUNTED_CHUNK})`;

function behind(order: Order): string {
  return `last_messages where (ts_key, message_id) ${order === "asc" ? ">" : "<"} (?1, ?2)
    order by ts_key ${order}, message_id ${order}`;
}

function chunkSql(order: Order, q: string | undefined): string {
  const chunk = `select sender, ts_key, message_id from ${behind(order)} limit ?3`;
  return q ? `select * from (${chunk}) where instr(lower(sender), ?4) > 0` : chunk;
}

/** The last of a chunk; none when fewer are left. */
function chunkEndSql(order: Order): string {
  return `select ts_key as tsKey, message_id as messageId from ${behind(order)} limit 1 offset ?3 - 1`;
}

function listOf(places: readonly Place[]): List {
  return { places, bySender: new Map(places.map((place) => [place.sender, place])) };
}

/** The last message of each sender of the tail, and how many each has there. */
function lastOfTail(tail: readonly LogRow[]): {
  readonly list: List;
  readonly rows: ReadonlyMap<string, number>;
} {
  const rows = new Map<string, number>();
  const places: Place[] = [];
  for (const entry of tail.toReversed()) {
    const { from: sender, tsKey, messageId } = entry;
    const count = rows.get(sender) ?? 0;
    if (count === 0) places.push({ sender, tsKey, messageId, entry });
    rows.set(sender, count + 1);
  }
  return { list: listOf(places.reverse()), rows };
}

/** Those behind the cursor that match, in the order that is asked for. */
function* listed(places: readonly Place[], { order, after, q }: SenderQuery): Generator<Place> {
  const part = lowerAscii(q ?? "");
  const step = order === "asc" ? 1 : -1;
  const first = after === undefined ? 0 : countBefore(places, keyAfter(after));
  const last = (after === undefined ? places.length : countBefore(places, after)) - 1;
  for (let at = step > 0 ? first : last; at >= 0 && at < places.length; at += step) {
    const place = places[at] as Place;
    if (lowerAscii(place.sender).includes(part)) yield place;
  }
}

/** Two lists in the same order become one. */
function* merged(left: Iterator<Place>, right: Iterator<Place>, order: Order): Generator<Place> {
  const sign = order === "asc" ? 1 : -1;
  let [one, other] = [left.next(), right.next()];
  while (!one.done && !other.done) {
    if (sign * compareKeys(one.value, other.value) <= 0) {
      yield one.value;
      one = left.next();
    } else {
      yield other.value;
      other = right.next();
    }
  }
  for (; !one.done; one = left.next()) yield one.value;
  for (; !other.done; other = right.next()) yield other.value;
}
