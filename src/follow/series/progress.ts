/** What the routes of numbers over time have in common: how far the numbers have come. */
import { DetailAnswer } from "../../core/field-errors.ts";
import { seqOf } from "../../core/position.ts";
import type { SeriesOf } from "../../core/series.ts";
import type { Following } from "../following.ts";
import type { Series } from "./series.ts";

export interface SeriesRoutesOptions {
  readonly following: Following;
  readonly series: Pick<Series, "requestsBehind">;
  /** Names of the sources that are served now. */
  readonly names: () => readonly string[];
}

export const BUSY = { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer };

interface Progress {
  readonly complete_to: string | null;
  readonly behind: number;
}

/** `complete_to`: what was received before it is in the numbers. `behind`: how many aren't. */
export async function progressOf(
  { following: { store, clock }, series }: SeriesRoutesOptions,
  of: SeriesOf,
): Promise<Progress> {
  if (of === "requests") {
    const { requests, since } = series.requestsBehind;
    return { complete_to: iso(since), behind: requests };
  }
  const now = clock.now();
  const { position, at } = await store.series.state();
  const behind = Math.max(0, seqOf(await store.positionAt("now")) - seqOf(position ?? ""));
  return { complete_to: behind === 0 ? iso(now) : at, behind };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
