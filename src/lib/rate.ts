/** Rates as a person writes them: so many a second, a minute or an hour, such as `50/s`. */

export const RATE_PATTERN = "^[1-9][0-9]{0,5}/[smh]$";

const RATE = new RegExp(RATE_PATTERN);
const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
/** What is left of a whole number behind a division and a multiplication. */
const NEARLY = 1e-6;

/** How many a second; undefined when the text is no rate. */
export function parseRate(text: string): number | undefined {
  const unitS = RATE.test(text) ? UNITS_S[text.slice(-1)] : undefined;
  return unitS === undefined ? undefined : Number.parseInt(text, 10) / unitS;
}

/** The same rate as text, in the shortest unit that makes it a whole number. */
export function rateText(perS: number): string {
  const isWhole = ([, unitS]: readonly [string, number]) =>
    Math.abs(perS * unitS - Math.round(perS * unitS)) < NEARLY;
  const [unit, unitS] = Object.entries(UNITS_S).find(isWhole) ?? ["h", 3600];
  return `${Math.round(perS * unitS)}/${unit}`;
}
