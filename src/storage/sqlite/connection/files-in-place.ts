/**
 * Whether the names of a database still lead to the files that are open. What is written to a file
 * that has lost its name is lost with the process. Looks with `stat` alone: closing a descriptor of
 * the file would drop SQLite's locks.
 */
import { type BigIntStats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { systemClock } from "../../../lib/clock.ts";

/** The database, its write-ahead log, and the lock that keeps a second process out. */
const ENDS = ["", "-wal", ".lock"] as const;
type End = (typeof ENDS)[number];

/** By the end of its name, what a file was when it was opened. */
export type FileMarks = Readonly<Record<End, FileMark>>;
interface FileMark {
  readonly device: bigint;
  readonly inode: bigint;
}

export interface Displaced {
  readonly end: End;
  /** What happened to which file, and what to do. */
  readonly reason: string;
  /** What the file held is gone, whatever has its name. */
  readonly isRuined?: true;
}

/**
 * Times of a folder may be as coarse as this: a second change within it may leave the time of the
 * first.
 */
const FOLDER_TIME_NS = 3_000_000_000n;

export class FilesInPlace {
  readonly marks: FileMarks;
  /** When the folder had changed last before all names in it were looked at. */
  #folderAt: bigint | undefined;
  readonly #path: string;
  #logBytes = 0n;
  #ruined: Displaced | undefined;

  /** Without marks, what the names lead to now is what they have to lead to. */
  constructor(path: string, marks: FileMarks = marksOf(path)) {
    this.#path = path;
    this.marks = marks;
  }

  /**
   * As `look`, for before and after each commit: as long as nothing in the folder has got or lost a
   * name, the database alone is looked at. A `stat` of the log makes its next write note the exact
   * time: 50 µs a commit on Linux 6.18.
   */
  glance(): Displaced | undefined {
    const folder = statOf(dirname(this.#path));
    const at = typeof folder === "string" ? undefined : folder.ctimeNs;
    if (at !== undefined && at === this.#folderAt) return this.#ruined ?? this.#lookAt("");
    const isPast = at !== undefined && at + FOLDER_TIME_NS < BigInt(systemClock.now()) * 1_000_000n;
    const displaced = this.look();
    this.#folderAt = isPast && displaced === undefined ? at : undefined;
    return displaced;
  }

  /** Undefined when all is well. A file that comes back under its name is in place again. */
  look(): Displaced | undefined {
    for (const end of ENDS) {
      if (this.#ruined !== undefined) return this.#ruined;
      const displaced = this.#lookAt(end);
      if (displaced !== undefined) return displaced;
    }
    return undefined;
  }

  /** Throws an error with the reason. */
  check(): void {
    const displaced = this.look();
    if (displaced !== undefined) throw new Error(displaced.reason);
  }

  /** Bytes of the write-ahead log when it was last looked at. */
  get logBytes(): number {
    return Number(this.#logBytes);
  }

  /**
   * The log was cut off while it was in use. Nothing undoes that, so it is what every look says
   * from now on.
   */
  logWasCut(): Displaced {
    const remedy =
      "what came in since the last checkpoint is damaged; restart the service, then run postern doctor";
    this.#ruined = { end: "-wal", reason: `${this.#path}-wal was cut off: ${remedy}`, isRuined: true };
    return this.#ruined;
  }

  #lookAt(end: End): Displaced | undefined {
    const path = this.#path + end;
    const found = statOf(path);
    const mark = this.marks[end];
    if (typeof found === "string") return { end, reason: `${path} ${found}: ${this.#remedy(end)}` };
    if (found.dev !== mark.device || found.ino !== mark.inode)
      return { end, reason: `${path} is another file than the one in use: ${this.#remedy(end)}` };
    if (end === "-wal") this.#logBytes = found.size;
    // Whatever is written into it later, it isn't the database that is open.
    if (end === "" && found.size === 0n)
      this.#ruined = { end, reason: `${path} was emptied: ${this.#restore()}`, isRuined: true };
    return this.#ruined;
  }

  #remedy(end: End): string {
    switch (end) {
      case "":
        return `put that very file back, and it goes on; or ${this.#restore()}`;
      case "-wal":
        return "what it held has been copied into the database; restart the service (by SIGTERM)";
      case ".lock":
        return "a second process could begin to write; make sure that there is none and restart the service";
    }
  }

  #restore(): string {
    const name = basename(this.#path);
    return `stop the service, put a backup there, remove ${name}-wal and ${name}-shm, and start it`;
  }
}

function marksOf(path: string): FileMarks {
  return { "": markOf(path), "-wal": markOf(`${path}-wal`), ".lock": markOf(`${path}.lock`) };
}

function markOf(path: string): FileMark {
  const found = statOf(path);
  if (typeof found === "string") throw new Error(`${path} ${found}`);
  return { device: found.dev, inode: found.ino };
}

/** Inode numbers of 64 bits need `bigint`. */
function statOf(path: string): BigIntStats | string {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? "is gone";
  } catch (error) {
    return `can't be looked at (${error instanceof Error ? error.message : error})`;
  }
}
