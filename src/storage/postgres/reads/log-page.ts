/**
 * Reads the log by its numbers: pages of what is numbered after a place, by their batches. Where
 * `messages` is distributed over servers, a page ends before a batch of which a part can't be seen
 * yet, so that nobody passes it.
 */
import type { EventRecord, MessageRecord } from "../../../core/log-record.ts";
import { MESSAGE_COLUMNS, selected } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import { readMark } from "../connection/migration-mark.ts";
import { seqOf } from "../connection/schema.ts";

/** A POST's bytes are kept under this. */
export interface Post {
  readonly batch: string;
  readonly delivery: number;
}

export interface LogPage {
  readonly records: readonly (MessageRecord | EventRecord)[];
  /** The POSTs that they are parts of, by their `delivery`. */
  readonly posts: ReadonlyMap<number, Post>;
  /** Whether there is more to read behind them. */
  readonly more: boolean;
  /** Whether a batch behind them, or of them, can't be seen as a whole yet. */
  readonly isHeldBack: boolean;
}

interface Batch {
  readonly batch: string;
  /** Of its first row. */
  readonly seq: number;
  /**
   * How many numbers it takes. Not all of them have a row where it was taken over from another log.
   */
  readonly rows: number;
  /**
   * Places of its rows in the order of their numbers; null where a place and the first number make
   * the number.
   */
  readonly places: readonly number[] | null;
}

interface Row extends Omit<EventRecord, "seq" | "kind" | "event_key" | "delivery" | "source" | "message_id"> {
  readonly message_id: string | null;
  readonly from: string;
  readonly to: string;
  readonly text: string | null;
  readonly source: string | null;
  readonly type: string;
  readonly kind: EventRecord["kind"];
  /** Null in messages alone. */
  readonly event_key: string | null;
  readonly batch: string;
  readonly place: number;
  readonly delivery: number | null;
}

export type NumberedRow = Row & { readonly seq: number };

/** Of messages and of events, with the same names. */
export const MESSAGES = `select ${selected(MESSAGE_COLUMNS)}, source, type,
  null as kind, null as event_key, batch, place, delivery, start, stop from messages`;
export const EVENTS = `select message_id, null as "from", null as "to", ts, null as text, created_at, source, null as type,
  kind, event_key, batch, place, delivery, start, stop from events`;

/**
 * Batches that begin with the one that holds the number after `$1`, as many as it takes for `$2`
 * numbers behind `$1`. One that holds nothing, because nothing in it was new, has the number 0, or
 * that of the next one.
 */
const BATCHES = `
  select batch, seq::float8 as seq, rows, array_to_string(places, ',') as places from (
    select *, sum(numbers) over (order by seq) - numbers as before from (
      select *, least(rows, seq + rows - 1 - $1::bigint) as numbers from batches
      where rows > 0 and seq + rows - 1 > $1::bigint and seq >= coalesce(
        (select seq from batches where rows > 0 and seq between 1 and $1::bigint + 1 order by seq desc limit 1), 1)
      order by seq limit $2::bigint
    ) following
  ) counted where before < $2::bigint order by seq`;

/** Of the snapshot, whether anything is committed that has no number. */
export async function isAllNumbered(session: Session): Promise<boolean> {
  const found = await session.run("select 1 from batches where seq is null and rows > 0 limit 1");
  return found.length === 0;
}

/**
 * Up to `limit` records that are numbered after `after`, in one snapshot; `records` knows those
 * before, if any were read.
 */
export async function readLogPage(
  session: Session,
  after: number,
  limit: number,
  records = new Records(),
): Promise<LogPage> {
  // One more tells whether there is more.
  const rows: NumberedRow[] = [];
  let isHeldBack = false;
  let last = after;
  while (rows.length <= limit && !isHeldBack) {
    const wanted = limit + 1 - rows.length;
    const batches = await batchesAfter(session, last, wanted);
    const until = numberOf(batches, last, wanted);
    const found = await rowsOf(session, batches, last, until);
    const whole = await wholePartOf(session, { batches, rows: found, after: last, until });
    rows.push(...found.slice(0, whole));
    isHeldBack = whole !== undefined;
    if (numbersAfter(batches, last) < wanted) break;
    last = until;
  }
  const shown = rows.slice(0, limit);
  return { ...(await records.of(session, shown)), more: rows.length > limit, isHeldBack };
}

async function batchesAfter(session: Session, after: number, numbers: number): Promise<readonly Batch[]> {
  const found = await session.run<Omit<Batch, "places"> & { readonly places: string | null }>(BATCHES, [
    after,
    numbers,
  ]);
  return found.map(({ places, ...batch }) => ({
    ...batch,
    places: places === null ? null : places.split(",").map(Number),
  }));
}

function numbersAfter(batches: readonly Batch[], after: number): number {
  return batches.reduce((sum, { seq, rows }) => sum + Math.min(rows, seq + rows - 1 - after), 0);
}

/** The last of up to `wanted` numbers after `after` that the batches have. */
function numberOf(batches: readonly Batch[], after: number, wanted: number): number {
  const last = batches.at(-1);
  if (last === undefined) return after;
  const before = numbersAfter(batches.slice(0, -1), after);
  return Math.min(last.seq + last.rows, Math.max(last.seq, after + 1) + wanted - before) - 1;
}

/** Rows of the batches with numbers after `after` up to `until`, in their order. */
async function rowsOf(
  session: Session,
  batches: readonly Batch[],
  after: number,
  until: number,
): Promise<readonly NumberedRow[]> {
  const first = batches[0];
  const last = batches.at(-1);
  if (first === undefined || last === undefined) return [];
  const values = [
    arrayOf(batches, ({ batch }) => batch),
    first.batch,
    placeAt(first, Math.max(first.seq, after + 1)),
    last.batch,
    placeAt(last, until),
  ];
  const where = `where batch = any($1::text::uuid[])
    and (batch <> $2::text::uuid or place >= $3) and (batch <> $4::text::uuid or place <= $5)`;
  const [messages, events] = await Promise.all([
    session.run<Row>(`${MESSAGES} ${where}`, values),
    session.run<Row>(`${EVENTS} ${where}`, values),
  ]);
  const rows = [...messages, ...events];
  const byName = new Map(batches.map((batch) => [batch.batch, numbersOf(batch)]));
  return rows
    .map((row) => ({ ...row, seq: byName.get(row.batch)?.(row.place) ?? 0 }))
    .sort((a, b) => a.seq - b.seq);
}

/** As the server writes one. */
function arrayOf<T>(items: readonly T[], value: (item: T) => string | number): string {
  return `{${items.map(value).join()}}`;
}

function placeAt({ seq, places }: Batch, number: number): number {
  return places === null ? number - seq : (places[number - seq] ?? 0);
}

function numbersOf({ seq, places }: Batch): (place: number) => number {
  if (places === null) return (place) => seq + place;
  const numbers = new Map(places.map((place, index) => [place, seq + index]));
  return (place) => numbers.get(place) ?? 0;
}

interface Found {
  readonly batches: readonly Pick<Batch, "seq" | "rows">[];
  readonly rows: readonly { readonly seq: number }[];
  readonly after: number;
  /** The last number that is looked at. */
  readonly until: number;
}

/**
 * How many of the rows stand before one that can't be seen yet; undefined when there is none. What
 * is missing on a single server was deleted by hand, and what is missing of another log had a gap
 * there: nobody waits for these.
 */
async function wholePartOf(session: Session, found: Found): Promise<number | undefined> {
  if (rowsBeforeGap(found, 0) === undefined || !(await isDistributed(session))) return undefined;
  return rowsBeforeGap(found, (await readMark(session))?.seq ?? 0);
}

/**
 * How many of the rows come before the first number after `gapsUntil` that a batch has and none of
 * the rows.
 */
export function rowsBeforeGap({ batches, rows, after, until }: Found, gapsUntil: number): number | undefined {
  let at = 0;
  for (const { seq, rows: numbers } of batches)
    for (let number = Math.max(seq, after + 1); number < seq + numbers && number <= until; number++) {
      if (rows[at]?.seq === number) at++;
      else if (number > gapsUntil) return at;
    }
  return undefined;
}

/**
 * Whether the rows of a batch can lie on several servers, which have no common snapshot: by what
 * Citus keeps.
 */
async function isDistributed(session: Session): Promise<boolean> {
  const [citus] = await session.run<{ there: boolean }>(
    "select to_regclass('pg_dist_partition') is not null as there",
  );
  if (citus?.there !== true) return false;
  const found = await session.run(
    "select 1 from pg_dist_partition where logicalrelid = 'messages'::regclass",
  );
  return found.length > 0;
}

/**
 * Makes records of rows that are read one after the other. A POST is known outside by the number of
 * its first row, which only what is read first may have before it.
 */
export class Records {
  #key: string | undefined;
  #number = 0;
  #isFirst = true;

  async of(session: Session, rows: readonly NumberedRow[]): Promise<Pick<LogPage, "records" | "posts">> {
    const posts = new Map<number, Post>();
    const records: (MessageRecord | EventRecord)[] = [];
    for (const row of rows) {
      const { batch, delivery } = row;
      if (delivery !== null) {
        const key = keyOf({ batch, delivery });
        if (key !== this.#key)
          this.#number = this.#isFirst ? await firstOf(session, { batch, delivery }) : row.seq;
        this.#key = key;
        posts.set(this.#number, { batch, delivery });
      }
      this.#isFirst = false;
      records.push(recordOf(row, this.#number));
    }
    return { records, posts };
  }
}

/** The number of the POST's first row. */
async function firstOf(session: Session, { batch, delivery }: Post): Promise<number> {
  const found = await Promise.all(
    ["messages", "events"].map((table) =>
      session.run<{ seq: number | null }>(
        `select min(${seqOf("r", "b")}) as seq from ${table} r join batches b on b.batch = r.batch
         where r.batch = $1::text::uuid and r.delivery = $2`,
        [batch, delivery],
      ),
    ),
  );
  return Math.min(...found.flat().map(({ seq }) => seq ?? Number.POSITIVE_INFINITY));
}

function recordOf(row: NumberedRow, delivery: number): MessageRecord | EventRecord {
  const { seq, from, to, ts, text, created_at, source, type, kind, event_key, start, stop } = row;
  if (event_key !== null) {
    const { message_id } = row;
    return { seq, source: source ?? "", kind, event_key, message_id, ts, created_at, delivery, start, stop };
  }
  const message = { seq, message_id: row.message_id ?? "", from, to, ts, text, created_at };
  return source === null ? message : { ...message, source, type, delivery, start, stop };
}

/** How many bytes each of the POSTs has, by its `delivery`. */
export async function bytesOfPosts(
  session: Session,
  posts: ReadonlyMap<number, Post>,
): Promise<ReadonlyMap<number, number>> {
  const found = await readPosts<{ bytes: number }>(session, posts, "octet_length(d.body)::float8 as bytes");
  return new Map(found.map(([number, { bytes }]) => [number, bytes]));
}

/** The bytes of each of the POSTs, by its `delivery`; all of them are in memory at once. */
export async function bodiesOfPosts(
  session: Session,
  posts: ReadonlyMap<number, Post>,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const found = await readPosts<{ body: Uint8Array }>(session, posts, "d.body");
  return new Map(found.map(([number, { body }]) => [number, new Uint8Array(body)]));
}

async function readPosts<T extends object>(
  session: Session,
  posts: ReadonlyMap<number, Post>,
  column: string,
): Promise<readonly (readonly [delivery: number, row: T])[]> {
  if (posts.size === 0) return [];
  const numbers = new Map([...posts].map(([number, post]) => [keyOf(post), number]));
  const found = await session.run<T & Post>(
    `select d.batch, d.delivery, ${column}
     from unnest($1::text::uuid[], $2::text::integer[]) wanted (batch, delivery)
     join deliveries d on d.batch = wanted.batch and d.delivery = wanted.delivery`,
    [
      arrayOf([...posts.values()], ({ batch }) => batch),
      arrayOf([...posts.values()], (post) => post.delivery),
    ],
  );
  return found.map((row) => [numbers.get(keyOf(row)) ?? 0, row]);
}

function keyOf({ batch, delivery }: Post): string {
  return `${batch} ${delivery}`;
}
