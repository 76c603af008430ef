/**
 * The indexes that lead from a batch to its rows, and to events by their type, in databases of
 * earlier versions, which were made without them.
 */
import type { Session } from "../connection/connection.ts";
import type { Direct } from "../connection/direct.ts";
import { BATCH_INDEXES, LATER_INDEXES } from "../connection/schema.ts";
import { makeIndex, stateOf } from "./concurrent-index.ts";

/** Whether those by batch can be used. */
export async function hasBatchIndexes(session: Session): Promise<boolean> {
  for (const { name, table } of BATCH_INDEXES)
    if ((await stateOf(session, name, table)) !== "there") return false;
  return true;
}

/** Makes what is missing. Resolves with why one of them isn't there; undefined when they are. */
export async function makeLaterIndexes(direct: Direct, replica: string): Promise<string | undefined> {
  return direct.use(async (connection) => {
    for (const index of LATER_INDEXES) {
      const made = await makeIndex(connection, replica, index);
      if (made !== "there") return made === "under way" ? "another replica is at it" : made.failure;
    }
    return undefined;
  });
}
