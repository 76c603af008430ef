/**
 * Where `created_at` last went back in the order of `seq`: by a clock that was set, or an import of
 * older records. Whoever looks for an instant has to know it.
 */
import type { Database } from "bun:sqlite";

interface Disorder {
  /** Of the last record that was received before one of a lower number. */
  readonly seq: number;
  /** The greatest key of `created_at` up to there. */
  readonly latest: string;
}

const KEY = "received_disorder";

/** Undefined while `created_at` rises everywhere. */
export function readDisorder(db: Database): Disorder | undefined {
  const row = db.query<{ value: string }, [string]>("select value from meta where key = ?").get(KEY);
  return row === null ? undefined : (JSON.parse(row.value) as Disorder);
}

export function writeDisorder(db: Database, disorder: Disorder): void {
  db.query("insert into meta values (?, ?) on conflict (key) do update set value = excluded.value").run(
    KEY,
    JSON.stringify(disorder),
  );
}
