/**
 * Numbers over time: how many records came in, and what became of requests, by steps of time. They
 * are kept as they come, so that no answer looks at the log, and cost what they show, not what was
 * stored.
 */
import type { Changes } from "./changes.ts";

export const STEPS = ["minute", "hour", "day"] as const;
export type Step = (typeof STEPS)[number];

const DAY_S = 86_400;
/** Seconds of each step; all begin at whole ones of UTC. */
export const STEP_S: Readonly<Record<Step, number>> = { minute: 60, hour: 3600, day: DAY_S };
/** For so many seconds a step is kept: days for ever. */
export const KEPT_S: Readonly<Record<Step, number>> = {
  minute: 2 * DAY_S,
  hour: 90 * DAY_S,
  day: Number.POSITIVE_INFINITY,
};

/** Refused requests of one source that are kept: the newest. */
export const REFUSALS_MAX = 50;

export type SeriesOf = "records" | "requests";
/** `what` is the kind of a record, or the result of a request. */
export type SeriesLabel = "source" | "what";

/** So many of one kind in one step. Times are seconds since 1970. */
export interface StepCount {
  readonly step: Step;
  readonly at: number;
  readonly source: string;
  readonly what: string;
  readonly rows: number;
}

/** When the last record of a source and kind was received; ISO 8601, UTC, milliseconds. */
export interface LastRecord {
  readonly source: string;
  readonly what: string;
  readonly at: string;
}

/** Records of one source and kind that were received in one minute. */
export interface MinuteCount extends LastRecord {
  /** Seconds since 1970; 0 where the log doesn't say when it was. */
  readonly minute: number;
  readonly rows: number;
}

/** What there is in the log behind a position, counted. */
export interface ChangesCounts extends Pick<Changes, "position" | "more" | "isLost"> {
  readonly minutes: readonly MinuteCount[];
}

/** How far the counts of records have come. */
export interface SeriesState {
  /** Everything up to it is counted; null while there are none, or old ones are being deleted. */
  readonly position: string | null;
  /** When the last record that is counted was received. */
  readonly at: string | null;
}

/** Records behind `from` up to `to`; a null begins where nothing is counted. */
export interface RecordsCounted {
  readonly from: string | null;
  readonly to: string;
  readonly counts: readonly StepCount[];
  readonly last: readonly LastRecord[];
}

/** A request that a source refused, for whoever looks for the cause; nothing of what it brought. */
export interface Refusal {
  readonly source: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly client: string;
  readonly reason: string;
  readonly method: string;
  readonly path: string;
}

export interface RequestsCounted {
  /** Of the process that counted them: a UUID. */
  readonly holder: string;
  /** Of its writes, from 1 on: none is taken twice. */
  readonly number: number;
  readonly counts: readonly StepCount[];
  readonly refusals: readonly Refusal[];
}

export interface SeriesQuery {
  readonly of: SeriesOf;
  readonly step: Step;
  /** Seconds since 1970, at whole steps: `from` is included, `to` is not. */
  readonly from: number;
  readonly to: number;
  /** What tells one series from another; what isn't among them is added up. */
  readonly by: readonly SeriesLabel[];
  /** Of this source alone. */
  readonly source?: string;
  /** With more than so many series there is no answer. */
  readonly seriesMax: number;
}

export interface Series {
  readonly source: string | null;
  readonly what: string | null;
  /** One for each step of the range; 0 where nothing was counted. */
  readonly counts: readonly number[];
}

/** When the last of all was received; null where there is none. */
export function latestOf(last: readonly LastRecord[]): string | null {
  return (
    last
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? null
  );
}

/** What resolved is on stable storage. Throws `StorageUnavailable`, `QueryTimeout`. */
export interface SeriesStore {
  state(): Promise<SeriesState>;
  /**
   * Where this process may count records for the next seconds, by the database's clock, from where
   * on; undefined where another one does. It only saves others the work. Where one process alone
   * has the database it always may.
   */
  hold(holder: string): Promise<SeriesState | undefined>;
  /** Another one need not wait. */
  release(holder: string): Promise<void>;
  /**
   * Adds counts and moves the position, all or nothing. False, and nothing is changed, where the
   * position isn't `from`: somebody else has counted.
   */
  count(counted: RecordsCounted): Promise<boolean>;
  /**
   * Where the position is `lost`, or null already, it is null from now on, and some of what was
   * counted of records is deleted. Whether there may be more to delete.
   */
  clear(lost: string | null): Promise<boolean>;
  /** Adds them, unless this or a later write of the same holder is there. */
  add(counted: RequestsCounted): Promise<void>;
  /** Deletes some of the steps that are no longer kept at `now` (seconds); whether more may be. */
  prune(now: number): Promise<boolean>;
  /** By source, then by `what` (bytes); undefined where there are more than may be. */
  read(query: SeriesQuery): Promise<readonly Series[] | undefined>;
  /** By source, then by kind (bytes). */
  lastRecords(): Promise<readonly LastRecord[]>;
  /** The newest first. */
  refusals(query: { readonly source?: string; readonly limit: number }): Promise<readonly Refusal[]>;
}
