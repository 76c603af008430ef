/**
 * Indexes that are made while the service runs, and outside a transaction, so that nothing is
 * locked. Several replicas must not make one at once: they would wait for each other in a circle.
 */
import type { Connection, Session } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { holdLease } from "../connection/lease.ts";

interface ConcurrentIndex {
  readonly name: string;
  readonly table: string;
  /** What comes after `create index`. */
  readonly definition: string;
  /** What has to be there first. */
  readonly extension?: string;
}

type IndexState = "there" | "under way" | "missing";

/** One lease for all indexes. Replicas of earlier versions know it too. */
const LEASE = "search index";

/**
 * Makes the index where it is missing or was left half made, unless another replica is at it or at
 * another one of the table. Resolves with what has become of it; a failure says why.
 */
export async function makeIndex(
  connection: Connection,
  replica: string,
  { name, table, definition, extension }: ConcurrentIndex,
): Promise<"there" | "under way" | { readonly failure: string }> {
  const state = await stateOf(connection, name, table);
  if (state !== "missing") return state;
  if (!(await holdLease(connection, LEASE, replica))) return "under way";
  try {
    if (extension !== undefined) await connection.script(extension);
    await connection.script(`drop index concurrently if exists ${name}`);
    await connection.script(`create index concurrently ${definition}`);
    return "there";
  } catch (error) {
    const left = await stateOf(connection, name, table);
    return left === "missing" ? { failure: failureOf(error).reason } : left;
  }
}

/** One that is half made is missing, unless somebody is at it. */
export async function stateOf(session: Session, name: string, table: string): Promise<IndexState> {
  const [row] = await session.run<{ there: boolean; under_way: boolean }>(
    `select exists (select 1 from pg_index where indexrelid = to_regclass($1) and indisvalid) as there,
       exists (select 1 from pg_stat_progress_create_index where relid = to_regclass($2)) as under_way`,
    [name, table],
  );
  if (row?.there === true) return "there";
  return row?.under_way === true ? "under way" : "missing";
}
