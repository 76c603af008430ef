/**
 * A record as a webhook, in the form that Standard Webhooks recommends. What it says depends on the
 * record alone, so it is the same at each attempt and from each sender.
 */

import type { EventRecord, MessageRecord } from "../../core/log-record.ts";
import { NATIVE } from "../../core/source.ts";
import type { About } from "./sink.ts";

/** What a record is known by, and when it was received. */
type Known = { readonly created_at: string } & (
  | { readonly message_id: string; readonly event_key?: never }
  | { readonly kind: string; readonly source: string; readonly event_key: string }
);

const ID_DIGITS = 32;
const NUL = "\0";

/** `evt_` and 32 hexadecimal digits. */
export function webhookId({ record }: { readonly record: Known }): string {
  const key =
    record.event_key === undefined
      ? ["message", record.message_id]
      : [record.kind, record.source, record.event_key];
  return `evt_${Bun.SHA256.hash(key.join(NUL), "hex").slice(0, ID_DIGITS)}`;
}

/** JSON; `text` is the record's own. */
export function webhookBody({ record, text }: { readonly record: Known; readonly text: string }): string {
  const type = record.event_key === undefined ? "message.received" : `message.${record.kind}`;
  return `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(record.created_at)},"data":${text}}`;
}

/** What names it beside its content. */
export function aboutRecord({ record }: { readonly record: MessageRecord | EventRecord }): About {
  if ("event_key" in record)
    return { source: record.source, kind: record.kind, type: record.type, from: null, to: null };
  const { from, to } = record;
  const [source, type] = "source" in record ? [record.source, record.type] : [NATIVE, null];
  return { source, kind: "message", type, from, to };
}
