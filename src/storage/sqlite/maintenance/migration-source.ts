/** The database that a migration reads, which it never writes to. */
import { StartRefused } from "../../../core/errors.ts";
import { openForReading } from "../connection/files.ts";
import { FileInUse, type FileLock, lockFile } from "../connection/lock.ts";
import { endOfLog } from "../connection/log-end.ts";
import { hasPosts } from "../connection/schema.ts";

export interface MigrationSource {
  /** The name that the log gave itself when it was made. */
  readonly log: string;
  /** The last `seq` when it was opened. */
  readonly seq: number;
  /** Whether nobody can write to it until it is closed. */
  readonly isStill: boolean;
  readonly close: () => void;
}

/** Looks at the file; throws `StartRefused` when it can't be read, or an earlier version wrote it. */
export function openMigrationSource(path: string): MigrationSource {
  // A lock is not made beside a file that isn't there.
  openForReading(path).close();
  const lock = lockIfFree(path);
  try {
    return { ...look(path), isStill: lock !== undefined, close: () => lock?.release() };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

function lockIfFree(path: string): FileLock | undefined {
  try {
    return lockFile(path);
  } catch (error) {
    if (error instanceof FileInUse) return undefined;
    throw error;
  }
}

function look(path: string): { log: string; seq: number } {
  const db = openForReading(path);
  try {
    if (!hasPosts(db))
      throw new StartRefused(
        `${path} was written by an earlier Postern: start this one on it once, then migrate`,
      );
    const row = db.query<{ value: string }, []>("select value from meta where key = 'log_id'").get();
    return { log: row?.value ?? "", seq: endOfLog(db).seq };
  } finally {
    db.close();
  }
}
