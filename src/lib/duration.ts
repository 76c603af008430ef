/** Durations as a person writes them: a whole number and its unit, such as `15s`. */

export const DURATION_PATTERN = "^[0-9]{1,9}(ms|s|m|h|d)$";

const DURATION = new RegExp(DURATION_PATTERN);
const SECOND_MS = 1000;
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3600 * SECOND_MS,
  d: 86_400 * SECOND_MS,
};

/** In milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const unitMs = UNITS_MS[DURATION.exec(text)?.[1] ?? ""];
  return unitMs === undefined ? undefined : Number.parseInt(text, 10) * unitMs;
}
