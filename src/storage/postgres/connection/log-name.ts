/** The name that the log has given itself, which the positions of its records carry. */
import { StorageUnavailable } from "../../../core/errors.ts";
import { identityOf } from "../../../core/position.ts";
import type { Session } from "./connection.ts";

/**
 * Makes it where it is missing: that of the log that an earlier version has taken over, else a new
 * one. Of several who make it at once all get the first.
 */
export const MAKE_LOG_NAME = `
  insert into meta values ('log_id', coalesce(
    (select nullif(value::json ->> 'log', '') from meta where key = 'migration'),
    replace(gen_random_uuid()::text, '-', '')
  )) on conflict do nothing;`;

/** What positions begin with, by the session's snapshot: another server may have taken over. */
export async function readLogIdentity(session: Session): Promise<string> {
  const [row] = await session.run<{ value: string }>("select value from meta where key = 'log_id'");
  if (row === undefined) throw new StorageUnavailable("storage unavailable", "the log has no name yet");
  return identityOf(row.value);
}

/** The log's from now on. */
export async function takeOverLogName(session: Session, name: string): Promise<void> {
  await session.run(
    "insert into meta values ('log_id', $1) on conflict (key) do update set value = excluded.value",
    [name],
  );
}
