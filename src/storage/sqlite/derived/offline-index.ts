/**
 * Brings the index file up without a server: after an import, or from nothing for
 * `postern doctor --rebuild`.
 */
import type { OnUpgrade } from "../../../core/upgrade.ts";
import { openFailure } from "../connection/damage.ts";
import { openForReading, openForWriting } from "../connection/files.ts";
import { lockFile } from "../connection/lock.ts";
import { migrate } from "../connection/schema.ts";
import { INDEX_LIMITS } from "./followers.ts";
import { indexNumbers, removeIndex } from "./index-file.ts";
import { type LogIndex, makeLogIndex, openLogIndex } from "./log-index.ts";

/**
 * The more pages are at hand, the fewer are read and written again; nothing else runs in the
 * process.
 */
const CACHE_KIB = 256 * 1024;

/**
 * Takes the index to the log's end, for whoever holds the file's lock; yields how many rows it has
 * taken.
 */
export function* follow(path: string, onUpgrade: OnUpgrade): Generator<number, void> {
  using log = openForReading(path);
  yield* advance(openLogIndex(log, path, INDEX_LIMITS, CACHE_KIB, { onUpgrade }));
}

/** Makes the index anew. Throws `DatabaseInUse` while a server has the file. */
export function* rebuild(path: string, onUpgrade: OnUpgrade): Generator<number, void> {
  openForReading(path).close();
  const lock = lockFile(path);
  try {
    using writable = openForWriting(path);
    const upgrade = migrate(writable, path);
    if (upgrade !== undefined) onUpgrade(upgrade);
    const before = indexNumbers(path);
    using log = openForReading(path);
    yield* advance(makeLogIndex(log, path, Math.max(0, ...before) + 1, INDEX_LIMITS, CACHE_KIB));
    for (const number of before) removeIndex(path, number);
  } catch (error) {
    // The index is new: what can't be read is the log.
    throw openFailure(path, error);
  } finally {
    lock.release();
  }
}

function* advance(index: LogIndex): Generator<number, void> {
  try {
    while (index.advance()) yield index.row;
  } finally {
    index.close();
  }
}
