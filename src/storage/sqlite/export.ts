/**
 * Reads the whole log in the order of `seq`, for an export beside a running server. Each slice is a snapshot of its
 * own, because one long snapshot would keep the write-ahead log from starting anew; the end is fixed when it begins,
 * and a `seq` at or below it is never given later, so that no row that was there is missed.
 */
import type { LoggedMessage } from "../../core/message.ts";
import { openForReading } from "./files.ts";

const SLICE_ROWS = 1000;

/**
 * Every message from `seq` `since` on that is stored now, a slice at a time. Throws `StartRefused` when the file
 * can't be read.
 */
export function* exportSlices(path: string, since: number): Generator<readonly LoggedMessage[]> {
  const db = openForReading(path);
  try {
    const last = db.query<{ seq: number | null }, []>("select max(seq) as seq from messages").get()?.seq ?? 0;
    const slice = db.query<LoggedMessage, [number, number]>(
      `select seq, message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at from messages
       where seq > ? and seq <= ? order by seq limit ${SLICE_ROWS}`,
    );
    for (let after = since - 1; after < last; ) {
      const rows = slice.all(after, last);
      if (rows.length > 0) yield rows;
      after = rows.length < SLICE_ROWS ? last : (rows.at(-1)?.seq ?? last);
    }
  } finally {
    db.close();
  }
}
