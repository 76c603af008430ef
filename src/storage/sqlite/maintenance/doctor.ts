/**
 * Compares what was derived with the log that it was derived from, also beside a running server.
 * What it reads is read in slices, each a snapshot of its own, so that neither write-ahead log
 * grows for as long as it takes; entries are only ever added, so slices miss nothing.
 */
import { Database } from "bun:sqlite";
import type { Examination, Examined } from "../../../core/maintenance.ts";
import { type Comparison, compareSegment, segmentsHolding } from "../../../search/search.ts";
import { isUnreadable, REMEDY, reasonOf } from "../connection/damage.ts";
import { openForReading } from "../connection/files.ts";
import { endOfLog } from "../connection/log-end.ts";
import type { CountedTables } from "../derived/counted-order.ts";
import { BY_FILTER } from "../derived/event-order.ts";
import { INDEX_LIMITS } from "../derived/followers.ts";
import {
  eventPosition,
  hasLastMessages,
  hasTypes,
  indexNumbers,
  indexPath,
  leastOf,
  positionsOf,
  serves,
} from "../derived/index-file.ts";
import { INDEXED_COLUMNS, type IndexedColumns, indexedRows } from "../derived/search-index.ts";
import { BY_TIME } from "../derived/time-order.ts";
import { examineFailures } from "./doctor-failures.ts";
import { examineLog } from "./doctor-log.ts";
import { examineEvents } from "./doctor-posts.ts";
import { examineSeries } from "./doctor-series.ts";
import { Findings } from "./findings.ts";

const SLICE_ROWS = 16_384;
const COUNTS_SHOWN_MAX = 10;
const TOP = 10;

/** So often an examination looks at each message of the log. */
export const LOOKS_A_MESSAGE = 5;

/** Messages in the log; 0 where that can't be read. */
export function messagesIn(path: string): number {
  using log = openForReading(path);
  try {
    return endOfLog(log).row;
  } catch (error) {
    if (isUnreadable(error)) return 0;
    throw error;
  }
}

/**
 * Examines a database; yields how many rows were looked at since. Throws `StartRefused` when it
 * can't be read.
 */
export function* examine(path: string): Generator<number, Examination> {
  using log = openForReading(path);
  const found = derivedFrom(log, path);
  const inLog = yield* examineLog(log);
  const parts: Examined[] = [{ part: "log", ...inLog }];
  const remedy = inLog.findings.length === 0 ? undefined : REMEDY;
  const failures = yield* asFarAsReadable("failures", examineDeliveries(log));
  const series = yield* asFarAsReadable("series", examineNumbers(log));
  const kept = [failures, series].filter(({ rows, findings }) => rows > 0 || findings.length > 0);
  if (found === undefined) return { index: undefined, parts: [...parts, ...kept], remedy };
  const { db, index } = found;
  try {
    const at = positionsOf(db);
    const time = examineOrder(db, TIME, at.time, () => leafFindings(db, BY_TIME));
    parts.push(yield* asFarAsReadable("time", withStretches(db, time)));
    const senders = examineOrder(db, SENDERS, at.senders, () => countFindings(db));
    parts.push(yield* asFarAsReadable("senders", senders));
    parts.push(yield* asFarAsReadable("search", examineSegments(log, db, at.search)));
    const events = yield* asFarAsReadable("events", examineAllEvents(db));
    if (events.rows > 0 || events.findings.length > 0) parts.push(events);
  } finally {
    db.close();
  }
  return { index, parts: [...parts, ...kept], remedy };
}

function* withStretches(db: Database, time: Generator<number, Examined>): Generator<number, Examined> {
  const { findings, ...rest } = yield* time;
  return { ...rest, findings: [...findings, ...(yield* examineStretches(db))] };
}

function* examineDeliveries(log: Database): Generator<number, Examined> {
  return { part: "failures", ...(yield* examineFailures(log)) };
}

function* examineNumbers(log: Database): Generator<number, Examined> {
  return { part: "series", ...(yield* examineSeries(log)) };
}

function* examineAllEvents(db: Database): Generator<number, Examined> {
  const { rows, findings } = yield* examineEvents(db, eventPosition(db));
  return {
    part: "events",
    rows,
    findings: [...findings, ...inSnapshot(db, () => leafFindings(db, BY_FILTER))],
  };
}

/** A page that can't be read, of the index or of the log, ends the part that needs it. */
function* asFarAsReadable(
  part: Examined["part"],
  examination: Generator<number, Examined>,
): Generator<number, Examined> {
  let rows = 0;
  try {
    for (let step = examination.next(); ; step = examination.next()) {
      if (step.done) return step.value;
      rows += step.value;
      yield step.value;
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { part, rows, findings: [`it can't be read to its end: ${reasonOf(error)}`] };
  }
}

/** Of the index files that serve the log the one that has come furthest, with the log attached. */
function derivedFrom(log: Database, path: string): { db: Database; index: string } | undefined {
  const found = indexNumbers(path).flatMap((number) => {
    const index = indexPath(path, number);
    const db = new Database(index, { readonly: true, strict: true });
    try {
      db.run("pragma busy_timeout = 5000");
      if (serves(db, log)) return [{ db, index, row: leastOf(positionsOf(db)), number }];
    } catch {
      // Not an index file, or broken: a server would make it anew.
    }
    db.close();
    return [];
  });
  found.sort((a, b) => b.row - a.row || b.number - a.number);
  for (const { db } of found.splice(1)) db.close();
  const [best] = found;
  best?.db.run("attach ? as log", [path]);
  return best;
}

/** A table that holds each message once, in an order of its own. */
interface OrderTable {
  readonly part: "time" | "senders";
  readonly table: string;
  /** Where its entries are looked up: some may wait elsewhere for their place in the table. */
  readonly entries: string;
  /** Its key, which a row of the log has too, under these names. */
  readonly key: readonly string[];
  readonly logKey: readonly string[];
}

const TIME: OrderTable = {
  part: "time",
  table: "by_time",
  entries: "by_time",
  key: ["ts_key", "message_id"],
  logKey: ["ts_key", "message_id"],
};
const SENDERS: OrderTable = {
  part: "senders",
  table: "by_sender",
  entries: "all_by_sender",
  key: ["sender", "ts_key", "message_id"],
  logKey: ["from_msisdn", "ts_key", "message_id"],
};

/**
 * Every entry has to say what its row of the log says, and there have to be as many as the log has
 * rows up to the follower's position when it began: then none is missing, as no two entries can
 * have the same key.
 */
function* examineOrder(
  db: Database,
  { part, table, entries, key, logKey }: OrderTable,
  position: number,
  rest: () => readonly string[],
): Generator<number, Examined> {
  const findings = new Findings();
  const names = key.join(", ");
  const parameters = key.map(() => "?").join(", ");
  const differs = key.map((name, index) => `e.${name} <> m.${logKey[index]}`).join(" or ");
  const last = db.prepare(
    `select ${names} from ${table} where (${names}) > (${parameters}) order by ${names} limit 1 offset ${SLICE_ROWS - 1}`,
  );
  const compare = (bound: string) =>
    db.prepare(
      `select count(*), coalesce(sum(e.row <= ?), 0),
         coalesce(sum(m.rowid is null or ${differs}), 0),
         min(case when m.rowid is null or ${differs} then e.row end)
       from (select ${names}, row from ${entries} where (${names}) > (${parameters}) ${bound}) e
       left join log.messages m on m.rowid = e.row`,
    );
  const within = compare(`and (${names}) <= (${parameters})`);
  const toEnd = compare("");
  let rows = 0;
  let known = 0;
  let after: readonly string[] = key.map(() => "");
  for (let done = false; !done; ) {
    const [end] = last.values(...after) as string[][];
    const [counted] = (
      end === undefined ? toEnd.values(position, ...after) : within.values(position, ...after, ...end)
    ) as [number, number, number, number | null][];
    const [count, upTo, wrong, example] = counted ?? [0, 0, 0, null];
    if (wrong > 0)
      findings.add(`${table}: ${wrong} entries differ from the log, one of them that of row ${example}`);
    rows += count;
    known += upTo;
    yield count;
    done = end === undefined;
    after = end ?? after;
  }
  for (const statement of [last, within, toEnd]) statement.finalize();
  const expected = countRows(db, position);
  if (known !== expected)
    findings.add(`${table}: it has ${known} of the ${expected} messages up to row ${position}`);
  for (const text of inSnapshot(db, rest)) findings.add(text);
  return { part, rows, findings: findings.list() };
}

/** Rows of the log up to one, counted in slices. */
function countRows(db: Database, last: number): number {
  const sql = "select count(*) as n from log.messages where rowid > ? and rowid <= ?";
  const query = db.query<{ n: number }, [number, number]>(sql);
  const step = 64 * SLICE_ROWS;
  let rows = 0;
  for (let after = 0; after < last; after += step)
    rows += query.get(after, Math.min(last, after + step))?.n ?? 0;
  return rows;
}

function inSnapshot<T>(db: Database, read: () => T): T {
  db.run("begin");
  try {
    return read();
  } finally {
    db.run("rollback");
  }
}

/** The leaves' sizes. */
function leafFindings(db: Database, { entries, leaves, key }: Omit<CountedTables, "fresh">): string[] {
  const [first, second] = key;
  const found = db
    .query<{ first: string; second: string; rows: number }, []>(
      `select ${first} as first, ${second} as second, rows from ${leaves} order by ${first}, ${second}`,
    )
    .all();
  if (found[0]?.first !== "" || found[0].second !== "") return [`${leaves}: the first leaf is missing`];
  const columns = `(${first}, ${second})`;
  const count = db.query<{ n: number }, string[]>(
    `select count(*) as n from ${entries} where ${columns} >= (?, ?) and ${columns} < (?, ?)`,
  );
  return found.flatMap((leaf, index) => {
    const next = found[index + 1] ?? { first: "\u{10FFFF}", second: "" };
    const n = count.get(leaf.first, leaf.second, next.first, next.second)?.n ?? 0;
    return n === leaf.rows
      ? []
      : [`${leaves}: the leaf from ${leaf.first || "the start"} on says ${leaf.rows} and has ${n}`];
  });
}

/** The bounds in time of the log's stretches: no row lies beyond them. */
function* examineStretches(db: Database): Generator<number, readonly string[]> {
  const findings = new Findings();
  const { stretchRows } = INDEX_LIMITS;
  const slice = db.query<{ stretch: number; rows: number; wrong: number }, [number]>(
    `select stretch, count(m.rowid) as rows, coalesce(min(m.ts_key) < least or max(m.ts_key) > greatest, 0) as wrong
     from (select * from stretches where stretch >= ? order by stretch limit ${SLICE_ROWS / stretchRows}) s
     left join log.messages m on m.rowid >= s.stretch * ${stretchRows} and m.rowid < (s.stretch + 1) * ${stretchRows}
       and m.rowid <= (select row from followers where name = 'time')
     group by stretch order by stretch`,
  );
  for (let next = 0; ; ) {
    const found = slice.all(next);
    const last = found.at(-1);
    if (last === undefined) return findings.list();
    for (const { stretch, wrong } of found)
      if (wrong !== 0)
        findings.add(`stretches: rows ${stretch * stretchRows} on have instants beyond its bounds`);
    next = last.stretch + 1;
    yield found.reduce((sum, { rows }) => sum + rows, 0);
  }
}

/** The counts by sender, their sums, and who has most. */
function countFindings(db: Database): string[] {
  const findings = db
    .query<{ sender: string; rows: number; n: number }, []>(
      `select sender, rows, n from (
         select sender, rows,
           (select count(*) from by_sender b where b.sender = s.sender) +
           (select count(*) from waiting_by_sender w
            where w.run in (select run from runs) and w.sender = s.sender) as n
         from senders s
       ) where rows <> n limit ${COUNTS_SHOWN_MAX}`,
    )
    .all()
    .map(({ sender, rows, n }) => `senders: the count of ${sender} says ${rows} and it has ${n}`);
  if (hasLastMessages(db)) findings.push(...lastFindings(db));
  const sums = db
    .query<Record<"messages" | "senders" | "entries" | "counted" | "counts", number>, []>(
      `select messages, senders, (select count(*) from all_by_sender) as entries,
         (select coalesce(sum(rows), 0) from senders) as counted, (select count(*) from senders) as counts
       from totals`,
    )
    .get();
  if (sums === null) return [...findings, "totals: the row is missing"];
  if (sums.messages !== sums.entries || sums.messages !== sums.counted)
    findings.push(
      `totals: it says ${sums.messages} messages; by_sender has ${sums.entries}, senders counts ${sums.counted}`,
    );
  if (sums.senders !== sums.counts)
    findings.push(`totals: it says ${sums.senders} senders and there are ${sums.counts}`);
  const top = (table: string) =>
    JSON.stringify(
      db.query(`select sender, rows from ${table} order by rows desc, sender limit ${TOP}`).values(),
    );
  if (top("top_senders") !== top("senders"))
    findings.push("top_senders: they aren't those with most messages");
  return findings;
}

/** Each sender's last message is there, and none of the sender's comes behind it. */
function lastFindings(db: Database): string[] {
  const entry = "(row, ts_key, message_id) = (last.row, last.ts_key, last.message_id)";
  const later = "(ts_key, message_id) > (last.ts_key, last.message_id)";
  const waiting = "waiting_by_sender where run in (select run from runs)";
  const has = (condition: string) =>
    `(exists (select 1 from by_sender where sender = s.sender and ${condition})
      or exists (select 1 from ${waiting} and sender = s.sender and ${condition}))`;
  return db
    .query<{ sender: string }, []>(
      `select s.sender from senders s left join (
         select sender, max(ts_key || char(1) || message_id), ts_key, message_id, row
         from all_last_messages group by sender
       ) last using (sender)
       where last.sender is null or not ${has(entry)} or ${has(later)} limit ${COUNTS_SHOWN_MAX}`,
    )
    .all()
    .map(({ sender }) => `last_messages: what they say of ${sender} isn't the last message`);
}

/** Makes every segment once more from the log and compares it. */
function* examineSegments(log: Database, db: Database, position: number): Generator<number, Examined> {
  const findings = new Findings();
  const logRows = log.query<IndexedColumns, [number, number]>(INDEXED_COLUMNS);
  const rowsOf = (first: number, last: number) =>
    indexedRows(logRows.values(first, last) as unknown as IndexedColumns[], hasTypes(db));
  let rows = 0;
  for (let row = 1; row <= position; ) {
    db.run("begin");
    try {
      const [segment, other] = segmentsHolding(db, row);
      if (segment === undefined) {
        findings.add(`segments: none holds row ${row}`);
        break;
      }
      if (other !== undefined) findings.add(`segments: ${segment.segment} and ${other.segment} overlap`);
      // A merge may have put what was examined already and what wasn't into one.
      const comparison = yield* compareSegment(db, segment, rowsOf, SLICE_ROWS);
      rows += comparison.documents;
      for (const what of differences(segment, comparison))
        findings.add(`segment ${segment.segment} (rows ${segment.first} to ${segment.last}): ${what}`);
      row = segment.last + 1;
    } finally {
      db.run("rollback");
    }
  }
  return { part: "search", rows, findings: findings.list() };
}

function differences(segment: { documents: number }, { documents, different }: Comparison): string[] {
  if (documents === 0) return ["the log has none of its rows"];
  const found = different.map((stream) =>
    stream === "postings" ? "its lists of rows differ from the log" : `its ${stream} differ from the log`,
  );
  if (documents !== segment.documents)
    found.push(`it says ${segment.documents} messages and the log has ${documents}`);
  return found;
}
