/**
 * A session that keeps the texts of the statements that it was given, for tests of how many there
 * are.
 */
import type { Session } from "../../src/storage/postgres/connection/connection.ts";

interface RecordedSession extends Session {
  readonly texts: readonly string[];
}

export function recorded(session: Session): RecordedSession {
  const texts: string[] = [];
  return {
    texts,
    run: (text, values) => {
      texts.push(text);
      return session.run(text, values);
    },
    script: (text) => {
      texts.push(text);
      return session.script(text);
    },
  };
}
