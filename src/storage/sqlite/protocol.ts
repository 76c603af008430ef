/**
 * What the engine and its threads say to each other. Groups travel as JSON text: between Bun's threads a string
 * costs a fraction of a structured clone.
 */
import type { EventPage, EventQuery, MessageQuery, Page, Stats, StoredMessage } from "../../core/store.ts";
import type { DamagedRow, Part } from "./damage.ts";
import type { Checkpoint } from "./files.ts";
import type { FileMarks } from "./files-in-place.ts";
import type { Result } from "./group-commit.ts";
import type { IndexLimits, Positions } from "./index/follower.ts";
import type { LogEnd } from "./message-log.ts";
import type { QueuedDelivery } from "./post-log.ts";

/** Asked of any thread of the engine. */
export type Lifecycle = { readonly do: "open"; readonly path: string } | { readonly do: "close" };

/** Asked of the followers' thread. */
export type FollowerAsk =
  | { readonly do: "open"; readonly path: string; readonly limits: IndexLimits }
  | { readonly do: "advance" }
  | { readonly do: "rebuild" }
  | { readonly do: "replace" }
  | { readonly do: "forget-old" }
  | { readonly do: "close" };

export interface FollowReport {
  /** The index file in use. */
  readonly index: string;
  readonly positions: Positions;
  /** The last event that was taken. */
  readonly event: number;
}

export interface FollowerOpened extends FollowReport {
  /** Index files that were there and can't be read; they are gone. */
  readonly damaged: readonly { readonly file: string; readonly reason: string }[];
}

/** Asked of the writer; groups (`QueuedDelivery[]` as JSON) come through a port of their own. */
export type WriterAsk =
  | Lifecycle
  | { readonly do: "make"; readonly path: string }
  | { readonly do: "probe" }
  | { readonly do: "reopen" }
  | { readonly do: "restart-wal" }
  | { readonly do: "drop-old-index" }
  | { readonly do: "claim"; readonly names: readonly string[] };

export interface ClaimReport {
  /** Names that can't be used. */
  readonly refused: readonly string[];
}

/** The writer's word on a group, as JSON. */
export interface GroupReport {
  readonly results: readonly Result[];
  /** Messages that were new. */
  readonly messages: number;
  /** Events that were new. */
  readonly events: number;
  readonly seconds: number;
  /** Pages in the write-ahead log now; 0 when it wasn't looked at. */
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
  | { readonly do: "events"; readonly query: EventQuery; readonly deadline: number }
  | { readonly do: "message"; readonly messageId: string; readonly deadline: number }
  | { readonly do: "count" };
export interface CountReport {
  readonly messages: number;
  /** The last row that was counted. */
  readonly row: number;
}

/** Where the log ends, and which files are open. */
export interface OpenReport extends LogEnd {
  readonly files: FileMarks;
}

/** A thread answers each question in turn, with a value or with why there is none. */
export type Answer =
  | {
      readonly value:
        | OpenReport
        | ClaimReport
        | CountReport
        | FollowReport
        | FollowerOpened
        | Checkpoint
        | Page
        | Stats
        | EventPage
        | StoredMessage
        | null;
    }
  | { readonly failure: ThreadFailure };

/** Sent beside the answers: a row that was read is damaged. */
export interface Notice {
  readonly damagedRow: DamagedRow;
}

export type ThreadFailure =
  /** `refused` is a start that can't go on; `timeout` a read that was given up. */
  | { readonly kind: "refused" | "timeout" | "failed"; readonly reason: string }
  | { readonly kind: "damaged"; readonly part: Part; readonly reason: string };
