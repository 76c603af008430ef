/**
 * Whether a source is quieter than its own past: a plain rule on whole hours, which would rather be
 * late than wrong. It compares with the same hours of the weeks before, so nights and weekends that
 * are always quiet tell nothing.
 */

const WEEK_H = 7 * 24;
const WEEKS = 4;
const WEEKS_MIN = 2;
/** What the same hours brought in each of the weeks. */
const RECORDS_MIN = 20;
const DAILY_MIN = 50;
/** Hours that the rule looks at, the one that is under way among them. */
export const HOURS = 2 * WEEKS * WEEK_H;

/**
 * Of a source's last `HOURS` hours, the one under way at the end. It is quiet when it has brought
 * nothing for two whole hours or more, up to four weeks, and the same hours of each of the four
 * weeks before, without the last of them (clocks are put forward and back), brought 20 records or
 * more. It takes two such weeks of its past, and 50 records a day.
 */
export function isQuiet(hours: readonly number[]): boolean {
  const now = hours.length - 1;
  const last = hours.findLastIndex((rows) => rows > 0);
  const first = hours.findIndex((rows) => rows > 0);
  const isSilent = last >= 0 && now - last > 2 && now - last <= WEEKS * WEEK_H;
  if (!isSilent) return false;
  const begin = last + 1;
  const end = now - 1;
  const weeks = weeksBefore(begin, first).map((back) => sum(hours.slice(begin - back, end - back)));
  const days = Math.min(WEEKS * WEEK_H, begin - first) / 24;
  const daily = sum(hours.slice(Math.max(first, begin - WEEKS * WEEK_H), begin)) / days;
  return weeks.length >= WEEKS_MIN && daily >= DAILY_MIN && weeks.every((rows) => rows >= RECORDS_MIN);
}

/**
 * The median of the same hour in the four weeks before, or in those that the source has; null in
 * its first week.
 */
export function usualPerHour(hours: readonly number[]): number | null {
  const now = hours.length - 1;
  const first = hours.findIndex((rows) => rows > 0);
  const known = first < 0 ? [] : weeksBefore(now, first).map((back) => hours[now - back] ?? 0);
  const sorted = known.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** How many hours back from `hour`, of the weeks in which the source was there. */
function weeksBefore(hour: number, first: number): readonly number[] {
  const weeks = Array.from({ length: WEEKS }, (_, week) => (week + 1) * WEEK_H);
  return weeks.filter((back) => hour - back >= first);
}

function sum(rows: readonly number[]): number {
  return rows.reduce((total, each) => total + each, 0);
}
