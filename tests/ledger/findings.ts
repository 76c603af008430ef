/** What a comparison finds, and how that is told. */
import type { LogRecord, Taken } from "./record.ts";

const FINDINGS_SHOWN_MAX = 5;

export interface Finding {
  /** The log, what was sent, or a follower. */
  readonly about: string;
  readonly what:
    | "gap"
    | "double"
    | "disorder"
    | "differing"
    | "unknown"
    | "unwanted"
    | "missing"
    | "early"
    | "late"
    | "unmoved"
    | "left"
    | "overlap"
    | "void"
    | "fault";
  readonly detail: string;
}

export type Find = (what: Finding["what"], detail: string) => void;

/** A record of the log with what is looked up again and again. */
export interface Entry extends Taken {
  readonly record: LogRecord;
  readonly key: string;
}

/** The findings as lines: the first of everything that they are about. */
export function describeFindings(findings: readonly Finding[]): string[] {
  return [...Map.groupBy(findings, ({ about }) => about)].flatMap(([about, all]) => {
    const shown = all.slice(0, FINDINGS_SHOWN_MAX).map(({ what, detail }) => `${about}: ${what}: ${detail}`);
    return all.length > shown.length ? [...shown, `${about}: and ${all.length - shown.length} more`] : shown;
  });
}

/** How many there are before the first of which it doesn't hold; of none behind that it holds. */
export function countWhile<T>(sorted: readonly T[], holds: (each: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
