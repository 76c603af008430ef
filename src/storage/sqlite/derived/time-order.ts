/** All messages in the order of pages, counted. */
import type { Database } from "bun:sqlite";
import { CountedWriter, createCounted } from "./counted-order.ts";
import type { Follower } from "./followers.ts";
import { STEP_ROWS } from "./step-rows.ts";

export const BY_TIME = {
  entries: "by_time",
  leaves: "time_leaves",
  key: ["ts_key", "message_id"],
  fresh: `select ts_key, message_id, row from ${STEP_ROWS} where row > ?1 and row <= ?2`,
} as const;

export const TIME_TABLES = createCounted(BY_TIME);

export class TimeFollower implements Follower {
  readonly name = "time";
  readonly #order: CountedWriter;

  constructor(db: Database, leafRowsMax: number) {
    this.#order = new CountedWriter(db, BY_TIME, leafRowsMax);
  }

  step(after: number, last: number): void {
    this.#order.add(after, last);
  }

  /** Leaves are split when they grow. */
  rearrange(): void {}
}
