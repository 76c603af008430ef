/** Reads one message with all that is known of it. */
import type { LoggedMessage } from "../../../core/message.ts";
import { NATIVE } from "../../../core/source.ts";
import type { StoredMessage } from "../../../core/store.ts";
import { headersOf, MESSAGE_COLUMNS, selected } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import { seqOf } from "../connection/schema.ts";
import { latestEvents, Unnumbered } from "./event-queries.ts";

type Row = LoggedMessage & {
  readonly seq: number | null;
  readonly source: string | null;
  readonly type: string | null;
  readonly body: Uint8Array | null;
  readonly headers: string | null;
};

/** Undefined when there is no such message. Throws `Unnumbered`. */
export async function readMessage(session: Session, messageId: string): Promise<StoredMessage | undefined> {
  const [row] = await session.run<Row>(
    `select ${selected(MESSAGE_COLUMNS, "m")},
       ${seqOf("m", "b")} as seq, m.source, m.type, substr(d.body, m.start + 1, m.stop - m.start) as body, d.headers
     from messages m left join batches b on b.batch = m.batch
       left join deliveries d on d.batch = m.batch and d.delivery = m.delivery
     where m.message_id = $1`,
    [messageId],
  );
  if (row === undefined) return undefined;
  if (row.seq === null) throw new Unnumbered("its batch has no number yet");
  return {
    ...row,
    source: row.source ?? NATIVE,
    headers: headersOf(row.headers),
    body: row.body === null ? null : new Uint8Array(row.body),
    events: await latestEvents(session, messageId),
  };
}
