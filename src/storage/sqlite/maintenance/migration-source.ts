/** The database that a migration reads, which it never writes to. */

import type { Consumer } from "../../../core/consumers.ts";
import { DatabaseInUse, StartRefused } from "../../../core/errors.ts";
import type { MigrationSource } from "../../../core/maintenance.ts";
import { openForReading } from "../connection/files.ts";
import { type FileLock, lockFile } from "../connection/lock.ts";
import { endOfLog } from "../connection/log-end.ts";
import { hasConsumers, hasPosts } from "../connection/schema.ts";
import { readConsumers } from "../ingest/consumer-rows.ts";

/**
 * Looks at the file; throws `StartRefused` when it can't be read, or an earlier version wrote it.
 */
export function openMigrationSource(path: string): MigrationSource {
  // A lock is not made beside a file that isn't there.
  openForReading(path).close();
  const lock = lockIfFree(path);
  try {
    return {
      name: path,
      ...look(path),
      isStill: lock !== undefined,
      consumers: () => consumersOf(path),
      close: async () => lock?.release(),
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

function lockIfFree(path: string): FileLock | undefined {
  try {
    return lockFile(path);
  } catch (error) {
    if (error instanceof DatabaseInUse) return undefined;
    throw error;
  }
}

function consumersOf(path: string): readonly Consumer[] {
  const db = openForReading(path);
  try {
    return hasConsumers(db) ? readConsumers(db) : [];
  } finally {
    db.close();
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
