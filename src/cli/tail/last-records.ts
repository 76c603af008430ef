/**
 * The last records of the log that match, and the position behind them. The log is read forward
 * only, so a look goes from a moment in the past to the end; the next one begins further back. What
 * comes meanwhile is part of the look, so that nothing is missed or doubled behind it.
 */
import { instantOf } from "../log-place.ts";
import type { Page, RecordOfLog } from "./record.ts";

/** How far back the first look goes; each that finds too little is followed by a longer one. */
const FIRST_LOOK_MS = 1000;
const FACTOR = 10;
/** From here on it begins at the start of the log. */
const LONGEST_LOOK_MS = 1e13;
/** A look that finds more is followed by a shorter one, unless they all came in one moment. */
const RECORDS_MAX = 5000;
/** A look that takes more pages is given up: what the one before has found has to do. */
const PAGES_MAX = 50;
/** Enough to come down to a millisecond. */
const LOOKS_MAX = 60;

interface Looked {
  readonly records: readonly RecordOfLog[];
  /** Behind all that was looked at. */
  readonly next: string;
}

interface LastRecords extends Looked {
  /** There are fewer than were wanted, and there may be more further back. */
  readonly isCut: boolean;
}

type PageAfter = (after: string) => Promise<Page>;

/** `pageAfter` reads a page of the log, filtered; `now` in milliseconds since 1970. */
export async function lastRecords(count: number, now: number, pageAfter: PageAfter): Promise<LastRecords> {
  const { next } = await pageAfter("now");
  let found: Looked = { records: [], next };
  let shortMs = 1;
  let crowdedMs = Number.POSITIVE_INFINITY;
  let lookMs = FIRST_LOOK_MS;
  for (let look = 1; found.records.length < count && look <= LOOKS_MAX; look++) {
    const isWhole = lookMs >= LONGEST_LOOK_MS;
    const isOneMoment = crowdedMs - shortMs < 1;
    if (isOneMoment) lookMs = crowdedMs;
    const after = isWhole ? "start" : instantOf(now - lookMs);
    const looked = await lookFrom(
      after,
      count,
      isOneMoment ? Number.POSITIVE_INFINITY : RECORDS_MAX,
      pageAfter,
    );
    if (looked === "far") break;
    if (looked === "crowded") crowdedMs = lookMs;
    else {
      found = looked;
      if (isWhole) return { ...found, isCut: false };
      shortMs = lookMs;
    }
    lookMs = Number.isFinite(crowdedMs) ? Math.sqrt(shortMs * crowdedMs) : shortMs * FACTOR;
  }
  return { ...found, isCut: found.records.length < count };
}

/** `"far"` where there is too much to look through, `"crowded"` where too much matches. */
async function lookFrom(
  after: string,
  count: number,
  recordsMax: number,
  pageAfter: PageAfter,
): Promise<Looked | "far" | "crowded"> {
  let records: readonly RecordOfLog[] = [];
  let matching = 0;
  let next = after;
  for (let page = 1; page <= PAGES_MAX; page++) {
    const read = await pageAfter(next);
    records = [...records, ...read.data].slice(-count);
    matching += read.data.length;
    next = read.next;
    if (!read.more) return { records, next };
    if (matching > recordsMax) return "crowded";
  }
  return "far";
}
