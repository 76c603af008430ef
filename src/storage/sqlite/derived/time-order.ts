/** All messages in the order of pages, counted, and the bounds in time of the log's stretches. */
import type { Database } from "bun:sqlite";
import { CountedWriter, createCounted } from "./counted-order.ts";
import type { Follower, IndexLimits } from "./followers.ts";
import { STEP_ROWS } from "./step-rows.ts";
import { STRETCH_TABLES, StretchWriter } from "./stretches.ts";

export const BY_TIME = {
  entries: "by_time",
  leaves: "time_leaves",
  key: ["ts_key", "message_id"],
  fresh: `select ts_key, message_id, row from ${STEP_ROWS} where row > ?1 and row <= ?2`,
} as const;

export const TIME_TABLES = `${createCounted(BY_TIME)} ${STRETCH_TABLES}`;

export class TimeFollower implements Follower {
  readonly name = "time";
  readonly #order: CountedWriter;
  readonly #stretches: StretchWriter;

  constructor(db: Database, { leafRows, stretchRows }: IndexLimits) {
    this.#order = new CountedWriter(db, BY_TIME, leafRows);
    this.#stretches = new StretchWriter(db, stretchRows);
  }

  step(after: number, last: number): void {
    this.#order.add(after, last);
    this.#stretches.add(after, last);
  }

  /** Leaves are split when they grow. */
  rearrange(): void {}
}
