/** A place in the log as people name it: `2h`, an instant, a position, `start` or `now`. */
import { InvalidArgumentError } from "commander";
import { isInstant } from "../core/instant.ts";
import { parsePosition } from "../core/position.ts";
import { systemClock } from "../lib/clock.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** As the service takes it: time that has passed, by this clock, becomes an instant. */
export function logPlace(text: string): string {
  const [, count, unit = ""] = /^([0-9]{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return instantOf(systemClock.now() - Number(count) * (UNITS_MS[unit] ?? 0));
  if (["start", "now"].includes(text) || isInstant(text) || parsePosition(text) !== undefined) return text;
  throw new InvalidArgumentError(
    "It takes a time such as 30s or 2h, an instant such as 2025-01-15T10:00:00Z, a position, start or now.",
  );
}

/** Of milliseconds since 1970, and not before that. */
export function instantOf(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString();
}
