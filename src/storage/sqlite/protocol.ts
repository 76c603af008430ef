/**
 * What the engine and its threads say to each other. Groups travel as JSON text: between Bun's threads a string
 * costs a fraction of a structured clone.
 */
import type { MessageQuery, Page, Stats } from "../../core/store.ts";
import type { QueuedDelivery, Result } from "./group-commit.ts";
import type { IndexLimits, Positions } from "./index/follower.ts";

/** Asked of any thread of the engine. */
export type Lifecycle = { readonly do: "open"; readonly path: string } | { readonly do: "close" };

/** Asked of the followers' thread. */
export type FollowerAsk =
  | { readonly do: "open"; readonly path: string; readonly limits: IndexLimits }
  | { readonly do: "advance" }
  | { readonly do: "rebuild" }
  | { readonly do: "forget-old" }
  | { readonly do: "close" };

export interface FollowReport {
  /** The index file in use. */
  readonly index: string;
  readonly positions: Positions;
}

/** Asked of the writer; groups (`QueuedDelivery[]` as JSON) come through a port of their own. */
export type WriterAsk =
  | Lifecycle
  | { readonly do: "probe" }
  | { readonly do: "reopen" }
  | { readonly do: "restart-wal" }
  | { readonly do: "drop-old-index" };

/** The writer's word on a group, as JSON. */
export interface GroupReport {
  readonly results: readonly Result[];
  /** Messages that were new. */
  readonly created: number;
  readonly seconds: number;
  /** Pages in the write-ahead log now. */
  readonly walPages: number;
}

export type Group = readonly QueuedDelivery[];

/** Asked of the checkpointer. */
export type CheckpointAsk = Lifecycle | { readonly do: "checkpoint" };

/** Asked of a reader. `deadline` is a time of the system's clock. */
export type ReaderAsk =
  | { readonly do: "open"; readonly path: string; readonly index: string; readonly limits: IndexLimits }
  | { readonly do: "close" }
  | { readonly do: "list"; readonly query: MessageQuery; readonly deadline: number }
  | { readonly do: "stats"; readonly deadline: number }
  | { readonly do: "count" };
export interface CountReport {
  readonly messages: number;
  /** The last row that was counted. */
  readonly row: number;
}

export interface OpenReport {
  /** The last row of the log. */
  readonly row: number;
}

/** A thread answers each question in turn, with a value or with why there is none. */
export type Answer =
  | { readonly value: OpenReport | CountReport | FollowReport | Page | Stats | null }
  | { readonly failure: ThreadFailure };

export interface ThreadFailure {
  /** `refused` is a start that can't go on; `timeout` a read that was given up. */
  readonly kind: "refused" | "timeout" | "failed";
  readonly reason: string;
}
