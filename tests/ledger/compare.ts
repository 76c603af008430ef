/**
 * Compares what is known outside the service with the log that it shows. It asks nobody, so it can
 * be shown to find what it has to find.
 */
import { compareConsumption, compareWalk } from "./compare-followers.ts";
import { compareReception } from "./compare-reception.ts";
import { compareStorage } from "./compare-storage.ts";
import { countWhile, type Entry, type Find, type Finding } from "./findings.ts";
import {
  type Filter,
  type FollowerRecord,
  keyOf,
  type LogRecord,
  type Look,
  type SentPost,
  seqOf,
  takenOf,
} from "./record.ts";

export interface Evidence {
  /** From the log's start to its end, all kinds. */
  readonly log: readonly LogRecord[];
  /** The database's own rows, in the order of `seq`. */
  readonly stored: readonly { readonly seq: number; readonly key: string }[];
  readonly posts: readonly SentPost[];
  readonly followers: readonly FollowerRecord[];
}

/** Nothing when every promise was kept. */
export function compare({ log, stored, posts, followers }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const about =
    (name: string): Find =>
    (what, detail) =>
      findings.push({ about: name, what, detail });
  const entries = log.map((record) => ({ ...takenOf(record), record, key: keyOf(record) }));
  compareLog(entries, about("the log"));
  compareStored(entries, stored, about("the database"));
  comparePosts(entries, posts, about("what was sent"));
  const horizon = horizonOf(entries, posts);
  const known = bySeq(entries);
  const acknowledgedAt = acknowledgedIn(entries, posts);
  for (const follower of followers) {
    const find = about(follower.name);
    for (const fault of follower.faults) find("fault", fault);
    compareLooks(follower.looks, horizon, find);
    const { start, filter } = follower;
    const wanted = entries.filter(({ seq, record }) => seq > start && matches(filter, record));
    const log = { known, wanted, wantedBySeq: bySeq(wanted) };
    if (follower.way === "walk") compareWalk(follower, log, find);
    else if (follower.way === "consumer") compareConsumption(follower, log, find);
    else if (follower.way === "storage") compareStorage(follower, log, find);
    else {
      const { allowed } = follower;
      const may = entries.filter(
        ({ seq, record }) => seq > start && allowed.some((each) => matches(each, record)),
      );
      compareReception(follower, { ...log, allowedBySeq: bySeq(may), acknowledgedAt }, find);
    }
  }
  return findings;
}

/** Whether a follower with this filter wants the record. Events have no sender. */
export function matches({ kinds = "message", source, from }: Filter, record: LogRecord): boolean {
  return (
    (kinds === "all" || kinds.split(",").includes(record.kind)) &&
    (source === undefined || source.split(/, */).includes(record.source)) &&
    (from === undefined || record.from === from)
  );
}

/** The number of the last record that a follower has to be given; 0 for none. */
export function lastWanted(log: readonly LogRecord[], { filter, start }: FollowerRecord): number {
  const last = log.findLast((record) => matches(filter, record));
  const seq = last === undefined ? 0 : seqOf(last.position);
  return seq > start ? seq : 0;
}

function compareLog(entries: readonly Entry[], find: Find): void {
  const seen = new Map<string, number>();
  let last = 0;
  for (const { seq, key } of entries) {
    if (seq <= last) find("disorder", `${seq} (${key}) comes after ${last}`);
    last = Math.max(last, seq);
    const before = seen.get(key);
    if (before !== undefined) find("double", `${key} is at ${before} and at ${seq}`);
    seen.set(key, seq);
  }
}

function compareStored(entries: readonly Entry[], stored: Evidence["stored"], find: Find): void {
  const shown = new Map(entries.map(({ seq, key }) => [key, seq]));
  const rows = new Set(stored.map(({ key }) => key));
  for (const { seq, key } of stored) {
    const at = shown.get(key);
    if (at === undefined) find("missing", `${key} is stored at ${seq}, and the log doesn't show it`);
    else if (at !== seq) find("differing", `${key} is stored at ${seq}, and the log shows it at ${at}`);
  }
  for (const { seq, key } of entries)
    if (!rows.has(key)) find("unknown", `${key} is shown at ${seq} and isn't stored`);
}

function comparePosts(entries: readonly Entry[], posts: readonly SentPost[], find: Find): void {
  const shown = new Set(entries.map(({ key }) => key));
  const sent = new Set(posts.flatMap(({ keys }) => keys));
  for (const { keys, acknowledgedAt, created } of posts) {
    if (created > 1) find("double", `${keys.join(", ")} was said to be new ${created} times`);
    if (acknowledgedAt === undefined) continue;
    for (const key of keys)
      if (!shown.has(key)) find("missing", `${key} was acknowledged, and the log doesn't show it`);
  }
  for (const { seq, key } of entries) if (!sent.has(key)) find("unknown", `${key} at ${seq} was never sent`);
}

/** When somebody was told first that the record of the number is there. */
function acknowledgedIn(
  entries: readonly Entry[],
  posts: readonly SentPost[],
): (seq: number) => number | undefined {
  const times = new Map<string, number>();
  for (const { keys, acknowledgedAt } of posts)
    if (acknowledgedAt !== undefined)
      for (const key of keys) times.set(key, Math.min(acknowledgedAt, times.get(key) ?? acknowledgedAt));
  const keys = new Map(entries.map(({ seq, key }) => [seq, key]));
  return (seq) => times.get(keys.get(seq) ?? "");
}

/** How far a look has to reach, and how far it may. */
interface Horizon {
  /** The highest number of all that was acknowledged before that time. */
  readonly acknowledgedBefore: (time: number) => number;
  /** The lowest number of all that was sent after that time. */
  readonly sentAfter: (time: number) => number;
}

function horizonOf(entries: readonly Entry[], posts: readonly SentPost[]): Horizon {
  const seqs = new Map(entries.map(({ seq, key }) => [key, seq]));
  const acknowledged: [time: number, seq: number][] = [];
  const firstSent = new Map<string, number>();
  for (const { keys, sentAt, acknowledgedAt } of posts) {
    for (const key of keys) {
      const seq = seqs.get(key);
      if (seq === undefined) continue;
      if (acknowledgedAt !== undefined) acknowledged.push([acknowledgedAt, seq]);
      firstSent.set(key, Math.min(sentAt, firstSent.get(key) ?? sentAt));
    }
  }
  const sent = [...firstSent].map(([key, at]): [number, number] => [-at, -(seqs.get(key) ?? 0)]);
  const highestAcknowledged = highestBefore(acknowledged);
  const lowestSent = highestBefore(sent);
  return {
    acknowledgedBefore: (time) => highestAcknowledged(time) ?? 0,
    sentAfter: (time) => -(lowestSent(-time) ?? Number.NEGATIVE_INFINITY),
  };
}

/** The highest of the numbers whose time lies before the one that is asked for. */
function highestBefore(timed: readonly (readonly [number, number])[]): (time: number) => number | undefined {
  const sorted = timed.toSorted(([left], [right]) => left - right);
  const highest: number[] = [];
  for (const [, number] of sorted) highest.push(Math.max(number, highest.at(-1) ?? number));
  return (time) => highest[countWhile(sorted, ([each]) => each < time) - 1];
}

function compareLooks(looks: readonly Look[], { acknowledgedBefore, sentAfter }: Horizon, find: Find): void {
  for (const { askedAt, answeredAt, seq } of looks) {
    const least = acknowledgedBefore(askedAt);
    if (seq < least) find("late", `an end at ${seq} was told after ${least} had been acknowledged`);
    const most = sentAfter(answeredAt);
    if (seq >= most) find("early", `an end at ${seq} was told before ${most} was sent`);
  }
}

function bySeq(entries: readonly Entry[]): ReadonlyMap<number, Entry> {
  return new Map(entries.map((entry) => [entry.seq, entry]));
}
