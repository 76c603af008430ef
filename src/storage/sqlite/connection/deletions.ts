/**
 * Rows of the log that somebody deleted. Postern deletes none, but SQLite's own shell can: then
 * what was derived holds more than there is. The database counts them itself, by triggers that cost
 * an insert nothing.
 */
import type { Database } from "bun:sqlite";

/** Tables that the index is derived from. */
const FOLLOWED = ["messages", "details", "events"];

/** `meta` has the count once there is one. */
export const COUNT_DELETIONS = FOLLOWED.map(
  (table) => `
  create trigger if not exists count_deleted_${table} after delete on ${table} begin
    insert into meta values ('deletions', '1') on conflict (key) do update set value = value + 1;
  end;`,
).join("");

/** How many rows were deleted so far; `schema` is that of the log. */
export function countDeletions(db: Database, schema: "main" | "log" = "main"): number {
  const sql = `select value from ${schema}.meta where key = 'deletions'`;
  return Number(db.query<{ value: string }, []>(sql).get()?.value ?? 0);
}
