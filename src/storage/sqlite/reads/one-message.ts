/** Reads one message with all that is known of it. */
import type { Database } from "bun:sqlite";
import type { LoggedMessage } from "../../../core/message.ts";
import { NATIVE } from "../../../core/source.ts";
import type { StoredEvent, StoredMessage } from "../../../core/store.ts";
import type { OnDamagedRow } from "../connection/damage.ts";
import { detailChecksum, isSound, messageChecksum } from "../connection/row-checksum.ts";
import { type BodySpan, BodySpans } from "./body-spans.ts";

const ONE = `
  select message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at, seq,
    source, type, delivery, start, stop,
    messages.checksum as checksum, details.checksum as detailChecksum
  from messages left join details using (seq) where message_id = ?`;

type Row = LoggedMessage & { readonly checksum: number | null; readonly detailChecksum: number | null } & (
    | Details
    | Record<keyof Details, null>
  );
type Details = BodySpan & { readonly source: string; readonly type: string };

interface Beside {
  /** Asked when there is such a message. */
  readonly events: () => readonly StoredEvent[];
  readonly onDamagedRow: OnDamagedRow;
}

/** Null when there is no such message. A damaged row is told, and given as it is read. */
export function storedMessage(db: Database, messageId: string, beside: Beside): StoredMessage | null {
  const row = db.query<Row, [string]>(ONE).get(messageId);
  if (row === null) return null;
  const { source, type, delivery, start, stop, checksum, detailChecksum: detail, ...message } = row;
  const { seq } = message;
  const { onDamagedRow } = beside;
  if (!isSound(checksum, () => messageChecksum(message))) onDamagedRow({ table: "messages", seq, messageId });
  const rest = { ...message, events: beside.events() };
  if (source === null) return { ...rest, source: NATIVE, type: null, body: null };
  if (!isSound(detail, () => detailChecksum({ seq, source, type, delivery, start, stop })))
    onDamagedRow({ table: "details", seq, messageId });
  return { ...rest, source, type, body: new BodySpans(db, onDamagedRow).read({ delivery, start, stop }) };
}
