/** Where the log ends. */
import type { Database } from "bun:sqlite";

export interface LogEnd {
  /** The last message. */
  readonly row: number;
  /** The last event. */
  readonly event: number;
  /** The last `seq` of either. */
  readonly seq: number;
}

/** Where the log ends; zeros when it is empty. */
export function endOfLog(db: Database): LogEnd {
  const sql = `
    select coalesce(max(row), 0) as row, coalesce(max(event), 0) as event, coalesce(max(seq), 0) as seq from (
      select * from (select rowid as row, 0 as event, seq from messages order by rowid desc limit 1)
      union all
      select * from (select 0, event, seq from events order by event desc limit 1)
    )`;
  return db.query<LogEnd, []>(sql).get() ?? { row: 0, event: 0, seq: 0 };
}

/** `created_at` of the last record; undefined when there is none. */
export function lastReceived(db: Database): string | undefined {
  const sql = `
    select created_at from (
      select * from (select seq, created_at from messages order by rowid desc limit 1)
      union all
      select * from (select seq, created_at from events order by event desc limit 1)
    ) order by seq desc limit 1`;
  return db.query<{ created_at: string }, []>(sql).get()?.created_at;
}
