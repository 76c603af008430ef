/** Instants as the API has them: `2025-01-15T10:00:00Z`, up to nine digits of a second. */
import { tick } from "./clock.ts";

/** Compares as text in the order of time. */
export function instantKey(instant: string): string {
  const bare = instant.replace(/Z$/, "");
  return bare.includes(".") ? bare.replace(/\.?0+$/, "") : bare;
}

/** Whether an instant is in a span, whose end isn't. */
export function isWithin(instant: string, since: string | undefined, until: string | undefined): boolean {
  const key = instantKey(instant);
  return (
    (since === undefined || key >= instantKey(since)) && (until === undefined || key < instantKey(until))
  );
}

/** Spans of time that a filter offers, by what the address says. */
export const RANGES: Readonly<Record<string, { readonly title: string; readonly ms: number }>> = {
  "15m": { title: "Last 15 minutes", ms: 900_000 },
  "1h": { title: "Last hour", ms: 3_600_000 },
  "24h": { title: "Last 24 hours", ms: 86_400_000 },
  "7d": { title: "Last 7 days", ms: 7 * 86_400_000 },
  "30d": { title: "Last 30 days", ms: 30 * 86_400_000 },
};

/** When a span that the address names begins, as time goes by, to the minute; else undefined. */
export function beginOf(range: string): string | undefined {
  const ms = RANGES[range]?.ms;
  if (ms === undefined) return undefined;
  return `${new Date(tick.value - ms).toISOString().slice(0, 16)}:00Z`;
}

/** What a `datetime-local` field takes, in the browser's zone; empty for what is no instant. */
export function toField(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Undefined for an empty field. */
export function ofField(text: string): string | undefined {
  const date = new Date(text);
  return text === "" || Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace(".000Z", "Z");
}

/** In the order of messages: by instant, then by identifier. */
export function compareKeys(one: Keyed, other: Keyed): number {
  const [key, otherKey] = [instantKey(one.ts), instantKey(other.ts)];
  if (key !== otherKey) return key < otherKey ? -1 : 1;
  return one.message_id === other.message_id ? 0 : one.message_id < other.message_id ? -1 : 1;
}

interface Keyed {
  readonly ts: string;
  readonly message_id: string;
}
