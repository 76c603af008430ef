/**
 * Dates as mail has them (RFC 5322, section 3.3, and the obsolete forms of 4.3):
 * `Wed, 26 Nov 2025 23:33:20 +0000`.
 */
import { isInstant } from "../core/instant.ts";

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
const DATE =
  /^(?:(?:mon|tue|wed|thu|fri|sat|sun)\s*,\s*)?(\d{1,2})\s+([a-z]{3})\s+(\d{2,4})\s+(\d{2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?\s+([+-]\d{4}|[a-z]{1,5})$/i;
/** Hours from UTC; other words say nothing of it, and count as UTC. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 },
};

/** Milliseconds since 1970; undefined for no such date. */
export function mailDate(text: string): number | undefined {
  const match = DATE.exec(withoutComments(text)?.trim() ?? "");
  if (match === null) return undefined;
  const [, day = "", month = "", year = "", hours, minutes, seconds = "00", zone = ""] = match;
  const at = MONTHS.indexOf(month.toLowerCase());
  const offset = minutesFromUtc(zone);
  if (at % 3 !== 0 || offset === undefined) return undefined;
  const date = [fullYear(year), String(at / 3 + 1).padStart(2, "0"), day.padStart(2, "0")].join("-");
  // A leap second is the one after 59: no other clock knows it.
  const leap = seconds === "60";
  const instant = `${date}T${hours}:${minutes}:${leap ? "59" : seconds}Z`;
  return isInstant(instant) ? Date.parse(instant) + (leap ? 1000 : 0) - offset * 60_000 : undefined;
}

function fullYear(year: string): string {
  if (year.length === 4) return year;
  return String(Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900));
}

function minutesFromUtc(zone: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d{2})([0-5]\d)$/.exec(zone) ?? [];
  if (sign !== undefined) return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return /^[+-]/.test(zone) ? undefined : (ZONES[zone.toUpperCase()] ?? 0) * 60;
}

/** With a space for each comment, which may hold others; undefined when one doesn't end. */
function withoutComments(text: string): string | undefined {
  if (!text.includes("(")) return text;
  let depth = 0;
  let kept = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "\\" && depth > 0) index++;
    else if (character === "(") depth++;
    else if (character === ")" && depth > 0) {
      depth--;
      if (depth === 0) kept += " ";
    } else if (depth === 0) kept += character;
  }
  return depth === 0 ? kept : undefined;
}
