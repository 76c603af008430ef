// Compares what a store answered with what it keeps, after it has stopped: every 200 must be a row, exactly once.

import { Database } from "bun:sqlite";

/** What was answered with 200 for the messages sent to one own number. */
export type Acknowledged = { to: string; answered: number; connections: number };

/** Says what is wrong with the rows, if anything; what was still under way when wrk ended may be stored unanswered. */
export function rowProblems(databasePath: string, acknowledged: Acknowledged): string[] {
  const { rows, ids } = countRows(databasePath, acknowledged.to);
  const unanswered = ids - acknowledged.answered;
  const problems: string[] = [];
  if (rows !== ids) problems.push(`${rows} rows hold only ${ids} distinct ids`);
  if (unanswered < 0)
    problems.push(`${-unanswered} of ${acknowledged.answered} acknowledged messages are no rows`);
  if (unanswered > acknowledged.connections) problems.push(`${unanswered} rows were never acknowledged`);
  return problems;
}

export function countRows(databasePath: string, to: string): { rows: number; ids: number } {
  const database = new Database(databasePath, { readwrite: true });
  try {
    return (
      database
        .query<{ rows: number; ids: number }, [string]>(
          "select count(*) as rows, count(distinct message_id) as ids from messages where to_msisdn = ?",
        )
        .get(to) ?? { rows: 0, ids: 0 }
    );
  } finally {
    database.close();
  }
}
