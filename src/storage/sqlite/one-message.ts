/** Reads one message with all that is known of it. */
import type { Database } from "bun:sqlite";
import type { LoggedMessage } from "../../core/message.ts";
import { NATIVE } from "../../core/source.ts";
import type { StoredEvent, StoredMessage } from "../../core/store.ts";
import { type PartPlace, Parts } from "./parts.ts";

const ONE = `
  select message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at, seq,
    source, type, delivery, start, stop
  from messages left join details using (seq) where message_id = ?`;

type Row = LoggedMessage & (Details | Record<keyof Details, null>);
type Details = PartPlace & { readonly source: string; readonly type: string };

/** Null when there is no such message; `events` is asked when there is. */
export function storedMessage(
  db: Database,
  messageId: string,
  events: () => readonly StoredEvent[],
): StoredMessage | null {
  const row = db.query<Row, [string]>(ONE).get(messageId);
  if (row === null) return null;
  const { source, type, delivery, start, stop, ...message } = row;
  const rest = { ...message, events: events() };
  return source === null
    ? { ...rest, source: NATIVE, type: null, body: null }
    : { ...rest, source, type, body: new Parts(db).read({ delivery, start, stop }) };
}
