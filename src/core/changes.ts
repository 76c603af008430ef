/**
 * The log as whoever follows it reads it: what was stored after a position, in the order of `seq`.
 */
import type { EventRecord, MessageRecord } from "./log-record.ts";

export interface ChangesQuery {
  /** The last `seq` that is known; 0 for everything. */
  readonly after: number;
  /** Records at most, from 1 on. */
  readonly limit: number;
  /** Whether the bytes of providers' POSTs are wanted too. */
  readonly bodies?: boolean;
}

export interface Changes {
  /**
   * In the order of `seq`, without a gap: nothing is ever stored later with a `seq` below one of
   * these.
   */
  readonly records: readonly (MessageRecord | EventRecord)[];
  /**
   * The POSTs that the records are parts of, by their `delivery`, when they were asked for; up to
   * `BODIES_BYTES_MAX`, or a single larger one: then the page ends before the record whose POST has
   * no more room.
   */
  readonly bodies: ReadonlyMap<number, Uint8Array>;
  /** Whether there was more when the page was read. */
  readonly more: boolean;
}
