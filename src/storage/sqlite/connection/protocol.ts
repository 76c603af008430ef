/**
 * What every thread of the engine is asked, and how it answers. Each room has the questions of its
 * own threads.
 */
import type { DamagedRow, Part } from "./damage.ts";

/** Asked of any thread. */
export type Lifecycle = { readonly do: "open"; readonly path: string } | { readonly do: "close" };

/** A thread answers each question in turn, with a value or with why there is none. */
export type Answer = { readonly value: unknown } | { readonly failure: ThreadFailure };

/** Sent beside the answers: a row that was read is damaged. */
export interface Notice {
  readonly damagedRow: DamagedRow;
}

export type ThreadFailure =
  /** `refused` is a start that can't go on; `timeout` a read that was given up. */
  | { readonly kind: "refused" | "timeout" | "failed"; readonly reason: string }
  | { readonly kind: "damaged"; readonly part: Part; readonly reason: string };
