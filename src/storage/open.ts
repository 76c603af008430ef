/** Which engine keeps the messages: beside `serve.ts` the only place that knows. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { LogRecord } from "../core/log-record.ts";
import type { Store } from "../core/store.ts";
import type { Clock } from "../lib/clock.ts";
import { type Examination, examine, rowsToExamine } from "./sqlite/doctor.ts";
import { exportSlices } from "./sqlite/export.ts";
import { rebuild } from "./sqlite/follow.ts";
import { type Import, type ImportRecord, openImport } from "./sqlite/import.ts";
import { indexNumbers, indexPath } from "./sqlite/index/index-file.ts";
import { FileInUse } from "./sqlite/lock.ts";
import { openSqlite, type SqliteOptions } from "./sqlite/store.ts";

export type { Examination, Import, ImportRecord };
export { FileInUse };
export type StoreOptions = Omit<SqliteOptions, "path">;

/** Opens the store of a URL. Throws `StartRefused` when it can't be opened. */
export function openStore(url: DatabaseUrl, options: StoreOptions): Promise<Store> {
  return openSqlite({ ...options, path: url.path });
}

/** Opens the database of a URL for an import without a server. Throws `StartRefused` while a server has it. */
export function importInto(url: DatabaseUrl, clock: Clock): Import {
  return openImport(url.path, clock);
}

/** Everything that is stored from `seq` `since` on, in the order of the log. Throws `StartRefused`. */
export function exportFrom(url: DatabaseUrl, since: number): Generator<readonly LogRecord[]> {
  return exportSlices(url.path, since);
}

/** Compares what is derived with the log; yields how many rows it looked at since. Throws `StartRefused`. */
export function examineDatabase(url: DatabaseUrl): Generator<number, Examination> {
  return examine(url.path);
}

/** Rows that an examination looks at. Throws `StartRefused`. */
export function rowsIn(url: DatabaseUrl): number {
  return rowsToExamine(url.path);
}

/** Makes what is derived anew; yields the row that it has come to. Throws `FileInUse` while a server has the file. */
export function rebuildIndexOf(url: DatabaseUrl): Generator<number, void> {
  return rebuild(url.path);
}

/** The files that hold what is derived. */
export function indexFilesOf(url: DatabaseUrl): string[] {
  return indexNumbers(url.path).map((number) => indexPath(url.path, number));
}
