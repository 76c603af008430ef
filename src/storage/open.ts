/** Which engine keeps the messages: beside `serve.ts` the only place that knows. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Store } from "../core/store.ts";
import { openSqlite, type SqliteOptions } from "./sqlite/store.ts";

export type StoreOptions = Omit<SqliteOptions, "path">;

/** Opens the store of a URL. Throws `StartRefused` when it can't be opened. */
export function openStore(url: DatabaseUrl, options: StoreOptions): Promise<Store> {
  return openSqlite({ ...options, path: url.path });
}
