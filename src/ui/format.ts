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

/** `1 message`, `2 messages`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
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
