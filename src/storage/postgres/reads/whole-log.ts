/**
 * Reads the whole log from one snapshot, through the server's cursor, in a database without the
 * indexes by batch: to sort everything once is better than to look at every row for each page.
 */
import type { Session } from "../connection/connection.ts";
import { seqOf } from "../connection/schema.ts";
import { type PageRecords, Records } from "./log-posts.ts";
import { EVENTS, MESSAGES, type NumberedRow } from "./log-rows.ts";

/**
 * Everything that is numbered after `after`, in pages of so many rows; the transaction is the
 * caller's.
 */
export async function* readWholeLog(
  session: Session,
  after: number,
  pageRows: number,
): AsyncGenerator<PageRecords> {
  await session.script(`
    set local cursor_tuple_fraction = 1;
    declare log no scroll cursor for
      select r.*, ${seqOf("r", "b")} as seq from (${MESSAGES} union all ${EVENTS}) r
      join batches b on b.batch = r.batch where ${seqOf("r", "b")} > ${after} order by seq`);
  const records = new Records();
  for (let more = true; more; ) {
    const rows = await session.run<NumberedRow>(`fetch ${pageRows} from log`);
    more = rows.length === pageRows;
    yield await records.of(session, rows);
  }
}
