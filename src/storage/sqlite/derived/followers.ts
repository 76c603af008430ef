/**
 * What follows the log: derived tables that are brought up behind the acknowledgements, never
 * inside them.
 */
export const FOLLOWERS = ["time", "senders", "search"] as const;
export type FollowerName = (typeof FOLLOWERS)[number];

export interface Follower {
  readonly name: FollowerName;
  /**
   * Takes the rows after `after`, up to `last`, from the step's rows (`step-rows.ts`) into its
   * tables, inside the transaction that also moves its position.
   */
  step(after: number, last: number): void;
  /**
   * Puts what it has derived in better order, if it is time; reads find the same before and after.
   * Called inside a transaction of its own: it may take long, and must not read the log, whose
   * checkpoints wait for the snapshot.
   */
  rearrange(): void;
}

/** The last row that each follower of messages has taken. */
export type Positions = Readonly<Record<FollowerName, number>>;

/** How much at a time; tests make them tiny, so that every seam is crossed. */
export interface IndexLimits {
  /** Rows of one step, by follower: a step is one transaction. */
  readonly stepRows: Readonly<Record<FollowerName | "events", number>>;
  /** Entries in one leaf of a counted order. */
  readonly leafRows: number;
  /** Rows of the log of which the least and the greatest instant are kept together. */
  readonly stretchRows: number;
  /** Messages that a run of the order by sender takes; more than it when one step brings more. */
  readonly runRows: number;
  /** Full runs that are swept into the order. */
  readonly runs: number;
  /** Of a sender with so many messages in a run none waits in it. */
  readonly runSenderRows: number;
  /** Senders whose last messages wait for their places in the order of all; reads look at them. */
  readonly waitingSenders: number;
  /** Messages in the smallest segment of the search index that counts as a tier of its own. */
  readonly segmentRows: number;
  /** Messages beyond which segments are not merged any more. */
  readonly segmentRowsMax: number;
  /** A range of so many messages is looked at row by row when a text or a recipient is wanted. */
  readonly shortRows: number;
  /** Looking up a match's key is taken to cost as much as walking over so many rows. */
  readonly lookupCost: number;
  /** Rows that a reader keeps of what the followers have not taken; beyond that it scans. */
  readonly tailRows: number;
}

export const INDEX_LIMITS: IndexLimits = {
  stepRows: { time: 16_384, senders: 16_384, search: 16_384, events: 8192 },
  leafRows: 4096,
  stretchRows: 4096,
  runRows: 8192,
  runs: 32,
  runSenderRows: 16,
  waitingSenders: 16_384,
  segmentRows: 8192,
  segmentRowsMax: 1_048_576,
  shortRows: 1000,
  lookupCost: 8,
  tailRows: 131_072,
};
