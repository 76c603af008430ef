/**
 * The log as whoever follows it reads it: what was stored after a position, in the order of `seq`.
 */
import type { EventRecord, MessageRecord } from "./log-record.ts";
import { EVENT_KINDS, type EventKind, type KeptHeaders } from "./parsed-body.ts";

export type RecordKind = "message" | EventKind;

export const RECORD_KINDS: readonly RecordKind[] = ["message", ...EVENT_KINDS];

/** Combined with AND; one that is absent lets everything through. */
export interface ChangesFilter {
  readonly kinds?: readonly RecordKind[];
  /** Names of sources; `native` for messages of the native one. */
  readonly sources?: readonly string[];
  /** Exact; events have neither, and never match. */
  readonly from?: string;
  readonly to?: string;
}

export interface ChangesQuery {
  /** The last `seq` that is known; 0 for everything. */
  readonly after: number;
  /** What has to stand there, of a position; without it that isn't looked at. */
  readonly mark?: string;
  /** Records at most, from 1 on. */
  readonly limit: number;
  readonly filter?: ChangesFilter;
  /** Whether the bytes of providers' POSTs are wanted too. */
  readonly bodies?: boolean;
}

export interface Changes {
  /** Of the log that was read: what positions of its records begin with. */
  readonly log: string;
  /**
   * In the order of `seq`, without a gap: nothing is ever stored later with a `seq` below one of
   * these, or below `position`.
   */
  readonly records: readonly (MessageRecord | EventRecord)[];
  /**
   * The POSTs that the records are parts of, by their `delivery`, when they were asked for; up to
   * `BODIES_BYTES_MAX`, or a single larger one: then the page ends before the record whose POST has
   * no more room.
   */
  readonly bodies: ReadonlyMap<number, Uint8Array>;
  /** The headers that were kept of these POSTs; of those that have any. */
  readonly headers?: ReadonlyMap<number, KeptHeaders>;
  /**
   * Behind everything that was looked at: the last of the records, or one that the filter left out.
   * The start of the log where the position that was asked for is lost.
   */
  readonly position: string;
  /** Whether there was more when the page was read. */
  readonly more: boolean;
  /** `mark` doesn't stand at `after`: the log was rewound, or is another one. Nothing was read. */
  readonly isLost: boolean;
}

/** A page of changes whose records are text. */
export interface ChangesText extends Pick<Changes, "position" | "more" | "isLost"> {
  /** The records as an array of JSON, in UTF-8. */
  readonly text: Uint8Array;
  readonly isEmpty: boolean;
}

/** Rows of the log that one page looks at, at most. */
export const LOOKED_AT_MAX = 20_000;

/** Where somebody begins to follow; `since` is an instant (grammar of `ts`). */
export type Beginning = "start" | "now" | { readonly since: string };

/** How far somebody is behind the end of the log. */
export interface Lag {
  /** Matching records after the position. */
  readonly records: number;
  /**
   * Whether `records` is a lower bound: there are more than `LAG_RECORDS_MAX`, or too many rows.
   */
  readonly isBound: boolean;
  /** When the first of them was received; undefined where there is none. */
  readonly oldest: string | undefined;
}

export interface LagQuery extends Pick<ChangesQuery, "after" | "mark" | "filter"> {
  /** The last `seq` that counts; without it all do. */
  readonly until?: number;
}

/** So many matching records are counted one by one. */
export const LAG_RECORDS_MAX = 10_000;
/** So many rows are looked at for that, of each kind. */
export const LAG_ROWS_MAX = 1_000_000;

/** Whether the filter can match an event at all, and a message. */
export function matchesAny(filter: ChangesFilter | undefined): {
  readonly messages: boolean;
  readonly events: boolean;
} {
  const { kinds, from, to } = filter ?? {};
  const hasAddress = from !== undefined || to !== undefined;
  return {
    messages: kinds === undefined || kinds.includes("message"),
    events: !hasAddress && (kinds === undefined || kinds.some((kind) => kind !== "message")),
  };
}
