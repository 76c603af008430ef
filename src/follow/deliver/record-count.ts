/** Counts the records of a part of the log, exactly, and in steps that let others read between. */
import { type ChangesFilter, LAG_RECORDS_MAX } from "../../core/changes.ts";
import { QueryTimeout, ShuttingDown } from "../../core/errors.ts";
import type { Following } from "../following.ts";

/** So long one may count. */
export const COUNT_S_MAX = 10;
/** Numbers that a step looks at, at most: milliseconds of a reader. */
const STEP_NUMBERS_MAX = 100_000;

interface CountedPart {
  /** The last number before it. */
  readonly after: number;
  /** Its last number. */
  readonly until: number;
  readonly filter: ChangesFilter;
}

/** Throws `QueryTimeout` after `COUNT_S_MAX`, and `ShuttingDown` when the signal is aborted. */
export async function recordsIn(
  { store, clock, turns }: Pick<Following, "store" | "clock" | "turns">,
  { after: start, until, filter }: CountedPart,
  signal: AbortSignal,
): Promise<number> {
  const begunAt = clock.elapsed();
  let records = 0;
  let after = start;
  let width = STEP_NUMBERS_MAX;
  while (after < until) {
    if (signal.aborted) throw new ShuttingDown("shutting down");
    if (clock.elapsed() - begunAt > 1000 * COUNT_S_MAX)
      throw new QueryTimeout(`the records could not be counted in ${COUNT_S_MAX} s: ask for a shorter part`);
    const to = Math.min(until, after + width);
    const step = await turns.take(() => store.lag({ after, until: to, filter }));
    if (step === undefined || step.isBound) {
      // So many numbers can't have more records.
      width = LAG_RECORDS_MAX;
      continue;
    }
    records += step.records;
    after = to;
    if (2 * step.records < LAG_RECORDS_MAX) width = Math.min(2 * width, STEP_NUMBERS_MAX);
  }
  return records;
}
