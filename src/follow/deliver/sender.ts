/** Whose order records keep. */
import type { EventRecord, MessageRecord } from "../../core/log-record.ts";
import { NATIVE } from "../../core/source.ts";
import type { Store } from "../../core/store.ts";
import type { FollowedRecord } from "../followed-record.ts";

/** Of each record, by `order`; empty: nobody's. */
export async function sendersOf(
  records: readonly FollowedRecord[],
  order: "sender" | "none",
  store: Pick<Store, "senders">,
): Promise<readonly string[]> {
  if (order === "none") return records.map(() => "");
  const about = records.flatMap(({ record }) =>
    "event_key" in record && record.message_id !== null ? [record.message_id] : [],
  );
  const known = about.length === 0 ? undefined : await store.senders(about);
  return records.map(({ record }) => senderOf(record, known));
}

/**
 * A message's sender within its source; an event goes with the message that it is about, if that is
 * among the known ones.
 */
function senderOf(
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
