/**
 * What the service keeps of deliveries: each destination's position, and the records that couldn't
 * be handed on yet. Rows hold no content: what is sent is read from the log.
 */
import type { ChangesFilter, RecordKind } from "./changes.ts";

/** Records that one destination keeps aside; at that many nothing more is read for it. */
export const PUT_ASIDE_MAX = 100_000;
/** Dead records that one destination keeps; at that many it is paused. */
export const DEAD_MAX = 1_000_000;
/** What one sender may have waiting behind a record that fails. */
export const WAITING_OF_SENDER_MAX = 1000;
/** Replays that one destination has at a time. */
export const REPLAYS_MAX = 10;
/** How long a holder may serve a destination without asking again. */
export const LEASE_MS = 5000;

/** State that belongs to a name, whether it is in the file or not. */
export interface Destination {
  readonly name: string;
  /** Everything up to it was handed on, put aside, or left out. */
  readonly position: string;
  /** Null while it isn't paused. */
  readonly paused: { readonly reason: string; readonly since: string } | null;
  /** Somebody wants an attempt now; ISO 8601, null when nobody has asked yet. */
  readonly probeAskedAt: string | null;
  /**
   * Grows with each `pause` and `probe`, with each `retry` and `drop` that changes a row, and with
   * each replay that is added or deleted: the holder looks again.
   */
  readonly version: number;
  /** What the holder said of itself last, as `DestinationReport`; null before the first time. */
  readonly report: DestinationReport | null;
}

/** What only the process that serves a destination knows. */
export interface DestinationReport {
  readonly at: string;
  readonly state: "ok" | "down";
  readonly reason: string | null;
  readonly since: string;
  readonly next_attempt_at: string | null;
  /** Since the holder began. */
  readonly attempts: { readonly success: number; readonly failure: number };
  readonly answer_ms: { readonly p50: number | null; readonly p99: number | null };
  /** Tells whether another process has the same configuration of it. */
  readonly config?: string;
}

export interface FailureKey {
  readonly seq: number;
  /** The replay that it belongs to; empty for live deliveries. */
  readonly replay: string;
}

/**
 * A record that wasn't handed on. Rows of one `sender` that wait, of the live deliveries or of one
 * replay, are a queue by `seq`, and the first of a queue alone has a `next_at`. The store sees to
 * it with each change, whoever makes it: so `due` finds the next of every sender, always. Of one
 * key everything up to `sender` never changes.
 */
export interface Failure extends FailureKey {
  readonly position: string;
  readonly kind: RecordKind;
  readonly source: string;
  readonly message_id: string | null;
  /** Of a message, for whoever looks for it. */
  readonly from: string | null;
  /** Whose order it keeps; empty: nobody's, and the row is a queue by itself. */
  readonly sender: string;
  readonly state: "waiting" | "dead";
  readonly attempts: number;
  readonly last_status: number | null;
  readonly cause: string | null;
  /** The first of what was answered, at most 1 KiB, without U+0000. */
  readonly excerpt: string | null;
  readonly first_at: string | null;
  readonly last_at: string | null;
  /** ISO 8601; null exactly where it is dead, or waits behind another of its queue. */
  readonly next_at: string | null;
}

export interface DeliveryCommit {
  /** Where the destination must stand. */
  readonly from: string;
  readonly to: string;
  /** ISO 8601: who becomes the first of a queue by this, and has no `next_at`, is due then. */
  readonly at: string;
  /** A row that is there already takes these values too: what was lost on the way is done again. */
  readonly insert: readonly Failure[];
  /** Rows that are still there take these values; those that somebody dropped stay gone. */
  readonly update: readonly Failure[];
  readonly remove: readonly FailureKey[];
}

/** Combined with AND; one that is absent lets everything through, no positions nothing. */
export interface FailureFilter {
  /** Of live deliveries and of replays. */
  readonly positions?: readonly string[];
  readonly state?: Failure["state"];
  readonly cause?: string;
  readonly from?: string;
}

export interface FailureQuery extends FailureFilter {
  readonly limit: number;
  readonly offset: number;
}

export interface FailureFigures {
  readonly waiting: number;
  readonly dead: number;
  /** Of those that wait, when the first is due; undefined where none is. */
  readonly nextAt: string | undefined;
}

/**
 * A part of the log that is handed on once more. All but `position` and `done` stays as it was.
 */
export interface Replay {
  readonly id: string;
  readonly destination: string;
  readonly position: string;
  /** The last number that belongs to it. */
  readonly until: number;
  readonly filter: ChangesFilter;
  /** Records a second. */
  readonly rate: number;
  readonly newIds: boolean;
  /** How many there were when it began. */
  readonly records: number;
  readonly done: number;
  readonly createdAt: string;
}

/** What resolved is on stable storage. Throws `StorageUnavailable`, `QueryTimeout`. */
export interface DeliveryStore {
  /** The destination of this name, made at the position where it is new. */
  open(name: string, position: string): Promise<Destination>;
  find(name: string): Promise<Destination | undefined>;
  /** By name (bytes). */
  list(): Promise<readonly Destination[]>;
  /**
   * Whether `holder` (a UUID) may serve it for the next `LEASE_MS`, by the database's clock: nobody
   * else does. Prolongs what it has. Where one process alone has the database it always may.
   */
  hold(name: string, holder: string): Promise<boolean>;
  /** Another one need not wait until the lease is over. */
  release(name: string, holder: string): Promise<void>;
  /**
   * Moves the position and changes rows, all or nothing: inserts, updates, removes. False, and
   * nothing is changed, where the destination doesn't stand at `from`, or isn't there: somebody
   * else serves it.
   */
  commit(name: string, change: DeliveryCommit): Promise<boolean>;
  /** Those that wait and are due at `now`, the longest first, then as `failures` are ordered. */
  due(name: string, now: string, limit: number): Promise<readonly Failure[]>;
  /** How many of each sender wait, of the live deliveries or of one replay; not of nobody's. */
  waitingSenders(name: string, replay?: string): Promise<ReadonlyMap<string, number>>;
  /** The first of a queue; of nobody's the first by `seq`. */
  firstOf(name: string, sender: string, replay?: string): Promise<Failure | undefined>;
  figures(name: string): Promise<FailureFigures>;
  /** In the order of the log, then by replay (bytes), with the exact total. */
  failures(
    name: string,
    query: FailureQuery,
  ): Promise<{ readonly data: readonly Failure[]; readonly total: number }>;
  /**
   * All that match wait, with their attempts counted anew; how many they are. Those that are first
   * of a queue then are due at `now`; the others keep their place in it, also behind one that
   * doesn't match, whose time stays. Who was first before it has no time any more. Many are done in
   * parts: when this throws, some may be.
   */
  retry(name: string, filter: FailureFilter, now: string): Promise<number>;
  /**
   * How many were there. Who becomes the first of a queue is due at `now`. Done in parts as `retry`
   * is.
   */
  drop(name: string, filter: FailureFilter, now: string): Promise<number>;
  /** Null ends a pause. False where there is no such destination. */
  pause(name: string, paused: Destination["paused"]): Promise<boolean>;
  /** False where there is no such destination. */
  probe(name: string, at: string): Promise<boolean>;
  /** Nothing happens where there is no such destination. */
  report(name: string, report: DestinationReport): Promise<void>;
  /** With everything that belongs to it; whether there was one. */
  delete(name: string): Promise<boolean>;
  /**
   * One that is there already stays, and is `added`; `full` where there are `REPLAYS_MAX` others,
   * `unknown` where there is no such destination.
   */
  addReplay(replay: Replay): Promise<"added" | "full" | "unknown">;
  /** The oldest first, then by `id` (bytes). */
  replays(name: string): Promise<readonly Replay[]>;
  /** Gives it this `position` and `done`; false where it was stopped. */
  moveReplay(replay: Replay): Promise<boolean>;
  /** Whether there was one. Its failures stay, and are tried as any others. */
  deleteReplay(name: string, id: string): Promise<boolean>;
}
