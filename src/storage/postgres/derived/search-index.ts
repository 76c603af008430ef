/**
 * The index that finds parts of texts. It needs the extension `pg_trgm`, which the server may
 * refuse; searches then look at every text.
 */
import type { Connection, Session } from "../connection/connection.ts";
import { SEARCH_INDEX } from "../connection/schema.ts";
import { makeIndex } from "./concurrent-index.ts";

/** Where so many rows are to come that it is quicker made after them. */
export async function dropSearchIndex(session: Session): Promise<void> {
  await session.run(`drop index if exists ${SEARCH_INDEX.name}`);
}

/** Resolves with whether it is there, or is being made. */
export async function makeSearchIndex(connection: Connection, replica: string): Promise<boolean> {
  return typeof (await makeIndex(connection, replica, SEARCH_INDEX)) === "string";
}
