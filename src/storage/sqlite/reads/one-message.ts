/** Reads one message with all that is known of it. */
import type { Database } from "bun:sqlite";
import type { BodySpan } from "../../../core/log-record.ts";
import type { LoggedMessage } from "../../../core/message.ts";
import { NATIVE } from "../../../core/source.ts";
import type { StoredEvent, StoredMessage } from "../../../core/store.ts";
import { DETAIL_COLUMNS, MESSAGE_COLUMNS, selected } from "../../columns.ts";
import type { OnDamagedRow } from "../connection/damage.ts";
import { detailChecksum, isSound, messageChecksum } from "../connection/row-checksum.ts";
import { BodySpans } from "./body-spans.ts";

const ONE = `
  select ${selected(MESSAGE_COLUMNS)}, seq, ${selected(DETAIL_COLUMNS)},
    messages.checksum as checksum, details.checksum as detailChecksum
  from messages left join details using (seq) where message_id = ?`;

type Row = LoggedMessage & { readonly checksum: number | null; readonly detailChecksum: number | null } & (
    | Details
    | Record<keyof Details, null>
  );
type Details = BodySpan & { readonly source: string; readonly type: string };

/**
 * Null when there is no such message; its events are asked for when there is one. A damaged row is
 * told, and given as it is read.
 */
export function readMessage(
  db: Database,
  messageId: string,
  eventsOf: () => readonly StoredEvent[],
  onDamagedRow: OnDamagedRow,
): StoredMessage | null {
  const row = db.query<Row, [string]>(ONE).get(messageId);
  if (row === null) return null;
  const { source, type, delivery, start, stop, checksum, detailChecksum: detail, ...message } = row;
  const { seq } = message;
  if (!isSound(checksum, () => messageChecksum(message))) onDamagedRow({ table: "messages", seq, messageId });
  const rest = { ...message, events: eventsOf() };
  if (source === null) return { ...rest, source: NATIVE, type: null, headers: null, body: null };
  if (!isSound(detail, () => detailChecksum({ seq, source, type, delivery, start, stop })))
    onDamagedRow({ table: "details", seq, messageId });
  return { ...rest, source, type, ...new BodySpans(db, onDamagedRow).read({ delivery, start, stop }) };
}
