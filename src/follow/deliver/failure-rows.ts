/**
 * The rows of a destination: how many wait, when the first is due, and which are being tried. What
 * is sent is read from the log.
 */
import type { Failure, FailureKey } from "../../core/deliveries.ts";
import { filterOf } from "../../core/destination-config.ts";
import { type FollowedRecord, followedRecords } from "../followed-record.ts";
import type { Attempted } from "./attempts.ts";
import { lastAttempt, shownAttempt } from "./failure-row.ts";
import type { Lane } from "./lane.ts";
import type { LaneOptions } from "./lane-options.ts";
import type { Line } from "./line.ts";
import type { ChangedRows, LiveLane } from "./live-lane.ts";
import { retryMs } from "./retry-time.ts";

/** After whatever is due. */
const FAR = "9999-12-31T23:59:59.999Z";

interface FailureRowsOptions extends LaneOptions {
  readonly line: Line;
  readonly live: LiveLane;
}

export class FailureRows implements Lane {
  readonly #options: FailureRowsOptions;
  readonly #tried = new Set<string>();
  /** Those that are over since it was last asked which are due: the answer may be older. */
  readonly #over = new Set<string>();
  /** Those that have failed since the last success, as they were before. */
  readonly #streak = new Map<string, Failure>();
  #asking = 0;
  #waiting = 0;
  #dead = 0;
  #dueAt: number | undefined;

  constructor(options: FailureRowsOptions) {
    this.#options = options;
  }

  get flying(): number {
    return this.#tried.size;
  }

  get isReady(): boolean {
    const { dueAt } = this;
    return dueAt !== undefined && dueAt <= this.#options.following.clock.now();
  }

  get waiting(): number {
    return this.#waiting;
  }

  get dead(): number {
    return this.#dead;
  }

  /** When the first is due, in milliseconds since 1970; undefined where none is. */
  get dueAt(): number | undefined {
    return this.#waiting > 0 ? this.#dueAt : undefined;
  }

  isTried(failure: FailureKey): boolean {
    return this.#tried.has(keyOf(failure));
  }

  /** As they are on stable storage, while nobody changes them. */
  async load(): Promise<void> {
    const { config, line, deliveries } = this.#options;
    line.setBlocked(await deliveries.waitingSenders(config.name));
    await this.#count();
  }

  /** Told of what was committed, but for what the line has put aside of its senders. */
  changed({ insert, update, remove }: Required<ChangedRows>): void {
    for (const { state, next_at } of insert) {
      if (state === "dead") this.#dead++;
      else this.#waiting++;
      if (next_at !== null) this.#due(Date.parse(next_at));
    }
    for (const failure of update) {
      if (failure.next_at !== null) this.#due(Date.parse(failure.next_at));
      if (failure.state !== "dead") continue;
      this.#dead++;
      this.#left(failure);
    }
    for (const failure of remove) this.#left(failure);
  }

  send(flyingMax: number): void {
    const free = flyingMax - this.#tried.size;
    if (this.#asking === 0 && free > 0) void this.#tryDue(free);
  }

  /** Tries the first, due or not. Undefined where there is none. */
  probe(): Promise<void> | undefined {
    return this.#waiting > 0 ? this.#tryFirst() : undefined;
  }

  /** What failed before counts for good. */
  succeeded(): void {
    this.#streak.clear();
  }

  /** An outage costs no row an attempt: those that told of it are as they were, and due. */
  async wentDown(): Promise<void> {
    const { live, following, couldNot } = this.#options;
    const next_at = new Date(following.clock.now()).toISOString();
    const update = [...this.#streak.values()].map((failure) => ({ ...failure, next_at }));
    this.#streak.clear();
    if (update.length === 0) return;
    try {
      await live.write({ update });
      await live.alone(() => this.load());
    } catch (error) {
      couldNot("take attempts back", error);
    }
  }

  async #tryFirst(): Promise<void> {
    const [first] = await this.#ask(FAR, 1);
    if (first !== undefined) await this.#try(first);
  }

  async #tryDue(free: number): Promise<void> {
    const { following, mayTake, couldNot } = this.#options;
    const fresh = await this.#ask(new Date(following.clock.now()).toISOString(), free);
    for (const failure of fresh) if (mayTake()) void this.#try(failure);
    if (fresh.length > 0) return;
    await this.#count().catch((error) => couldNot("count rows", error));
  }

  /** Those that are due by then, and neither on their way nor over. */
  async #ask(by: string, limit: number): Promise<readonly Failure[]> {
    const { config, deliveries, couldNot } = this.#options;
    if (this.#asking === 0) this.#over.clear();
    this.#asking++;
    try {
      const due = await deliveries.due(config.name, by, limit + this.#tried.size);
      return due
        .filter((failure) => !this.isTried(failure) && !this.#over.has(keyOf(failure)))
        .slice(0, limit);
    } catch (error) {
      couldNot("read what is due", error);
      return [];
    } finally {
      this.#asking--;
    }
  }

  async #try(failure: Failure): Promise<void> {
    const { config, live, attempts, onLanded, couldNot } = this.#options;
    const key = keyOf(failure);
    if (this.#tried.has(key)) return;
    this.#tried.add(key);
    try {
      const followed = await this.#recordOf(failure);
      if (followed === undefined) {
        couldNot("try a record again", "it is not in the log");
        await live.write({ remove: [failure] });
      } else {
        // One that was tried stands for its POST, whatever the filter was then.
        const filter = failure.first_at === null && failure.replay === "" ? filterOf(config) : undefined;
        const attempted = await attempts.send(followed, failure.attempts + 1, failure.replay, filter);
        await live.write(this.#changeOf(failure, attempted));
      }
    } catch (error) {
      couldNot("try a record again", error);
    } finally {
      this.#tried.delete(key);
      this.#over.add(key);
      onLanded();
    }
  }

  #changeOf(failure: Failure, attempted: Attempted): ChangedRows {
    const { config, chance, following } = this.#options;
    if (attempted.result === "delivered") return { remove: [failure] };
    if (attempted.result !== "counted") return {};
    this.#streak.set(keyOf(failure), this.#streak.get(keyOf(failure)) ?? failure);
    const { outcome } = attempted;
    const attempts = failure.attempts + 1;
    const now = following.clock.now();
    const pauseMs = retryMs(config.retryMs, attempts, chance, outcome.retryAfterMs);
    const nextAt = pauseMs === undefined ? null : new Date(now + pauseMs).toISOString();
    const update: Failure = {
      ...failure,
      ...shownAttempt(attempts, lastAttempt(outcome, failure.first_at ?? undefined, now)),
      state: nextAt === null ? "dead" : "waiting",
      next_at: nextAt,
    };
    return { update: [update] };
  }

  /** Undefined where it isn't in the log any more. */
  async #recordOf({ seq }: Failure): Promise<FollowedRecord | undefined> {
    const { store, turns } = this.#options.following;
    const changes = await turns.take(() => store.changes({ after: seq - 1, limit: 1 }));
    return followedRecords(changes, false).find((followed) => followed.seq === seq);
  }

  async #count(): Promise<void> {
    const { waiting, dead, nextAt } = await this.#options.deliveries.figures(this.#options.config.name);
    this.#waiting = waiting;
    this.#dead = dead;
    this.#dueAt = nextAt === undefined ? undefined : Date.parse(nextAt);
  }

  /** One waits no more: the next one of its sender is due, or the sender goes on. */
  #left({ sender, replay }: Failure): void {
    this.#waiting--;
    this.#due(this.#options.following.clock.now());
    if (sender !== "" && replay === "") this.#options.line.unblock(sender);
  }

  #due(at: number): void {
    this.#dueAt = Math.min(this.#dueAt ?? at, at);
  }
}

function keyOf({ seq, replay }: FailureKey): string {
  return `${replay} ${seq}`;
}
