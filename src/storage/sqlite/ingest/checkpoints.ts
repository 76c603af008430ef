/**
 * When the write-ahead log is copied into the database, and by whom: the checkpointer does the long
 * part beside the writer, the writer the short rest, after which the log starts anew. Left to
 * itself the log would grow without end.
 */
import { setTimeout } from "node:timers/promises";
import { CHECKPOINT_AT_PAGES, type Checkpoint, REST_PAGES_MAX, WAL_PAGES_MAX } from "../connection/files.ts";
import type { Thread } from "../connection/thread.ts";

const AGAIN_AFTER_MS = 20;
const ATTEMPTS_MAX = 10;

interface CheckpointOptions {
  readonly checkpointer: Thread;
  readonly writer: Thread;
  /** Does something while nothing in this process reads the log. */
  readonly withoutReads: (work: () => Promise<void>) => Promise<void>;
  readonly onFailure: (reason: string) => void;
}

export class Checkpoints {
  readonly #options: CheckpointOptions;
  #underway: Promise<void> | undefined;
  /** Reads are held back when the log holds so many pages. */
  #holdAt = WAL_PAGES_MAX;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /**
   * Told now and then, after a commit, how many pages the log holds; 0 when it wasn't looked at.
   */
  logHolds(pages: number): void {
    if (pages > 0 && pages < CHECKPOINT_AT_PAGES) this.#holdAt = WAL_PAGES_MAX;
    if (pages < CHECKPOINT_AT_PAGES || this.#underway !== undefined) return;
    this.#underway = this.#copy(pages).finally(() => {
      this.#underway = undefined;
    });
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#underway;
  }

  /**
   * The log starts over only when everything is copied and nobody reads from it. Where one read
   * follows the other that never comes by itself, so reads and followers wait for a moment. That is
   * tried once for each doubling: what holds the log back for longer is a reader outside of this
   * process.
   */
  async #copy(pages: number): Promise<void> {
    try {
      await this.#attempt();
      if (pages < this.#holdAt) {
        await setTimeout(AGAIN_AFTER_MS);
        return;
      }
      this.#holdAt = 2 * pages;
      await this.#options.withoutReads(async () => {
        for (let attempt = 0; attempt < ATTEMPTS_MAX && !(await this.#attempt()); attempt++)
          await setTimeout(AGAIN_AFTER_MS);
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // A full disk ends this attempt only; the log goes on growing until there is room.
      if (!reason.startsWith("SQLITE_FULL")) this.#options.onFailure(reason);
    }
  }

  /**
   * Copies what can be copied; whether that was all. While a snapshot of a reader or follower holds
   * pages back, the writer isn't asked for the rest: it would copy all of it itself when the
   * snapshot ends just then.
   */
  async #attempt(): Promise<boolean> {
    const { checkpointer, writer } = this.#options;
    const { remaining } = await checkpointer.ask<Checkpoint>({ do: "checkpoint" });
    if (remaining > REST_PAGES_MAX) return false;
    await writer.ask({ do: "restart-wal" });
    return true;
  }
}
