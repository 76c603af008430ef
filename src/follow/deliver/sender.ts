/** Whose order a record keeps. */
import type { EventRecord, MessageRecord } from "../../core/log-record.ts";
import { NATIVE } from "../../core/source.ts";

/**
 * A message's sender within its source; an event goes with the message that it is about, if that is
 * among the known ones. Empty: nobody's.
 */
export function senderOf(
  record: MessageRecord | EventRecord,
  known: ReadonlyMap<string, { readonly source: string; readonly from: string }> | undefined,
): string {
  if (!("event_key" in record)) {
    const source = "source" in record ? record.source : NATIVE;
    return `${source} ${record.from}`;
  }
  if (record.message_id === null) return "";
  const message = known?.get(record.message_id);
  return message === undefined ? record.message_id : `${message.source} ${message.from}`;
}
