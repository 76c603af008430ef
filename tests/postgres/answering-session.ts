/**
 * A session that gives the answers of a test, for answers that no server gives when a test wants
 * them: an older version, a standby, a connection that is lost in the middle of a commit. What SQL
 * does is tested on a real server.
 */
import type { Connection, Session } from "../../src/storage/postgres/connection/connection.ts";

/** What a statement gives; throws what it fails with. */
type Answer = (sql: string, values: readonly unknown[]) => readonly object[];

interface AnsweringSession extends Session {
  /** Every statement in its order. */
  readonly asked: string[];
}

export function sessionOf(answer: Answer): AnsweringSession {
  const asked: string[] = [];
  return {
    asked,
    run: async <T extends object>(sql: string, values: readonly unknown[] = []) => {
      asked.push(sql);
      return answer(sql, values) as readonly T[];
    },
    script: async (sql) => {
      asked.push(sql);
      answer(sql, []);
    },
  };
}

/** Whose transactions all run in that session. */
export function connectionOf(session: Session): Connection {
  const transaction = <T>(_: string, work: (session: Session) => Promise<T>) => work(session);
  return { ...session, transaction } as unknown as Connection;
}
