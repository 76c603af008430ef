/**
 * Has the system write a file to the disk while it grows. Left alone, it keeps half a minute of it
 * in memory and writes that at one go, and the database's syncs on the same disk wait: a log of 4
 * MB/s made acknowledgements wait for 90 ms. Nobody waits for these syncs, and one that fails is
 * left to the disk's other users to report.
 */
import { fdatasync, fstatSync } from "node:fs";

/** Calls back when what was written before is on the disk. */
export type Sync = (fd: number, done: () => void) => void;

const SYNC_AT_BYTES = 1024 * 1024;

export class WriteBack {
  readonly #fd: number;
  readonly #sync: Sync;
  /** A pipe or a terminal has nothing to be synced. */
  readonly #isFile: boolean;
  #unsyncedBytes = 0;
  #underway = false;

  constructor(fd: number, sync: Sync = fdatasync) {
    this.#fd = fd;
    this.#sync = sync;
    this.#isFile = fstatSync(fd).isFile();
  }

  /** Told of every write; one sync at a time is under way. */
  wrote(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (!this.#isFile || this.#underway || this.#unsyncedBytes < SYNC_AT_BYTES) return;
    this.#unsyncedBytes = 0;
    this.#underway = true;
    this.#sync(this.#fd, () => {
      this.#underway = false;
    });
  }
}
