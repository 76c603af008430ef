/**
 * When the write-ahead log is copied into the database, and by whom: the checkpointer does the long part beside the
 * writer, the writer the short rest, after which the log starts anew. Left to itself the log would grow without end.
 */
import { setTimeout } from "node:timers/promises";
import { CHECKPOINT_AT_PAGES, type Checkpoint, REST_PAGES_MAX, WAL_PAGES_MAX } from "./files.ts";
import type { Thread } from "./thread.ts";

const AGAIN_AFTER_MS = 20;

export class Checkpoints {
  readonly #checkpointer: Thread;
  readonly #writer: Thread;
  readonly #onFailure: (reason: string) => void;
  #underway: Promise<void> | undefined;

  constructor(checkpointer: Thread, writer: Thread, onFailure: (reason: string) => void) {
    this.#checkpointer = checkpointer;
    this.#writer = writer;
    this.#onFailure = onFailure;
  }

  /** Told now and then, after a commit, how many pages the log holds. */
  logHolds(pages: number): void {
    if (pages < CHECKPOINT_AT_PAGES || this.#underway !== undefined) return;
    this.#underway = this.#copy().finally(() => {
      this.#underway = undefined;
    });
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#underway;
  }

  /**
   * While a snapshot of a reader or follower holds pages back, the writer isn't asked: it would copy them all itself
   * when the snapshot ends just then. But the log may not grow without end for that.
   */
  async #copy(): Promise<void> {
    try {
      const { remaining, walPages } = await this.#checkpointer.ask<Checkpoint>({ do: "checkpoint" });
      if (remaining > REST_PAGES_MAX && walPages < WAL_PAGES_MAX) await setTimeout(AGAIN_AFTER_MS);
      else await this.#writer.ask({ do: "restart-wal" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // A full disk ends this attempt only; the log goes on growing until there is room.
      if (!reason.startsWith("SQLITE_FULL")) this.#onFailure(reason);
    }
  }
}
