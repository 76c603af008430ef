/**
 * When the followers take their steps, and what they make wait: the engine's side of the followers' thread. They run
 * whenever the log is ahead of them; acknowledgements are slowed only when they, having once caught up, fall behind.
 */
import type { Log } from "../../observe/log.ts";
import { leastOf } from "./index/index-file.ts";
import type { LogEnd } from "./message-log.ts";
import type { FollowReport } from "./protocol.ts";
import type { Thread } from "./thread.ts";

/** Fewer rows than these wait so long for more: the larger a step, the less a row of it costs. */
const REST_MS = 250;
const REST_ROWS = 8192;
const AGAIN_AFTER_FAILURE_MS = 1000;
const DELAY_MS_MAX = 50;

export interface FollowingParts {
  readonly follower: Thread;
  readonly lagRowsMax: number;
  readonly first: FollowReport;
  readonly log: Log;
  /** The readers are to open this index file; resolves when none reads the one before any more. */
  readonly onSwap: (index: string) => Promise<void>;
  readonly onCaughtUp: () => Promise<void>;
}

export class Following {
  readonly #parts: FollowingParts;
  #report: FollowReport;
  #end: Pick<LogEnd, "row" | "event">;
  #underway: Promise<void> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #caughtUp = false;
  #closing = false;
  #paused = false;
  #rebuild: PromiseWithResolvers<void> | undefined;

  constructor(parts: FollowingParts, end: Pick<LogEnd, "row" | "event">) {
    this.#parts = parts;
    this.#report = parts.first;
    this.#end = end;
    this.#go();
  }

  /** The index file in use. */
  get index(): string {
    return this.#report.index;
  }

  /** Messages, and of the last one events, that each follower has not taken. */
  get lags(): Readonly<Record<string, number>> {
    const { positions, event } = this.#report;
    const lag = (row: number) => Math.max(0, this.#end.row - row);
    return {
      time: lag(positions.time),
      senders: lag(positions.senders),
      search: lag(positions.search),
      events: Math.max(0, this.#end.event - event),
    };
  }

  /** What the slowest follower has not taken. */
  get lag(): number {
    const { positions, event } = this.#report;
    return Math.max(0, this.#end.row - leastOf(positions), this.#end.event - event);
  }

  /** Told after each commit where the log ends. */
  logEndsAt(end: Pick<LogEnd, "row" | "event">): void {
    this.#end = end;
    if (this.#underway !== undefined) return;
    if (this.lag >= REST_ROWS) this.#go();
    else this.#rest ??= setTimeout(() => this.#go(), REST_MS);
  }

  /**
   * How long the next group should wait, in milliseconds, so that the followers stay within `lagRowsMax`. None while
   * an index is being built from far behind: receiving comes first, and reads do without it.
   */
  get delayMs(): number {
    if (!this.#caughtUp) return 0;
    const half = this.#parts.lagRowsMax / 2;
    return Math.max(0, Math.min(1, (this.lag - half) / half)) * DELAY_MS_MAX;
  }

  /** Makes the index anew beside the one in use; resolves when it has taken its place. */
  async rebuild(): Promise<void> {
    this.#rebuild ??= Promise.withResolvers<void>();
    const { promise } = this.#rebuild;
    try {
      await this.#parts.follower.ask({ do: "rebuild" });
    } catch (error) {
      this.#rebuild = undefined;
      throw error;
    }
    this.#go();
    return promise;
  }

  /** Does `work` while no step is under way. */
  async without(work: () => Promise<void>): Promise<void> {
    this.#paused = true;
    try {
      await this.#underway;
      await work();
    } finally {
      this.#paused = false;
      this.#go();
    }
  }

  /** Resolves when no step is under way; none begins after it. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#rest);
    await this.#underway;
    // Whoever asked for it may not wait any more.
    this.#rebuild?.promise.catch(() => undefined);
    this.#rebuild?.reject(new Error("the store was closed before the index was made"));
  }

  #go(): void {
    if (this.#closing || this.#paused || this.#underway !== undefined) return;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#underway = this.#step().then((again) => {
      this.#underway = undefined;
      if (again !== undefined && !this.#closing) this.#rest = setTimeout(() => this.#go(), again);
    });
  }

  /** One step; resolves with the time to the next one, or nothing when there is nothing left. */
  async #step(): Promise<number | undefined> {
    const { follower, log, onSwap, onCaughtUp } = this.#parts;
    try {
      const report = await follower.ask<FollowReport>({ do: "advance" });
      const before = this.#report;
      this.#report = report;
      if (report.index !== before.index) {
        await onSwap(report.index);
        await follower.ask({ do: "forget-old" });
        this.#rebuild?.resolve();
        this.#rebuild = undefined;
      }
      if (!this.#caughtUp && this.lag <= this.#parts.lagRowsMax / 2) {
        this.#caughtUp = true;
        log.debug("the index has caught up", { rows: leastOf(report.positions) });
        await onCaughtUp();
      }
      if (this.lag >= REST_ROWS || this.#rebuild !== undefined) return 0;
      return this.lag > 0 ? REST_MS : undefined;
    } catch (error) {
      this.#caughtUp = false;
      log.error("the index can't follow the log; messages are kept all the same", {
        reason: error instanceof Error ? error.message : String(error),
      });
      return AGAIN_AFTER_FAILURE_MS;
    }
  }
}
