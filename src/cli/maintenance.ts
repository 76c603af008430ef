/**
 * The database of a command that works on it without a server, and what its engine can't do said in
 * one line.
 */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Maintenance } from "../core/maintenance.ts";
import type { Upgrade } from "../core/upgrade.ts";
import { randomId } from "../lib/chance.ts";
import { systemClock } from "../lib/clock.ts";
import { openMaintenance } from "../storage/open.ts";
import { UsageError } from "./errors.ts";
import { say } from "./output.ts";

/** Throws `StartRefused`. */
export function maintenanceOf(url: DatabaseUrl): Maintenance {
  return openMaintenance(url, { clock: systemClock, newId: randomId, onUpgrade: sayUpgrade });
}

function sayUpgrade({ file = "the database", from, to, ms, added }: Upgrade): void {
  const done = ms === undefined ? "is made anew" : `was upgraded in ${ms} ms`;
  say(`${file} ${done}: schema ${from} to ${to}${added === undefined ? "" : `, with ${added}`}`);
}

/** What the command needs of the engine. Throws `UsageError` when it isn't offered. */
export function needed<T>(offered: T | undefined, command: string): T {
  if (offered !== undefined) return offered;
  throw new UsageError(`${command} works on a SQLite file, and DATABASE_URL names a PostgreSQL server`);
}
