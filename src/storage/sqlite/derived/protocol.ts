/** What the engine and the thread of the index say to each other. */
import type { Upgrade } from "../../../core/upgrade.ts";
import type { Part } from "../connection/damage.ts";
import type { LogEnd } from "../connection/log-end.ts";
import type { IndexLimits, Positions } from "./followers.ts";

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
  /** Where the log ended. */
  readonly end: Pick<LogEnd, "row" | "event">;
}

export interface RemovedIndex {
  readonly file: string;
  readonly part: Part;
  readonly message: string;
}

export interface FollowerOpened extends FollowReport {
  /** Index files that were there and are damaged or stale; they are gone. */
  readonly damaged: readonly RemovedIndex[];
  readonly upgrades: readonly Upgrade[];
  /** It serves, and is to be made anew beside that. */
  readonly outdated: Upgrade | undefined;
}
