/** What is committed and not in the counts yet: with it, counts are exact at every moment. */
import type { Session } from "../connection/connection.ts";
import { type Items, joinItems, parseItems } from "../ingest/items.ts";

/** Of the session's snapshot. */
export async function tailItems(session: Session): Promise<Items> {
  const rows = await session.run<{ items: string | null }>("select items from batches where seq is null");
  return joinItems(rows.map(({ items }) => parseItems(items)));
}
