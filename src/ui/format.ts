/**
 * Numbers and times in the browser's language and zone; how long ago something was in the page's
 * own language, as it stands in its sentences.
 */

const number = new Intl.NumberFormat();
const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const dayTime = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const minuteTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const utcDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const yearTime = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, {
  ...({ weekday: "short", day: "numeric", month: "short", year: "numeric" } as const),
  ...({ hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" } as const),
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** By their unit, as the language writes them: 1.2 GB, 12 ms. */
const units = new Map<string, Intl.NumberFormat>();
const BYTES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

function inUnit(value: number, unit: string): string {
  let format = units.get(unit);
  if (format === undefined) {
    const shown = {
      maximumFractionDigits: 0,
      maximumSignificantDigits: 2,
      roundingPriority: "morePrecision",
    } as const;
    format = new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "short", ...shown });
    units.set(unit, format);
  }
  return format.format(value);
}

export function bytes(value: number): string {
  const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return inUnit(value / 1000 ** power, BYTES[power] ?? "byte");
}

/** Of milliseconds. */
export function milliseconds(value: number): string {
  return value < 1000 ? inUnit(value, "millisecond") : inUnit(value / 1000, "second");
}

/** `1 message`, `2 messages`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The time of the day alone, without seconds. */
export function minuteOf(instant: string): string {
  return minuteTime.format(new Date(instant));
}

/** A day of UTC, whatever the browser's zone. */
export function dayOfUtc(instant: string): string {
  return utcDay.format(new Date(instant));
}

export function count(value: number): string {
  return number.format(value);
}

/** As short as it can be and still be told apart: a time today, else a day. */
export function shortTime(instant: string, now: number): string {
  const date = new Date(instant);
  const ageMs = now - date.getTime();
  if (Number.isNaN(ageMs)) return instant;
  if (date.toDateString() === new Date(now).toDateString()) return clockTime.format(date);
  return Math.abs(ageMs) < 300 * 86_400_000 ? dayTime.format(date) : yearTime.format(date);
}

/** The day, in words. */
export function dayOf(instant: string): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : day.format(date);
}

/** With its zone, to the second. */
export function exactTime(instant: string): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : exact.format(date);
}

/** How long ago, or how soon. */
export function relativeTime(instant: string, now: number): string {
  const seconds = (new Date(instant).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return instant;
  for (const [unit, length] of STEPS)
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  return Math.abs(seconds) < 10
    ? relative.format(0, "second")
    : relative.format(Math.round(seconds), "second");
}
