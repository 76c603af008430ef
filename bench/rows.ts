// Compares what a store answered with what it keeps, after it has stopped: every 200 must be a row,
// exactly once. Only the counting knows that SQLite keeps it.

import { Database } from "bun:sqlite";

/** What was answered with 200 for the messages sent to one own number. */
type Acknowledged = { to: string; answered: number; connections: number };

/** The rows of one own number, and their distinct ids. */
export type Kept = { rows: number; ids: number };

export function rowProblems(databasePath: string, acknowledged: Acknowledged): string[] {
  return keptProblems(countRows(databasePath, acknowledged.to), acknowledged);
}

/**
 * Says what is wrong with the rows, if anything; what was still under way when wrk ended may be
 * stored unanswered.
 */
export function keptProblems({ rows, ids }: Kept, acknowledged: Acknowledged): string[] {
  const unanswered = ids - acknowledged.answered;
  const problems: string[] = [];
  if (rows !== ids) problems.push(`${rows} rows hold only ${ids} distinct ids`);
  if (unanswered < 0)
    problems.push(`${-unanswered} of ${acknowledged.answered} acknowledged messages are no rows`);
  if (unanswered > acknowledged.connections) problems.push(`${unanswered} rows were never acknowledged`);
  return problems;
}

export function countRows(databasePath: string, to: string): Kept {
  const database = new Database(databasePath, { readwrite: true });
  try {
    return (
      database
        .query<Kept, [string]>(
          "select count(*) as rows, count(distinct message_id) as ids from messages where to_msisdn = ?",
        )
        .get(to) ?? { rows: 0, ids: 0 }
    );
  } finally {
    database.close();
  }
}
