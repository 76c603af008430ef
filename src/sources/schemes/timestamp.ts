/** Timestamps that a sender signs, so that what was caught on the way can't be sent again later. */

export type TimestampFormat = "unix" | "ms" | "rfc3339";

/** No zero before it: it could be the last digit of what is signed before the timestamp. */
const WHOLE = /^(?:0|[1-9][0-9]{0,15})$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** Why a timestamp doesn't hold at `now` (milliseconds since 1970); undefined when it does. */
export function checkTimestamp(
  text: string,
  format: TimestampFormat,
  now: number,
  toleranceSeconds: number,
): string | undefined {
  const ms = milliseconds(text, format);
  if (Number.isNaN(ms)) return `the timestamp is no ${format} time`;
  const seconds = (now - ms) / 1000;
  if (Math.abs(seconds) <= toleranceSeconds) return undefined;
  const far = Math.round(Math.abs(seconds));
  return `the timestamp is ${far} s ${seconds > 0 ? "old" : "in the future"}, more than ${toleranceSeconds} s`;
}

/** A time as a sender would write it. */
export function timeText(format: TimestampFormat, now: number): string {
  if (format === "rfc3339") return new Date(now).toISOString();
  return String(format === "unix" ? Math.floor(now / 1000) : now);
}

function milliseconds(text: string, format: TimestampFormat): number {
  if (format === "rfc3339") return RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!WHOLE.test(text)) return Number.NaN;
  return format === "unix" ? Number(text) * 1000 : Number(text);
}
