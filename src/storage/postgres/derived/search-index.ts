/**
 * The index that finds parts of texts. It needs the extension `pg_trgm`, which the server may refuse; searches then look
 * at every text. Several replicas must not make it at once: they would wait for each other in a circle.
 */
import type { Connection, Session } from "../connection/connection.ts";
import { holdLease } from "../connection/lease.ts";
import { SEARCH_INDEX } from "../connection/schema.ts";

const { name: NAME, extension: EXTENSION, definition: INDEX } = SEARCH_INDEX;
const LEASE = "search index";

/** Where so many rows are to come that it is quicker made after them. */
export async function dropSearchIndex(session: Session): Promise<void> {
  await session.run(`drop index if exists ${NAME}`);
}

/**
 * Makes the index while messages come in, where it is missing or was left half made, unless another replica is at it.
 * Resolves with whether it is there, or is being made; outside a transaction, so that nothing is locked.
 */
export async function makeSearchIndex(connection: Connection, replica: string): Promise<boolean> {
  if ((await stateOf(connection)) !== "missing") return true;
  if (!(await holdLease(connection, LEASE, replica))) return true;
  try {
    await connection.script(EXTENSION);
    await connection.script(`drop index concurrently if exists ${NAME}`);
    await connection.script(`create index concurrently ${INDEX}`);
    return true;
  } catch {
    return (await stateOf(connection)) !== "missing";
  }
}

async function stateOf(connection: Connection): Promise<"there" | "under way" | "missing"> {
  const [row] = await connection.run<{ there: boolean; under_way: boolean }>(
    `select exists (select 1 from pg_index where indexrelid = to_regclass('${NAME}') and indisvalid) as there,
       exists (select 1 from pg_stat_progress_create_index where relid = to_regclass('messages')) as under_way`,
  );
  if (row?.there === true) return "there";
  return row?.under_way === true ? "under way" : "missing";
}
