/** The file that DATABASE_URL names, for the commands that work on a file and not through a server. */
import { readSome } from "../config.ts";
import type { SqliteUrl } from "../core/database-url.ts";
import { UsageError } from "./errors.ts";

/** Throws `UsageError` when the messages are on a PostgreSQL server, and `StartRefused`. */
export function databaseFile(command: string): SqliteUrl {
  const { databaseUrl } = readSome(["databaseUrl"]);
  if (databaseUrl.engine === "sqlite") return databaseUrl;
  throw new UsageError(`${command} works on a SQLite file, and DATABASE_URL names a PostgreSQL server`);
}
