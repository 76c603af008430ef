/** An instant as people read it; the exact one with its zone is in the hint. */
import { signal } from "@preact/signals";
import { tick } from "./clock.ts";
import { exactTime, relativeTime, shortTime } from "./format.ts";
import { keep, kept } from "./kept.ts";

const timesAreRelative = signal(kept("times") === "relative");

export function turnTimes(): void {
  timesAreRelative.value = !timesAreRelative.value;
  keep("times", timesAreRelative.value ? "relative" : "exact");
}

export function Time({ at }: { readonly at: string }) {
  const shown = timesAreRelative.value ? relativeTime(at, tick.value) : shortTime(at, tick.value);
  return (
    <time dateTime={at} title={`${exactTime(at)}\n${at}`}>
      {shown}
    </time>
  );
}

/** Both, in words. */
export function FullTime({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {exactTime(at)} <span class="quiet time-ago">({relativeTime(at, tick.value)})</span>
    </time>
  );
}
