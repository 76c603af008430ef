/** Filters of the log, asked of a record that is there. */
import type { ChangesFilter } from "./changes.ts";
import type { EventRecord, MessageRecord } from "./log-record.ts";
import { NATIVE } from "./source.ts";

/** Whether the filter lets a record through. */
export function lets(filter: ChangesFilter, record: MessageRecord | EventRecord): boolean {
  const { kinds, sources, from, to } = filter;
  if (sources?.includes("source" in record ? record.source : NATIVE) === false) return false;
  const isEvent = "event_key" in record;
  if (kinds !== undefined && !kinds.includes(isEvent ? record.kind : "message")) return false;
  if (from === undefined && to === undefined) return true;
  if (isEvent) return false;
  return (from === undefined || record.from === from) && (to === undefined || record.to === to);
}
