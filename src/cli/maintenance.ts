/**
 * The database of a command that works on it without a server, and what its engine can't do said in
 * one line.
 */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Maintenance } from "../core/maintenance.ts";
import { randomId } from "../lib/chance.ts";
import { systemClock } from "../lib/clock.ts";
import { openMaintenance } from "../storage/open.ts";
import { UsageError } from "./errors.ts";

/** Throws `StartRefused`. */
export function maintenanceOf(url: DatabaseUrl): Maintenance {
  return openMaintenance(url, { clock: systemClock, newId: randomId });
}

/** What the command needs of the engine. Throws `UsageError` when it isn't offered. */
export function needed<T>(offered: T | undefined, command: string): T {
  if (offered !== undefined) return offered;
  throw new UsageError(`${command} works on a SQLite file, and DATABASE_URL names a PostgreSQL server`);
}
