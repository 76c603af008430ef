/**
 * What the engine says to the writer and the checkpointer, and they to it. Groups travel as JSON
 * text: between Bun's threads a string costs a fraction of a structured clone.
 */
import type { Consumer } from "../../../core/consumers.ts";
import type { Upgrade } from "../../../core/upgrade.ts";
import type { FileMarks } from "../connection/files-in-place.ts";
import type { LogEnd } from "../connection/log-end.ts";
import type { Lifecycle } from "../connection/protocol.ts";
import type { ConsumerChanges } from "./consumer-rows.ts";
import type { DestinationRows, FailureSlice, SliceReport } from "./delivery-rows.ts";
import type { Result } from "./group-commit.ts";
import type { QueuedIntake } from "./post-log.ts";
import type { SeriesWrite } from "./series-rows.ts";

/** Asked of the writer; groups (`QueuedIntake[]` as JSON) come through a port of their own. */
export type WriterAsk =
  | Lifecycle
  | { readonly do: "make"; readonly path: string }
  | { readonly do: "probe" }
  | { readonly do: "reopen" }
  | { readonly do: "restart-wal" }
  | { readonly do: "drop-old-index" }
  | ({ readonly do: "consumers" } & ConsumerChanges)
  /** `DeliveryWrite[]` as JSON. */
  | { readonly do: "deliveries"; readonly writes: string }
  | ({ readonly do: "some-failures" } & FailureSlice)
  | { readonly do: "series"; readonly write: SeriesWrite }
  | { readonly do: "claim"; readonly names: readonly string[] };

/** Where the log ends, which files are open, and what is kept of who follows. */
export interface OpenReport extends LogEnd {
  readonly upgrade: Upgrade | undefined;
  readonly files: FileMarks;
  readonly consumers: readonly Consumer[];
  readonly destinations: readonly DestinationRows[];
}

/** Of what is written beside the groups. */
export interface WriteReport {
  /** Pages in the write-ahead log now; 0 when it wasn't looked at. */
  readonly walPages: number;
}

export interface SomeFailuresReport extends WriteReport, SliceReport {}

export interface SeriesReport extends WriteReport {
  /** As `writeSeries` gives it. */
  readonly given: boolean;
}

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

export type Group = readonly QueuedIntake[];

/** Asked of the checkpointer. */
export type CheckpointAsk = Lifecycle | { readonly do: "checkpoint" };
