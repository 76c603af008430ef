/**
 * Instants as senders write them: UTC, `Z`, up to nine digits of a second. The text is kept as
 * sent; comparing goes by a key, so that `10:00:00Z` and `10:00:00.0Z` are the same instant.
 */

/** The grammar of `ts`, `since` and `until` (the real-date check is `isInstant`). */
export const INSTANT_PATTERN = "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$";

const GRAMMAR = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const ZERO = 48;
const DOT = 46;

/**
 * Whether the text is an instant: the grammar, a real date from year 1 on, hour ≤ 23, minute and
 * second ≤ 59.
 */
export function isInstant(text: string): boolean {
  if (!GRAMMAR.test(text)) return false;
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  return (
    year >= 1 &&
    day >= 1 &&
    day <= daysOf(year, month) &&
    twoDigits(text, 11) <= 23 &&
    twoDigits(text, 14) <= 59 &&
    twoDigits(text, 17) <= 59
  );
}

/**
 * The key by which instants are ordered, as bytes: without `Z` and without a fraction's trailing
 * zeros.
 */
export function instantKey(instant: string): string {
  let end = instant.length - 1;
  if (end === 19) return instant.slice(0, end);
  while (instant.charCodeAt(end - 1) === ZERO) end--;
  if (instant.charCodeAt(end - 1) === DOT) end--;
  return instant.slice(0, end);
}

function daysOf(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (DAYS[month - 1] ?? 0) + (leap ? 1 : 0);
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}
