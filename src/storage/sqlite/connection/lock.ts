/**
 * One writing process a database file. The lock is an exclusive transaction on an empty SQLite file
 * beside it: an operating-system lock that dies with the process, whatever kills it (a pid file
 * would lie, in containers most).
 */
import { Database } from "bun:sqlite";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { DatabaseInUse, StartRefused } from "../../../core/errors.ts";
import { makePrivate } from "./private-files.ts";

export interface FileLock {
  readonly release: () => void;
}

/** Takes the lock of a database file or throws `DatabaseInUse` when another process holds it. */
export function lockFile(databasePath: string): FileLock {
  const path = `${databasePath}.lock`;
  let lock: Database | undefined;
  try {
    makePrivate(path, databasePath);
    lock = new Database(path, { create: true, readwrite: true });
    lock.run("begin exclusive");
  } catch (error) {
    lock?.close();
    const code = (error as { code?: string }).code;
    if (code === "SQLITE_BUSY") {
      throw new DatabaseInUse(`${databasePath} is in use by another Postern process (it holds ${path})`);
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `can't lock ${path}: ${reason} (is ${dirname(path)} writable for user ${userInfo().uid}?)`,
    );
  }
  const held = lock;
  return { release: () => held.close() };
}
