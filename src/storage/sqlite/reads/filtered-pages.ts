/**
 * Pages and totals by recipient, text or source. The search index says which rows match; how those
 * come into the order of pages, and which of them lie in a range, is found the cheapest of three
 * ways: by looking at every row of a short range, by looking up the keys of few matches, or by
 * walking the order and asking of each row whether it matches.
 */
import type { Database } from "bun:sqlite";
import type { MessageQuery, SortKey } from "../../../core/store.ts";
import type { FoundMatches, Matches, SearchTerms, SegmentReader } from "../../../search/search.ts";
import { Damaged, inIndex } from "../connection/damage.ts";
import type { FollowerName, IndexLimits } from "../derived/followers.ts";
import { compareKeys } from "../derived/log-rows.ts";
import type { Entry, Order } from "../derived/order.ts";
import { Stretches } from "../derived/stretches.ts";
import { keyAfter, type MessageFilter } from "./filter.ts";
import { type Found, pageOf, type Snapshot, tailOf } from "./page.ts";
import { TAIL_COLUMNS, type TailColumns, TailRow } from "./tail.ts";

const BATCH_ROWS = 1000;
/** So many rows of an order are looked at together when it is walked from its end. */
const WALK_BACK_ROWS = 4096;

interface Search {
  readonly query: MessageQuery;
  readonly filter: MessageFilter;
  readonly terms: SearchTerms;
  /** Its tail holds what passes only. */
  readonly snapshot: Snapshot;
  /** The order that the range is part of, and the follower that keeps it. */
  readonly order: Order;
  readonly name: FollowerName;
  readonly from: number;
  readonly to: number;
}

export class FilteredPages {
  readonly #db: Database;
  readonly #search: SegmentReader;
  readonly #limits: IndexLimits;
  #stretches: { readonly row: number; readonly stretches: Stretches } | undefined;

  constructor(db: Database, search: SegmentReader, limits: IndexLimits) {
    this.#db = db;
    this.#search = search;
    this.#limits = limits;
  }

  find(search: Search): Found {
    const { filter, terms, snapshot, from, to } = search;
    if (to - from <= this.#limits.shortRows) return this.#shortRange(search);
    const all = inIndex(() => this.#search.find(terms, snapshot.checkTime));
    const inRange = filter.from === undefined ? this.#inTime(search, all) : undefined;
    if (inRange === undefined) {
      const found = this.#exactWhereFewer(all, search);
      return this.#listed(search, this.#walk(search, found, from, Number.POSITIVE_INFINITY));
    }
    const found = this.#exact(inRange, search);
    if (found.count * this.#limits.lookupCost <= this.#walkRows(search, found))
      return this.#lookedUp(search, found);
    return this.#pageByWalk(search, found, found.count + tailOf(snapshot, "search").length);
  }

  /**
   * The matches in the range of time; undefined when it takes less to walk the range. The bounds of
   * the log's stretches tell of most rows whether they are in it; the others are looked up.
   */
  #inTime({ filter, snapshot, from, to }: Search, found: FoundMatches): Matches | undefined {
    const { since, until } = filter;
    if (since === undefined && until === undefined) return found;
    const { inside, open } = this.#stretchesAt(snapshot).divide(
      { sinceKey: since?.tsKey, untilKey: until?.tsKey },
      snapshot.positions.search,
    );
    const undecided = found.within(open);
    if (undecided.count * this.#limits.lookupCost > to - from) return undefined;
    const kept: number[] = [];
    for (const rows of batches(undecided.rows())) {
      snapshot.checkTime();
      for (const entry of this.#entries(rows)) if (isWithin(entry, filter)) kept.push(entry.row);
    }
    return foundInRange(found, found.within(inside), kept);
  }

  /** They change only when the follower of time has taken a step. */
  #stretchesAt({ positions: { time } }: Snapshot): Stretches {
    if (this.#stretches?.row !== time) {
      const stretches = inIndex(() => new Stretches(this.#db, this.#limits.stretchRows, time));
      this.#stretches = { row: time, stretches };
    }
    return this.#stretches.stretches;
  }

  /**
   * While a range is walked, texts are looked at as they come, unless it has more rows than there
   * are candidates.
   */
  #exactWhereFewer(found: Matches, search: Search): Matches {
    return search.to - search.from < found.count ? found : this.#exact(found, search);
  }

  /** Of a phrase the index tells candidates only: their texts decide. */
  #exact(found: Matches, { filter, snapshot }: Search): Matches {
    if (found.exact) return found;
    const kept: number[] = [];
    for (const rows of batches(found.rows())) kept.push(...this.#check(rows, filter, snapshot));
    return listOf(kept);
  }

  #shortRange(search: Search): Found {
    const { order, from, to, filter, snapshot } = search;
    const rows: number[] = [];
    for (const some of order.rows(from, to)) rows.push(...this.#check(some, filter, snapshot));
    return this.#listed(search, rows);
  }

  /** How many rows the other way would walk over. */
  #walkRows({ query, from, to }: Search, { count }: Matches): number {
    const rows = to - from;
    return count === 0 ? rows : Math.min(rows, ((query.offset + query.limit) * rows) / count);
  }

  /** Few matches: their keys are looked up, and sorted. */
  #lookedUp({ snapshot, query }: Search, found: Matches): Found {
    const entries: Entry[] = [];
    for (const rows of batches(found.rows())) {
      snapshot.checkTime();
      entries.push(...this.#entries(rows));
    }
    entries.sort(compareKeys);
    const tail = tailOf(snapshot, "search");
    const order = listOrder(entries.length, (rank) => entries[rank] as Entry);
    return {
      total: entries.length + tail.length,
      entries: pageOf(query, { order, from: 0, to: order.size, tail }),
    };
  }

  /** Every match of the range is known, in order. */
  #listed({ query, snapshot, name }: Search, rows: readonly number[]): Found {
    const tail = tailOf(snapshot, name);
    return { total: rows.length + tail.length, entries: this.#pageOfRows(query, rows, tail) };
  }

  /** The total is known; the order is walked until the page is complete. */
  #pageByWalk(search: Search, found: Matches, total: number): Found {
    const { query, order, name, snapshot, from } = search;
    if (query.offset >= total) return { total, entries: [] };
    const enough = query.offset + query.limit + 1;
    const rows =
      query.order === "desc"
        ? this.#walkBack(search, found, enough)
        : this.#walk(
            search,
            found,
            query.after === undefined ? from : Math.max(from, order.rank(keyAfter(query.after))),
            enough,
          );
    const tail = tailOf(snapshot, name);
    return { total, entries: this.#pageOfRows(query, rows, tail) };
  }

  /**
   * Matching rows of the order from rank `start` to the range's end, in order, up to `enough` of
   * them or some more.
   */
  #walk(search: Search, found: Matches, start: number, enough: number): number[] {
    const { order, to } = search;
    const isMatch = matcher(search, found);
    const matching: number[] = [];
    for (const rows of order.rows(start, to)) {
      for (const row of this.#matching(rows, isMatch, search, found)) matching.push(row);
      if (matching.length >= enough) break;
    }
    return matching;
  }

  /**
   * The last matching rows of the range before `after`, in order: `enough` of them or some more.
   */
  #walkBack(search: Search, found: Matches, enough: number): number[] {
    const { order, query, from, to } = search;
    const isMatch = matcher(search, found);
    const pieces: number[][] = [];
    let left = enough;
    let end = query.after === undefined ? to : Math.min(to, order.rank(query.after));
    while (end > from && left > 0) {
      const start = Math.max(from, end - WALK_BACK_ROWS);
      const piece: number[] = [];
      for (const rows of order.rows(start, end)) piece.push(...this.#matching(rows, isMatch, search, found));
      pieces.unshift(piece);
      left -= piece.length;
      end = start;
    }
    return pieces.flat();
  }

  /** Those of an order's rows that match. */
  #matching(
    rows: readonly number[],
    isMatch: (row: number) => boolean,
    { filter, snapshot }: Search,
    { exact }: Matches,
  ): readonly number[] {
    snapshot.checkTime();
    const some = rows.filter(isMatch);
    return exact ? some : this.#check(some, filter, snapshot);
  }

  #pageOfRows(query: MessageQuery, rows: readonly number[], tail: readonly TailRow[]): Entry[] {
    const order = listOrder(rows.length, (rank) => this.#entry(rows[rank] as number));
    return pageOf(query, { order, from: 0, to: rows.length, tail });
  }

  #entry(row: number): Entry {
    const [entry] = this.#entries([row]);
    if (entry === undefined) throw new Damaged("index", `it has the row ${row}, which the log has not`);
    return entry;
  }

  #entries(rows: readonly number[]): Entry[] {
    const sql = `select m.rowid as row, m.ts_key as tsKey, m.message_id as messageId
      from json_each(?) given cross join messages m on m.rowid = given.value`;
    return this.#db.query<Entry, [string]>(sql).all(JSON.stringify(rows));
  }

  /** Those of the rows that pass, in the same order. */
  #check(rows: readonly number[], { passes }: MessageFilter, { checkTime }: Snapshot): number[] {
    checkTime();
    if (passes === undefined) return [...rows];
    const sql = `select ${TAIL_COLUMNS}
      from json_each(?) given cross join messages on messages.rowid = given.value
        left join details using (seq)
      order by given.key`;
    const stored = this.#db.query(sql).values(JSON.stringify(rows)) as TailColumns[];
    return stored
      .map((columns) => new TailRow(columns))
      .filter(passes)
      .map(({ row }) => row);
  }
}

/**
 * Whether a row of the order is among the matches, or among those that pass of what the search has
 * not taken.
 */
function matcher({ name, snapshot }: Search, found: Matches): (row: number) => boolean {
  const { positions, tail } = snapshot;
  const late = new Set(positions.search < positions[name] ? tail.map(({ row }) => row) : []);
  return (row) => (row <= positions.search ? found.has(row) : late.has(row));
}

function isWithin(key: SortKey, { since, until }: MessageFilter): boolean {
  return (
    (since === undefined || compareKeys(key, since) >= 0) &&
    (until === undefined || compareKeys(key, until) < 0)
  );
}

/** Entries in order, as an order of their own. */
function listOrder(size: number, entry: (rank: number) => Entry): Order {
  return {
    size,
    rank(key) {
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareKeys(entry(middle), key) < 0) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    read: (rank, limit) =>
      Array.from({ length: Math.max(0, Math.min(limit, size - rank)) }, (_, index) => entry(rank + index)),
    *rows(from, to) {
      for (let rank = from; rank < to; rank++) yield [entry(rank).row];
    },
  };
}

/**
 * Matches in a range: those inside, and others. Whoever walks the range asks of no row outside of
 * it.
 */
function foundInRange(found: Matches, inside: Matches, others: readonly number[]): Matches {
  return {
    exact: found.exact,
    count: inside.count + others.length,
    has: (row) => found.has(row),
    *rows() {
      yield* inside.rows();
      yield* others;
    },
  };
}

/** Rows that were looked at one by one. */
function listOf(rows: readonly number[]): Matches {
  const all = new Set(rows);
  return { exact: true, count: rows.length, has: (row) => all.has(row), rows: () => rows };
}

function* batches(rows: Iterable<number>): Generator<number[]> {
  let batch: number[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
