/**
 * The real file of a database, whatever it is called: one file has one name here, so it has one
 * write-ahead log and one lock beside it. Called before the file is opened, and never afterwards in
 * the same process.
 */
import { readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { StartRefused } from "../../../core/errors.ts";

/**
 * The file's path without symbolic links, also of one that isn't there yet. Throws `StartRefused`
 * when the file has a second name that no path tells: each would have a log of its own, and neither
 * the other's messages.
 */
export function realFile(path: string): string {
  const real = withoutLinks(path);
  const found = statSync(real, { throwIfNoEntry: false });
  if (found === undefined) return real;
  if (!found.isFile())
    throw new StartRefused(`${real} is not a file: DATABASE_URL names the database's file`);
  if (found.nlink > 1) {
    throw new StartRefused(
      `${real} has ${found.nlink} names (hard links), and what came in under another one isn't seen under this: ` +
        `stop every process that uses it and remove all but one (find / -xdev -inum ${found.ino}), or use a copy`,
    );
  }
  if (isMountPoint(real)) {
    throw new StartRefused(
      `${real} is mounted as a single file, without its log and its lock: mount the folder that it is in`,
    );
  }
  return real;
}

function withoutLinks(path: string): string {
  try {
    return locate(resolve(path));
  } catch (error) {
    throw new StartRefused(`can't find ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * As `realpath`, but the end of the path need not be there, nor what a link at its end leads to.
 */
function locate(path: string): string {
  const real = ifThere(() => realpathSync(path));
  if (real !== undefined) return real;
  const folder = locate(dirname(path));
  const target = ifThere(() => readlinkSync(path));
  if (target === undefined) return join(folder, basename(path));
  return locate(isAbsolute(target) ? target : `${folder}/${target}`);
}

function ifThere(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The kernel's list writes what would end a name as octal numbers. No list is no mount point. */
function isMountPoint(path: string): boolean {
  const name = path.replace(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  try {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return mounts.some((mount) => mount.split(" ")[4] === name);
  } catch {
    return false;
  }
}
