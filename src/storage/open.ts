/** Which engine keeps the messages: beside `serve.ts` the only place that knows. */
import type { DatabaseUrl, PostgresUrl, SqliteUrl } from "../core/database-url.ts";
import type { LogRecord } from "../core/log-record.ts";
import type { Store } from "../core/store.ts";
import type { NewId } from "../lib/chance.ts";
import type { Clock } from "../lib/clock.ts";
import { exportLog } from "./postgres/maintenance/export.ts";
import { type LogImport, openLogImport } from "./postgres/maintenance/import.ts";
import { openPostgres } from "./postgres/store.ts";
import { REMEDY } from "./sqlite/connection/damage.ts";
import { FileInUse } from "./sqlite/connection/lock.ts";
import { realFile } from "./sqlite/connection/real-file.ts";
import { indexNumbers, indexPath } from "./sqlite/derived/index-file.ts";
import { rebuild } from "./sqlite/derived/offline-index.ts";
import { type Examination, examine, rowsToExamine } from "./sqlite/maintenance/doctor.ts";
import {
  describeDamage,
  type ExportOptions,
  exportSlices,
  type LogDamage,
} from "./sqlite/maintenance/export.ts";
import { type Import, type ImportRecord, openImport } from "./sqlite/maintenance/import.ts";
import { type MigrationSource, openMigrationSource } from "./sqlite/maintenance/migration-source.ts";
import { openSqlite, type SqliteOptions } from "./sqlite/store.ts";

export type { Examination, Import, ImportRecord, LogDamage, LogImport, MigrationSource };
export { describeDamage, FileInUse, REMEDY };
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

/** Opens the database of a URL for an import without a server. Throws `StartRefused` while a server has it. */
export function importInto(url: SqliteUrl, clock: Clock): Import {
  return openImport(realFile(url.path), clock);
}

/** Everything that is stored from `seq` `since` on, in the order of the log. Throws `StartRefused`. */
export async function* exportFrom(
  url: DatabaseUrl,
  since: number,
  options?: ExportOptions,
): AsyncGenerator<readonly LogRecord[]> {
  if (url.engine === "sqlite") yield* exportSlices(realFile(url.path), since, options);
  else yield* exportLog(url.url, since);
}

/** The source of a migration. Throws `StartRefused`. */
export function migrationSource(url: SqliteUrl): MigrationSource {
  return openMigrationSource(realFile(url.path));
}

/** The target of a migration of the log with this name. Throws `StartRefused` when anything else is in it. */
export function migrationTarget(url: PostgresUrl, log: string, newId: NewId): Promise<LogImport> {
  return openLogImport(url.url, log, newId);
}

/** Compares what is derived with the log; yields how many rows it looked at since. Throws `StartRefused`. */
export function examineDatabase(url: SqliteUrl): Generator<number, Examination> {
  return examine(realFile(url.path));
}

/** Rows that an examination looks at. Throws `StartRefused`. */
export function rowsIn(url: SqliteUrl): number {
  return rowsToExamine(realFile(url.path));
}

/** Makes what is derived anew; yields the row that it has come to. Throws `FileInUse` while a server has the file. */
export function rebuildIndexOf(url: SqliteUrl): Generator<number, void> {
  return rebuild(realFile(url.path));
}

/** The files that hold what is derived. */
export function indexFilesOf(url: SqliteUrl): string[] {
  const path = realFile(url.path);
  return indexNumbers(path).map((number) => indexPath(path, number));
}
