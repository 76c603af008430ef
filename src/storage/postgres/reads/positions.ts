/**
 * Positions of the log as a session's snapshot shows it: whether one holds, and which one an
 * instant has.
 */
import { type Beginning, type ChangesQuery, LOOKED_AT_MAX } from "../../../core/changes.ts";
import { instantKey } from "../../../core/instant.ts";
import { type Marked, positionOf, startOf } from "../../../core/position.ts";
import type { Session } from "../connection/connection.ts";
import { readLogIdentity } from "../connection/log-name.ts";
import { Filter } from "./filter.ts";
import { rangeAfter } from "./log-batches.ts";
import { lastRowUpTo, type NumberedRow, numberIn, rowAt, type WantedRows } from "./log-rows.ts";

/**
 * So much the clocks of replicas may differ from the server's, and so long a commit may take, for
 * the position of an instant to be exact.
 */
const MARGIN = "10 minutes";
/** Looked back over for rows that stand before others of an earlier instant. */
const LOOKED_BACK_MAX = 200_000;
/** The position's number is exact up to here; no log has come that far. */
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** A log as whoever holds a position of it finds it. */
interface FoundLog {
  /** What positions of its records begin with. */
  readonly log: string;
  /** The number to go on from; undefined where the position is lost. */
  readonly after: number | undefined;
  /** The position that was asked for, where a mark tells that it holds. */
  readonly position?: string;
}

/** Looks whether what has to stand there does. */
export async function findPosition(
  session: Session,
  { after, mark }: Pick<ChangesQuery, "after" | "mark">,
): Promise<FoundLog> {
  const number = Math.min(after, NUMBER_MAX);
  const [log, row] = await Promise.all([
    readLogIdentity(session),
    mark === undefined || number === 0 ? undefined : rowAt(session, number),
  ]);
  if (mark === undefined) return { log, after: number };
  const found = number === 0 ? startOf(log) : row && positionOf(log, marked(row));
  return found === `${mark}.${number}` ? { log, after: number, position: found } : { log, after: undefined };
}

/** The start where there is no row. */
export function positionBehind(log: string, row: NumberedRow | undefined): string {
  return row === undefined ? startOf(log) : positionOf(log, marked(row));
}

function marked(row: NumberedRow): Marked {
  const { seq, created_at, event_key, message_id, source } = row;
  return event_key === null
    ? { seq, message_id: message_id ?? "", created_at }
    : { seq, source: source ?? "", event_key, created_at };
}

/**
 * As `Store.positionAt`. The position of an instant is exact while the clocks of the replicas are
 * within `MARGIN` of the server's, commits included, and no record stands more than
 * `LOOKED_BACK_MAX` numbers behind one that was received after it: what an import has put in any
 * order, or clocks that differ by minutes under great load, may have earlier ones before it.
 */
export async function readPositionAt(session: Session, beginning: Beginning): Promise<string> {
  const log = await readLogIdentity(session);
  if (beginning === "start") return startOf(log);
  const [totals] = await session.run<{ seq: number }>("select seq::float8 as seq from totals where id = 1");
  const end = totals?.seq ?? 0;
  const upTo = beginning === "now" ? end : (await firstSince(session, beginning.since, end)) - 1;
  return positionBehind(log, await lastRowUpTo(session, upTo));
}

/** The lowest number of a row that was received at the instant or later; else one after `end`. */
async function firstSince(session: Session, since: string, end: number): Promise<number> {
  const key = instantKey(since);
  const received = await leastNumber(end, async (number) => {
    const row = await lastRowUpTo(session, number);
    return row !== undefined && instantKey(row.created_at) >= key;
  });
  const stored = await leastNumber(end, (number) => isStoredSince(session, since, number));
  // Rows stand in the order of their commits, which is nearly that of their instants.
  let after = Math.max(0, stored - 1, received - 1 - LOOKED_BACK_MAX);
  while (after < received - 1) {
    const range = await rangeAfter(session, after, Math.min(LOOKED_AT_MAX, received - 1 - after));
    const first = await numberIn(session, "first", range, receivedSince(key));
    if (first !== undefined) return first;
    if (range.isEnd) break;
    after = range.until;
  }
  return received;
}

/** The least of 1 to `end` for which it is so, as for all that follow it; else one after `end`. */
async function leastNumber(end: number, isSo: (number: number) => Promise<boolean>): Promise<number> {
  let below = 0;
  let least = end + 1;
  while (least - below > 1) {
    const middle = Math.floor((below + least) / 2);
    if (await isSo(middle)) least = middle;
    else below = middle;
  }
  return least;
}

/** Whether the batch of the number was made at the instant, or later, or a margin before it. */
async function isStoredSince(session: Session, since: string, number: number): Promise<boolean> {
  const [batch] = await session.run<{ is_since: boolean }>(
    `select at >= $2::text::timestamptz - interval '${MARGIN}' as is_since from batches
     where rows > 0 and seq between 1 and $1::bigint order by seq desc limit 1`,
    [number, since],
  );
  return batch?.is_since === true;
}

/** A key compares with what it is a key of once that has lost its `Z`. */
function receivedSince(key: string): WantedRows {
  const filter = () => new Filter().add(key, (instant) => `rtrim(created_at, 'Z') >= ${instant}`);
  return { messages: filter, events: filter };
}
