/** How far somebody who follows the log is behind. */
import type { ChangesFilter } from "../core/changes.ts";
import { parsePosition } from "../core/position.ts";
import type { Following } from "./following.ts";

export interface Lag {
  readonly records: number;
  readonly isBound: boolean;
  readonly seconds: number;
}

/** From the position on; where it is lost, everything is before it again. */
export async function lagOf(
  { store, clock }: Pick<Following, "store" | "clock">,
  { position, filter }: { readonly position: string; readonly filter: ChangesFilter },
): Promise<Lag> {
  const { seq = 0, mark = "" } = parsePosition(position) ?? {};
  const lag = (await store.lag({ after: seq, mark, filter })) ?? (await store.lag({ after: 0, filter }));
  const { records = 0, isBound = false, oldest } = lag ?? {};
  const sinceMs = oldest === undefined ? 0 : clock.now() - Date.parse(oldest);
  return { records, isBound, seconds: Math.max(0, sinceMs) / 1000 };
}
