/**
 * When the followers take their steps, and what they make wait: the engine's side of the followers'
 * thread. They run whenever the log is ahead of them; acknowledgements are slowed only when they,
 * having once caught up, fall behind.
 */
import type { Upgrade } from "../../../core/upgrade.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../observe/log.ts";
import { Damaged } from "../connection/damage.ts";
import { indexMadeAnew } from "../connection/damage-report.ts";
import type { LogEnd } from "../connection/log-end.ts";
import type { Thread } from "../connection/thread.ts";
import { leastOf } from "./index-file.ts";
import type { FollowerOpened, FollowReport } from "./protocol.ts";

/** Fewer rows than these wait so long for more: the larger a step, the less a row of it costs. */
const REST_MS = 250;
const REST_ROWS = 8192;
const AGAIN_AFTER_FAILURE_MS = 1000;
/** Damage doesn't go away by itself. */
const AGAIN_AFTER_DAMAGE_MS = 60_000;
/**
 * A damaged index is made anew at most so often by itself: what damages it at once would damage the
 * next one too.
 */
const MADE_ANEW_EVERY_MS = 10 * 60_000;
const DELAY_MS_MAX = 50;

export interface FollowScheduleOptions {
  readonly follower: Thread;
  readonly lagRowsMax: number;
  readonly first: FollowReport & Partial<FollowerOpened>;
  readonly log: Log;
  readonly clock: Clock;
  /** Told when a page of the log can't be read. */
  readonly onLogUnreadable: (reason: string) => void;
  /** The readers are to open this index file; resolves when none reads the one before any more. */
  readonly onSwap: (index: string) => Promise<void>;
  readonly onCaughtUp: () => Promise<void>;
}

export class FollowSchedule {
  readonly #options: FollowScheduleOptions;
  #report: FollowReport;
  #end: Pick<LogEnd, "row" | "event">;
  /** By how much the log ends earlier than what was committed says: its last rows were deleted. */
  #cut = { row: 0, event: 0 };
  #underway: Promise<void> | undefined;
  /** Takes the next step back; there is one while the followers rest. */
  #cancelStep: (() => void) | undefined;
  #caughtUp = false;
  #closing = false;
  #paused = false;
  #rebuild: PromiseWithResolvers<void> | undefined;
  /** The index in use is damaged: the next step puts an empty one in its place. */
  #replacing = false;
  /** The readers are on their way to another index file. */
  #swapping = false;
  /** How far what took the place of a damaged index has to come until it is made. */
  #madeAt: Pick<LogEnd, "row" | "event"> | undefined;
  #replacedAt = Number.NEGATIVE_INFINITY;
  #told = false;
  /** The last step failed: the next one waits for its time. */
  #failed = false;

  constructor(options: FollowScheduleOptions, end: Pick<LogEnd, "row" | "event">) {
    this.#options = options;
    this.#report = options.first;
    this.#end = end;
    this.#madeAt = (options.first.damaged ?? []).length > 0 ? end : undefined;
    this.#go();
    if (options.first.outdated !== undefined) this.#renew(options.first.outdated);
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
  logEndsAt({ row, event }: Pick<LogEnd, "row" | "event">): void {
    this.#end = { row: row - this.#cut.row, event: event - this.#cut.event };
    if (this.#underway !== undefined || this.#failed) return;
    if (this.lag >= REST_ROWS) this.#go();
    else this.#cancelStep ??= this.#goAfter(REST_MS);
  }

  /**
   * How long the next group should wait, in milliseconds, so that the followers stay within
   * `lagRowsMax`. None while an index is being built from far behind: receiving comes first, and
   * reads do without it.
   */
  get delayMs(): number {
    if (!this.#caughtUp) return 0;
    const half = this.#options.lagRowsMax / 2;
    return Math.max(0, Math.min(1, (this.lag - half) / half)) * DELAY_MS_MAX;
  }

  /** Makes the index anew beside the one in use; resolves when it has taken its place. */
  async rebuild(): Promise<void> {
    this.#rebuild ??= Promise.withResolvers<void>();
    const { promise } = this.#rebuild;
    try {
      await this.#options.follower.ask({ do: "rebuild" });
    } catch (error) {
      this.#rebuild = undefined;
      throw error;
    }
    this.#go();
    return promise;
  }

  /**
   * The index in use is damaged. An empty one takes its place at once, and the followers bring it
   * up; until then reads look at the messages themselves. Damage that comes again soon is told, and
   * waits; rows that are deleted again don't.
   */
  damaged(damage: Damaged): void {
    if (this.#replacing || this.#swapping || this.#closing) return;
    const { clock, log } = this.#options;
    const file = this.index;
    const { part, message: reason } = damage;
    if (part !== "stale index" && clock.elapsed() - this.#replacedAt < MADE_ANEW_EVERY_MS) {
      if (this.#told) return;
      this.#told = true;
      log.error(
        "the index is damaged again, soon after it was made anew; reads that meet the damage get 503",
        {
          file,
          reason,
          remedy:
            "check the disk and the memory; the index is made anew by itself ten minutes after the last time, at once by " +
            "POST /admin/rebuild-index, or with the server stopped by `postern doctor --rebuild`",
        },
      );
      return;
    }
    if (part !== "stale index") {
      this.#replacedAt = clock.elapsed();
      this.#told = false;
    }
    this.#replacing = true;
    log.error(...indexMadeAnew(damage, file));
    this.#failed = false;
    this.#go();
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
    this.#cancelStep?.();
    await this.#underway;
    // Whoever asked for it may not wait any more.
    this.#rebuild?.promise.catch(() => undefined);
    this.#rebuild?.reject(new Error("the store was closed before the index was made"));
  }

  #go(): void {
    if (this.#closing || this.#paused || this.#underway !== undefined) return;
    this.#cancelStep?.();
    this.#cancelStep = undefined;
    this.#underway = this.#step().then((again) => {
      this.#underway = undefined;
      const next = this.#replacing && !this.#failed ? 0 : again;
      if (next !== undefined && !this.#closing) this.#cancelStep = this.#goAfter(next);
    });
  }

  #goAfter(ms: number): () => void {
    return this.#options.clock.after(ms, () => this.#go());
  }

  /**
   * Makes an index of this program's version beside the one of an earlier, which serves meanwhile.
   */
  #renew({ from, to }: Upgrade): void {
    const { log, clock } = this.#options;
    const startedAt = clock.elapsed();
    log.info("the index of an earlier version serves while a new one is made", { file: this.index });
    this.rebuild().then(
      () => {
        const ms = Math.round(clock.elapsed() - startedAt);
        log.info("the new index is in use", { file: this.index, from, to, ms });
      },
      (error) => {
        if (!this.#closing) log.error("the new index can't be made", { reason: String(error) });
      },
    );
  }

  #endsNoLater({ row, event }: FollowReport["end"]): void {
    const cut = { row: Math.max(0, this.#end.row - row), event: Math.max(0, this.#end.event - event) };
    if (cut.row === 0 && cut.event === 0) return;
    this.#cut = { row: this.#cut.row + cut.row, event: this.#cut.event + cut.event };
    this.#end = { row: this.#end.row - cut.row, event: this.#end.event - cut.event };
    if (this.#madeAt !== undefined) this.#madeAt = this.#end;
  }

  #tellMade({ positions, event }: FollowReport): void {
    if (this.#madeAt === undefined || leastOf(positions) < this.#madeAt.row || event < this.#madeAt.event)
      return;
    this.#madeAt = undefined;
    this.#options.log.info("the index was made anew");
  }

  /** One step; resolves with the time to the next one, or nothing when there is nothing left. */
  async #step(): Promise<number | undefined> {
    const { follower, log, onSwap, onCaughtUp } = this.#options;
    try {
      const replacing = this.#replacing;
      const end = this.#end;
      const report = await follower.ask<FollowReport>({ do: replacing ? "replace" : "advance" });
      // Otherwise it may have looked before the latest commit.
      if (this.#end === end) this.#endsNoLater(report.end);
      const before = this.#report;
      this.#report = report;
      this.#failed = false;
      if (report.index !== before.index) {
        this.#swapping = true;
        try {
          await onSwap(report.index);
          await follower.ask({ do: "forget-old" });
        } finally {
          this.#swapping = false;
        }
        this.#rebuild?.resolve();
        this.#rebuild = undefined;
      }
      if (replacing) {
        this.#replacing = false;
        this.#caughtUp = false;
        this.#madeAt = this.#end;
      }
      this.#tellMade(report);
      if (!this.#caughtUp && this.lag <= this.#options.lagRowsMax / 2) {
        this.#caughtUp = true;
        log.debug("the index has caught up", { rows: leastOf(report.positions) });
        await onCaughtUp();
      }
      if (this.lag >= REST_ROWS || this.#rebuild !== undefined) return 0;
      return this.lag > 0 ? REST_MS : undefined;
    } catch (error) {
      this.#caughtUp = false;
      this.#failed = true;
      if (error instanceof Damaged) {
        if (error.part === "log") this.#options.onLogUnreadable(error.message);
        else this.damaged(error);
        return this.#replacing ? 0 : AGAIN_AFTER_DAMAGE_MS;
      }
      log.error("the index can't follow the log; messages are kept all the same", {
        reason: error instanceof Error ? error.message : String(error),
      });
      return AGAIN_AFTER_FAILURE_MS;
    }
  }
}
