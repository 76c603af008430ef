/** A page of the log, counted by source, kind and minute. */
import type { Changes } from "../../../core/changes.ts";
import type { ChangesCounts, MinuteCount } from "../../../core/series.ts";
import { NATIVE } from "../../../core/source.ts";
import { secondsOf } from "../../minutes.ts";

const MINUTE_CHARACTERS = 16;

type Counting = { -readonly [Name in keyof MinuteCount]: MinuteCount[Name] };

export function changesCounts({ records, position, more, isLost }: Changes): ChangesCounts {
  const minutes = new Map<string, Counting>();
  for (const record of records) {
    const { created_at: at } = record;
    const source = "source" in record ? record.source : NATIVE;
    const what = "event_key" in record ? record.kind : "message";
    const minute = at.slice(0, MINUTE_CHARACTERS);
    const key = `${minute} ${what} ${source}`;
    const before = minutes.get(key);
    if (before === undefined) minutes.set(key, { source, what, minute: secondsOf(minute), rows: 1, at });
    else {
      before.rows++;
      if (before.at < at) before.at = at;
    }
  }
  return { minutes: [...minutes.values()], position, more, isLost };
}
