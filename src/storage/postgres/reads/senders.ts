/** Reads whose messages these are, by the primary key, which is what distributes `messages`. */
import { NATIVE } from "../../../core/source.ts";
import type { Session } from "../connection/connection.ts";

export interface Sender {
  readonly source: string;
  readonly from: string;
}

/** Of a statement; the protocol takes 65,535. */
const IDS_MAX = 1000;

/** Of those that are stored. */
export async function readSenders(
  session: Session,
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, Sender>> {
  const ids = [...new Set(messageIds)];
  const senders = new Map<string, Sender>();
  for (let first = 0; first < ids.length; first += IDS_MAX) {
    const some = ids.slice(first, first + IDS_MAX);
    // Values and no subquery, so that Citus asks only the shards that have them.
    const rows = await session.run<Sender & { message_id: string }>(
      `select message_id, coalesce(source, '${NATIVE}') as source, from_msisdn as "from" from messages
       where message_id in (${some.map((_, index) => `$${index + 1}`).join(", ")})`,
      some,
    );
    for (const { message_id, source, from } of rows) senders.set(message_id, { source, from });
  }
  return senders;
}
