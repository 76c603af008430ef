/** Which engine keeps the messages: beside `serve.ts` the only place that knows. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { LoggedMessage } from "../core/message.ts";
import type { Store } from "../core/store.ts";
import type { Clock } from "../lib/clock.ts";
import { exportSlices } from "./sqlite/export.ts";
import { type Import, type ImportRecord, openImport } from "./sqlite/import.ts";
import { openSqlite, type SqliteOptions } from "./sqlite/store.ts";

export type { Import, ImportRecord };
export type StoreOptions = Omit<SqliteOptions, "path">;

/** Opens the store of a URL. Throws `StartRefused` when it can't be opened. */
export function openStore(url: DatabaseUrl, options: StoreOptions): Promise<Store> {
  return openSqlite({ ...options, path: url.path });
}

/** Opens the database of a URL for an import without a server. Throws `StartRefused` while a server has it. */
export function importInto(url: DatabaseUrl, clock: Clock): Import {
  return openImport(url.path, clock);
}

/** Every stored message from `seq` `since` on, in the order of the log. Throws `StartRefused`. */
export function exportFrom(url: DatabaseUrl, since: number): Generator<readonly LoggedMessage[]> {
  return exportSlices(url.path, since);
}
