/** The database that a migration reads, which it never writes to. */

import type { Consumer } from "../../../core/consumers.ts";
import type { Failure, FailureKey } from "../../../core/deliveries.ts";
import { DatabaseInUse, StartRefused } from "../../../core/errors.ts";
import type { KeptDeliveries, MigrationSource } from "../../../core/maintenance.ts";
import { openForReading } from "../connection/files.ts";
import { type FileLock, lockFile } from "../connection/lock.ts";
import { endOfLog } from "../connection/log-end.ts";
import { hasConsumers, hasDeliveries, hasPosts } from "../connection/schema.ts";
import { readConsumers } from "../ingest/consumer-rows.ts";
import { FAILURE, readDestinations } from "../ingest/delivery-rows.ts";
import { keptSeries } from "./kept-series.ts";

/** Rows that are read at once. */
const PIECE_ROWS = 1000;

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
      deliveries: () => deliveriesOf(path),
      series: () => keptSeries(path),
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

function deliveriesOf(path: string): readonly KeptDeliveries[] {
  using db = openForReading(path);
  if (!hasDeliveries(db)) return [];
  return readDestinations(db).map(({ destination, replays }) => ({
    destination,
    replays,
    failures: failuresOf(path, destination.name),
  }));
}

function* failuresOf(path: string, name: string): Generator<readonly Failure[], void> {
  using db = openForReading(path);
  const query = db.query<Failure, [string, number, string, number]>(
    `${FAILURE} where destination = ? and (seq, replay) > (?, ?) order by seq, replay limit ?`,
  );
  let after: FailureKey | undefined = { seq: -1, replay: "" };
  while (after !== undefined) {
    const piece: readonly Failure[] = query.all(name, after.seq, after.replay, PIECE_ROWS);
    if (piece.length > 0) yield piece;
    after = piece.at(-1);
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
