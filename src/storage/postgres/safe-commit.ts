/** What a transaction asks of the server before it commits. */
import type { Session } from "./connection.ts";

/** The commit is on stable storage, and on the synchronous standbys if there are any, before it is answered. */
const SYNC = `set_config('synchronous_commit',
  case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true)`;

/** Also where the server's own setting is otherwise. For whatever is shown to anybody, such as numbers. */
export async function commitSafely(session: Session): Promise<void> {
  await session.run(`select ${SYNC}`);
}

/** The same for messages, with a limit for each statement; what it gives is for `checkSynced`. */
export function guarding(withinMs: number): string {
  const limitMs = Math.max(1, Math.ceil(withinMs));
  return `select current_setting('fsync') as fsync, set_config('statement_timeout', '${limitMs}', true), ${SYNC}`;
}

/** Throws when the server writes nothing to stable storage. */
export function checkSynced(found: readonly object[]): void {
  const [row] = found as readonly { fsync: string }[];
  if (row?.fsync !== "on")
    throw Object.assign(new Error("the server runs with fsync=off"), { errno: "58000" });
}

/** Both at once. */
export async function guard(session: Session, withinMs: number): Promise<void> {
  checkSynced(await session.run(guarding(withinMs)));
}
