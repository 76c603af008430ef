/** What the engine and the thread of the index say to each other. */
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
}

export interface FollowerOpened extends FollowReport {
  /** Index files that were there and can't be read; they are gone. */
  readonly damaged: readonly { readonly file: string; readonly reason: string }[];
  /** It serves, and is to be made anew beside that. */
  readonly isOutdated: boolean;
}
