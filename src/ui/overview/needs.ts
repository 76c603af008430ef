/** What needs a hand, in words, with what to do and where. */
import type { Schemas } from "../api.ts";
import { reasonInWords } from "../destination/causes.ts";
import { bytes, count, counted, relativeTime, shortTime } from "../format.ts";

interface Need {
  readonly tone: "bad" | "warn" | "note";
  readonly what: string;
  /** What to do. */
  readonly advice: string;
  /** Where; undefined where this page has no place for it. */
  readonly place?: { readonly page: string; readonly parameters: Readonly<Record<string, string>> };
}

export interface Known {
  readonly service: Schemas["ServiceFigures"];
  readonly sources: readonly Schemas["SourceFigures"][];
  readonly destinations: readonly Schemas["Destination"][];
  readonly refusals: Schemas["RefusalList"]["data"];
  /** Refused requests by source in each of the hours before this one. */
  readonly refusedBefore: Readonly<Record<string, readonly number[]>>;
  /** Whoever reaches the service reads everything. */
  readonly isOpen: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const FREE_SHARE_MIN = 0.1;
const DAYS_LEFT_MIN = 14;
const REFUSED_MIN = 10;
const RISE = 3;
const WEEK_DAYS = 7;
const LAG_S_MAX = 300;
/** A record that fails so long without another that succeeds is more than a hiccup. */
const FAILING_S_MAX = 60;
const ORDER = ["bad", "warn", "note"] as const;

/** The most pressing first. */
export function needsOf(known: Known): readonly Need[] {
  const all = [
    ...ofService(known),
    ...known.destinations.flatMap((destination) => ofDestination(destination, known.now)),
    ...known.sources.flatMap((source) => ofSource(source, known)),
    ...(known.isOpen ? [OPEN] : []),
  ];
  return ORDER.flatMap((tone) => all.filter((need) => need.tone === tone));
}

const OPEN: Need = {
  tone: "note",
  what: "Nobody has to sign in",
  advice: "Whoever reaches this address reads everything. Set API_TOKEN and start the service again.",
};

/** By what the last seven days brought, at the room that a row takes now. */
export function growthOf({ service, sources }: Pick<Known, "service" | "sources">): number | undefined {
  const rows = (service.messages ?? 0) + (service.events ?? 0);
  if (rows === 0 || service.database_bytes === null) return undefined;
  const week = sources.reduce((sum, { last_7_days: days }) => sum + days, 0);
  return ((service.database_bytes + service.index_bytes) / rows) * (week / WEEK_DAYS);
}

function ofService(known: Known): Need[] {
  const { service } = known;
  const found: Need[] = [];
  const add = (tone: Need["tone"], what: string, advice: string) => found.push({ tone, what, advice });
  if (service.cant_store !== null)
    add(
      "bad",
      `Nothing can be stored: ${service.cant_store}`,
      "Senders get 503 and try again. Look at the log.",
    );
  const { disk_free_bytes: free, disk_total_bytes: total } = service;
  if (free !== null && total !== null && total > 0) {
    const growth = growthOf(known) ?? 0;
    const days = growth > 0 ? free / growth : Number.POSITIVE_INFINITY;
    if (free / total < FREE_SHARE_MIN || days < DAYS_LEFT_MIN) {
      const left = days < 1000 ? `, about ${counted(Math.floor(days), "day")} at this week's pace` : "";
      add(
        free / total < FREE_SHARE_MIN / 3 || days < 2 ? "bad" : "warn",
        `The disk is nearly full: ${bytes(free)} left${left}`,
        "Give it more room, or delete what isn't needed any more (docs/operations.md, The disk).",
      );
    }
  }
  if (service.queue_rows > service.queue_rows_max / 2)
    add(
      "bad",
      `${counted(service.queue_rows, "row")} wait for a commit`,
      `Beyond ${count(service.queue_rows_max)}, requests get 503. The disk is slower than what comes in.`,
    );
  if (service.behind_rows > service.behind_rows_max / 2)
    add(
      "warn",
      `The index is ${counted(service.behind_rows, "row")} behind`,
      "Messages are taken more slowly until it has caught up. If that lasts, the machine is too small for what comes in.",
    );
  if (service.damaged_rows > 0)
    add(
      "bad",
      `${counted(service.damaged_rows, "stored row is", "stored rows are")} damaged`,
      "Bytes on the disk have changed. Run postern doctor, and see Damage in docs/operations.md.",
    );
  if (service.log_lines_dropped > 0)
    add(
      "warn",
      `${counted(service.log_lines_dropped, "log line")} dropped`,
      "Nobody reads the log fast enough.",
    );
  return found;
}

function ofDestination(destination: Schemas["Destination"], now: number): Need[] {
  const { name, state, reason, since, dead, put_aside: aside, lag_seconds: lag } = destination;
  const place = { page: "destinations", parameters: { name } };
  const found: Need[] = [];
  const begun = since === null ? "" : `Since ${shortTime(since, now)}. `;
  const why = reason === null ? "It doesn't answer." : reasonInWords(reason);
  const isFailing = state === "ok" && reason !== null;
  if (state === "down" || (isFailing && lag > FAILING_S_MAX))
    found.push({
      ...{ tone: isFailing ? "warn" : "bad", what: `The destination ${name} fails`, place },
      advice: `${isFailing ? "" : begun}${why} What it should have is kept and tried again.`,
    });
  if (state === "paused")
    found.push({
      ...{ tone: "warn", what: `The destination ${name} is paused`, place },
      advice: `${begun}Nothing is handed on to it. Resume it when it may go on.`,
    });
  if (dead > 0)
    found.push({
      ...{
        tone: "warn",
        what: `${counted(dead, "record")} for ${name} ${dead === 1 ? "is" : "are"} given up`,
        place,
      },
      advice: "They aren't tried again by themselves. Look at the cause, then retry or drop them.",
    });
  if (state === "ok" && !isFailing && lag > LAG_S_MAX)
    found.push({
      ...{
        tone: "warn",
        what: `The destination ${name} is behind by ${counted(Math.round(lag / 60), "minute")}`,
        place,
      },
      advice: "It takes less than comes in.",
    });
  if (state === "ok" && dead === 0 && aside > 0)
    found.push({
      ...{ tone: "note", what: `${counted(aside, "record")} for ${name} failed`, place },
      advice: "They are tried again by themselves.",
    });
  return found;
}

function ofSource(figures: Schemas["SourceFigures"], { refusals, refusedBefore, now }: Known): Need[] {
  const { source, quiet, configured, refused_last_hour: refused } = figures;
  const place = { page: "sources", parameters: { name: source } };
  const found: Need[] = [];
  const before = refusedBefore[source] ?? [];
  const usual = before.reduce((sum, each) => sum + each, 0) / Math.max(1, before.length);
  if (refused >= REFUSED_MIN && refused > RISE * usual) {
    const [most] = byReason(refusals.filter((each) => each.source === source));
    found.push({
      ...{
        tone: "warn",
        what: `${source} refuses more than usual: ${count(refused)} in the last hour`,
        place,
      },
      advice: most === undefined ? "Nothing is said of why." : `Most often: ${most.reason}.`,
    });
  }
  if (quiet && configured) {
    const last = [figures.last_message_at, figures.last_event_at]
      .flatMap((at) => at ?? [])
      .sort()
      .at(-1);
    found.push({
      ...{ tone: "warn", what: `${source} has gone quiet`, place },
      advice: `At this time of the week it usually brings something${last === undefined ? "" : `; the last came ${relativeTime(last, now)}`}. Look whether its provider still has this address.`,
    });
  }
  return found;
}

interface Reason {
  readonly reason: string;
  readonly source: string;
  readonly rows: number;
  readonly last: Schemas["RefusalList"]["data"][number];
}

/** The most frequent first; given the newest first. */
export function byReason(refusals: Schemas["RefusalList"]["data"]): readonly Reason[] {
  const groups = Map.groupBy(refusals, ({ source, reason }) => JSON.stringify([source, reason]));
  return [...groups.values()]
    .flatMap((rows) => {
      const [last] = rows;
      return last === undefined
        ? []
        : [{ reason: last.reason, source: last.source, rows: rows.length, last }];
    })
    .toSorted((one, other) => other.rows - one.rows);
}
