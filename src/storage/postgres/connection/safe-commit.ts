/** What a transaction asks of the server before it commits, and how long the server bears it. */
import type { Session } from "./connection.ts";

/**
 * The commit is on stable storage, and on the synchronous standbys if there are any, before it is
 * answered.
 */
const SYNC = `set_config('synchronous_commit',
  case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true)`;

/**
 * Of each statement, and of the silence between two: a session whose client is gone without a word
 * keeps its locks no longer, whatever the server's own settings are.
 */
const limits = (withinMs: number) =>
  `set_config('statement_timeout', '${Math.max(1, Math.ceil(withinMs))}', true),
   set_config('idle_in_transaction_session_timeout', '10s', true)`;

/**
 * Also where the server's own setting is otherwise. For whatever is shown to anybody, such as
 * numbers.
 */
export async function commitSafely(session: Session): Promise<void> {
  await session.run(`select ${SYNC}`);
}

/** The same for messages, with limits; what it gives is for `checkSynced`. */
export function guarding(withinMs: number): string {
  return `select current_setting('fsync') as fsync, ${limits(withinMs)}, ${SYNC}`;
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

/** For what commits nothing that anybody waits for. */
export async function limit(session: Session, withinMs: number): Promise<void> {
  await session.run(`select ${limits(withinMs)}`);
}
