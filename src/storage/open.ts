/** Which engine keeps the messages: beside `serve.ts` the only place that knows. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Maintenance } from "../core/maintenance.ts";
import type { Store } from "../core/store.ts";
import type { OnUpgrade } from "../core/upgrade.ts";
import type { NewId } from "../lib/chance.ts";
import type { Clock } from "../lib/clock.ts";
import { postgresMaintenance } from "./postgres/maintenance/maintenance.ts";
import { openPostgres } from "./postgres/store.ts";
import { realFile } from "./sqlite/connection/real-file.ts";
import { sqliteMaintenance } from "./sqlite/maintenance/maintenance.ts";
import { openSqlite, type SqliteOptions } from "./sqlite/store.ts";

export interface StoreOptions extends Omit<SqliteOptions, "path"> {
  readonly newId: NewId;
  /** The same PostgreSQL database, where the URL leads to a pooler. */
  readonly directUrl?: string | undefined;
  /** Of a hot standby of the PostgreSQL server, which answers reads. */
  readonly readUrl?: string | undefined;
}

/** Opens the store of a URL. Throws `StartRefused` when it can't be opened. */
export async function openStore(url: DatabaseUrl, options: StoreOptions): Promise<Store> {
  switch (url.engine) {
    case "sqlite":
      return openSqlite({ ...options, path: realFile(url.path) });
    case "postgres":
      return openPostgres({ ...options, url: url.url });
  }
}

interface MaintenanceOptions {
  readonly onUpgrade: OnUpgrade;
  readonly clock: Clock;
  readonly newId: NewId;
}

/**
 * What can be done with the database of a URL without serving it. Throws `StartRefused` for a file
 * with two names.
 */
export function openMaintenance(
  url: DatabaseUrl,
  { clock, newId, onUpgrade }: MaintenanceOptions,
): Maintenance {
  switch (url.engine) {
    case "sqlite":
      return sqliteMaintenance(realFile(url.path), clock, onUpgrade);
    case "postgres":
      return postgresMaintenance(url.url, newId, onUpgrade);
  }
}
