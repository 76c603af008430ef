/** How a destination stands, in words. */
import type { Schemas } from "../api.ts";
import { count, relativeTime } from "../format.ts";

export type Destination = Schemas["Destination"];

export const STATES: Readonly<
  Record<Destination["state"], { readonly title: string; readonly tone: string }>
> = {
  ok: { title: "active", tone: "good" },
  down: { title: "down", tone: "bad" },
  paused: { title: "paused", tone: "warn" },
  inactive: { title: "not configured", tone: "plain" },
};

const LONG_S: readonly (readonly [unit: string, seconds: number])[] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const decimal = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });

/** What waits or was given up; empty where nothing is. */
export function troubleOf(destination: Destination): string {
  const { put_aside, dead, lag_records } = destination;
  return [
    dead > 0 && `${count(dead)} given up`,
    put_aside > 0 && `${count(put_aside)} retrying`,
    lag_records > 0 && `${behind(destination)} behind`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Beyond what is counted, at least so many. */
export function behind({ lag_records, lag_is_bound }: Destination): string {
  return `${count(lag_records)}${lag_is_bound ? "+" : ""}`;
}

/** When a record that failed is tried next; what is overdue waits for its destination. */
export function whenNext(nextAt: string, now: number): string {
  return Date.parse(nextAt) < now ? "due" : `next ${relativeTime(nextAt, now)}`;
}

/** A span in one unit, for a sentence. */
export function span(seconds: number): string {
  const [unit, length] = LONG_S.find(([, each]) => seconds >= each) ?? ["second", 1];
  const value = seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds / length);
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "short" }).format(value);
}

const ALL_KINDS = 9;

/** What its filter lets through. */
export function taken({ kinds, sources, from, to }: NonNullable<Destination["filter"]>): string {
  const named = kinds.map((kind) => (kind === "message" ? "messages" : kind));
  return [
    kinds.length === ALL_KINDS ? "every kind of record" : named.join(", "),
    sources !== null && `of ${sources.join(", ")}`,
    from !== null && `from ${from}`,
    to !== null && `to ${to}`,
  ]
    .filter(Boolean)
    .join(" ");
}

export function rateOf(perSecond: number | undefined): string {
  if (perSecond === undefined) return "";
  return perSecond < 0.05 && perSecond > 0
    ? `${decimal.format(perSecond * 60)}/min`
    : `${decimal.format(perSecond)}/s`;
}

export function records(value: number): string {
  return `${count(value)} ${value === 1 ? "record" : "records"}`;
}
