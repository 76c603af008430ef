/**
 * Work beside the receiving of messages, in transactions that no hanging server and no dead
 * connection can hold up: it fails after a bounded time, and is tried again by whoever wanted it.
 */
import { type Connection, HANG_MS, type Mode, type Session } from "./connection.ts";
import { guarding, limit } from "./safe-commit.ts";

/**
 * For each statement. No such statement looks at more than a few thousand rows; most of the time
 * would be for a lock.
 */
const STATEMENT_MS_MAX = 10_000;

export function boundedTransaction<T>(
  connection: Connection,
  mode: Mode,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return connection.transaction(
    mode,
    async (session) => {
      const [, done] = await Promise.all([limit(session, STATEMENT_MS_MAX), work(session)]);
      return done;
    },
    STATEMENT_MS_MAX + HANG_MS,
  );
}

/**
 * The same in two turns, as `Connection.commit`; whatever it shows to anybody is on stable storage.
 */
export function boundedCommit(
  connection: Connection,
  first: string,
  work: (found: readonly (readonly object[])[]) => string,
): Promise<void> {
  return connection.commit(
    `${guarding(STATEMENT_MS_MAX)}; ${first}`,
    async (_session, [, ...found]) => work(found),
    STATEMENT_MS_MAX + HANG_MS,
  );
}
