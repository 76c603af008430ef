/** Reads whose messages these are, by the primary key. */
import type { Database } from "bun:sqlite";
import { NATIVE } from "../../../core/source.ts";

export interface Sender {
  readonly source: string;
  readonly from: string;
}

/** Of those that are stored. */
export function readSenders(db: Database, messageIds: readonly string[]): ReadonlyMap<string, Sender> {
  const rows = db
    .query<Sender & { message_id: string }, [string]>(
      `select message_id, coalesce(source, '${NATIVE}') as source, from_msisdn as "from"
       from (select distinct value from json_each(?)) given
       cross join messages on message_id = given.value
       left join details using (seq)`,
    )
    .all(JSON.stringify(messageIds));
  return new Map(rows.map(({ message_id, source, from }) => [message_id, { source, from }]));
}
