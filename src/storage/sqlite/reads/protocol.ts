/** What the engine and its readers say to each other. */
import type { Beginning, ChangesQuery, LagQuery } from "../../../core/changes.ts";
import type { EventQuery, MessageQuery, SenderQuery } from "../../../core/store.ts";
import type { IndexLimits } from "../derived/followers.ts";
import type { FailureAsk } from "./failures.ts";
import type { SeriesAsk } from "./series.ts";

/** `deadline` is a time of the system's clock. */
export type ReaderAsk =
  | { readonly do: "open"; readonly path: string; readonly index: string; readonly limits: IndexLimits }
  | { readonly do: "close" }
  | { readonly do: "list"; readonly query: MessageQuery; readonly deadline: number }
  | { readonly do: "stats"; readonly deadline: number }
  | { readonly do: "list-senders"; readonly query: SenderQuery; readonly deadline: number }
  | { readonly do: "events"; readonly query: EventQuery; readonly deadline: number }
  | { readonly do: "message"; readonly messageId: string; readonly deadline: number }
  | { readonly do: "changes"; readonly query: ChangesQuery; readonly deadline: number }
  | { readonly do: "changes-text"; readonly query: ChangesQuery; readonly deadline: number }
  | {
      readonly do: "changes-counts";
      readonly query: Pick<ChangesQuery, "after" | "mark">;
      readonly deadline: number;
    }
  | { readonly do: "position"; readonly beginning: Beginning; readonly deadline: number }
  | { readonly do: "lag"; readonly query: LagQuery; readonly deadline: number }
  | { readonly do: "failures"; readonly question: FailureAsk; readonly deadline: number }
  | { readonly do: "series"; readonly question: SeriesAsk; readonly deadline: number }
  | { readonly do: "senders"; readonly messageIds: readonly string[]; readonly deadline: number }
  | { readonly do: "count" };

export interface CountReport {
  readonly messages: number;
  /** The last row that was counted. */
  readonly row: number;
}
