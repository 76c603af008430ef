/**
 * Who may read the database's files: their owner alone, whatever the umask, unless somebody has
 * given the database another mode. SQLite by itself would make them for everybody.
 */
import { closeSync, fchmodSync, fchownSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Log } from "../../../observe/log.ts";

const OF_THE_OWNER = 0o600;
const PERMISSIONS = 0o777;
const OTHERS_READ = 0o004;
const OTHERS_PASS = 0o001;

/**
 * Makes an empty file for its owner alone, unless it is there. One that belongs to a database gets
 * its mode, and from root its owner too, as SQLite does with its own log. What is there isn't
 * opened: closing it would drop the locks that this process holds on it.
 */
export function makePrivate(path: string, database?: string): void {
  const like = database === undefined ? undefined : statSync(database, { throwIfNoEntry: false });
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", OF_THE_OWNER);
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return;
    throw error;
  }
  try {
    fchmodSync(descriptor, ((like?.mode ?? 0) & PERMISSIONS) | OF_THE_OWNER);
    if (like !== undefined && process.geteuid?.() === 0) fchownSync(descriptor, like.uid, like.gid);
  } catch {
    // Root without its capabilities, and shares, may not: SQLite goes on with such a file as well.
  } finally {
    closeSync(descriptor);
  }
}

/** Warns of files that everybody may read, as earlier versions made them, and reaches. */
export function warnOfOthers(path: string, log: Pick<Log, "warn">): void {
  const folder = dirname(path);
  if (!isPassable(folder)) return;
  const files = readdirSync(folder)
    .filter((name) => name === basename(path) || name.startsWith(`${basename(path)}-`))
    .filter((name) => (modeOf(join(folder, name)) & OTHERS_READ) !== 0)
    .sort();
  if (files.length === 0) return;
  log.warn("everybody on this machine may read the database", {
    folder,
    files: files.join(" "),
    remedy: `chmod 600 ${path} ${path}-*`,
  });
}

/** Whether everybody reaches what is in a folder. */
function isPassable(folder: string): boolean {
  const above = dirname(folder);
  return (modeOf(folder) & OTHERS_PASS) !== 0 && (above === folder || isPassable(above));
}

/** 0 of what is gone meanwhile. */
function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}
