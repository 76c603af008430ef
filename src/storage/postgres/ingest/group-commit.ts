/**
 * Intakes on their way into the database, in groups: what waits goes together, several groups at
 * once, and each intake is told in time what became of it.
 */
import { IntakeRejected, StorageUnavailable } from "../../../core/errors.ts";
import type { Intake, Outcome } from "../../../core/store.ts";
import { type Clock, isoTicker } from "../../../lib/clock.ts";
import { oncePerTurn } from "../../../lib/once-per-turn.ts";
import { IntakeQueue, type QueueLimits, type Waiting } from "../../intake-queue.ts";
import type { Availability } from "../connection/availability.ts";
import type { QueuedIntake, Written } from "./batch.ts";
import { COMMIT_MS_MAX, type Commits, LATE_MS } from "./commits.ts";

/** Transactions under way at once: while one waits for the disk, the next ones are made. */
export const GROUPS_AT_ONCE = 4;
const GROUP_ROWS_MAX = 256;
/**
 * Beside another transaction one begins when so many intakes wait, or this long after that one
 * began.
 */
const SECOND_GROUP_MIN = 32;
const HOLD_MS_MAX = 20;
const ATTEMPTS_MAX = 10;

const TOO_LONG = "the commit takes too long";

interface GroupCommitOptions {
  readonly limits: QueueLimits;
  readonly clock: Clock;
  readonly availability: Availability;
  readonly commits: Commits;
  /** Told of each commit, before those who wait for it are. */
  readonly onWritten: (written: Written) => void;
}

type Group = readonly Waiting<QueuedIntake>[];

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: IntakeQueue<QueuedIntake>;
  readonly #now: () => string;
  readonly #appends = new Set<Promise<unknown>>();
  readonly #left = new WeakSet<Waiting<QueuedIntake>>();
  /** What arrives in one turn of the event loop goes together. */
  readonly #kick = oncePerTurn(() => this.#pump());
  #underway = 0;
  /** When the last of them began. */
  #sentAt = 0;
  #held: ReturnType<typeof setTimeout> | undefined;
  /** Of them, those that nobody waits for any more. */
  #late = 0;
  #idle: (() => void) | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#queue = new IntakeQueue(options.limits, (intake, createdAt) => ({ intake, createdAt }));
    this.#now = isoTicker(options.clock);
  }

  /** Messages and events that wait for a commit. */
  get rows(): number {
    return this.#queue.rows;
  }

  /** As `Store.append`. */
  append(intake: Intake): Promise<readonly Outcome[]> {
    if (this.#late === GROUPS_AT_ONCE)
      return Promise.reject(new StorageUnavailable("storage unavailable", TOO_LONG));
    const outcomes = this.#queue.add(intake, this.#now());
    this.#appends.add(outcomes);
    const done = () => this.#appends.delete(outcomes);
    outcomes.then(done, done);
    this.#kick();
    return outcomes;
  }

  /** Resolves when it is known what became of everything that was given until now. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#appends]);
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    if (this.#queue.isEmpty) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #pump(): void {
    while (this.#underway < GROUPS_AT_ONCE && this.#queue.unsent > 0 && !this.#isWorthWaiting()) {
      const group = this.#queue.send(GROUP_ROWS_MAX);
      this.#underway++;
      this.#sentAt = this.#options.clock.elapsed();
      void this.#store(group).finally(() => {
        this.#underway--;
        this.#pump();
      });
    }
  }

  /**
   * A transaction costs the server the same for one row as for many, so a few wait until the one
   * under way is done; but not long, because that one may wait for a row that somebody else holds.
   */
  #isWorthWaiting(): boolean {
    if (this.#underway === 0 || this.#queue.unsent >= SECOND_GROUP_MIN) return false;
    const leftMs = this.#sentAt + HOLD_MS_MAX - this.#options.clock.elapsed();
    if (leftMs <= 0) return false;
    this.#held ??= setTimeout(() => {
      this.#held = undefined;
      this.#pump();
    }, leftMs);
    return true;
  }

  /** Tells each intake of the group what became of it, in time; never throws. */
  async #store(group: Group): Promise<void> {
    const deadline = this.#options.clock.elapsed() + COMMIT_MS_MAX;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#late++;
      this.#refuse(group, TOO_LONG);
      // When nothing moves any more, those behind would wait for ever.
      if (this.#late === GROUPS_AT_ONCE) this.#refuse(this.#queue.send(), TOO_LONG);
    }, COMMIT_MS_MAX + LATE_MS);
    await this.#storeUntil(deadline, group);
    clearTimeout(late);
    if (isLate) this.#late--;
  }

  async #storeUntil(deadline: number, group: Group): Promise<void> {
    const { availability, clock, commits } = this.#options;
    let reason = TOO_LONG;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (!(await availability.wait()) || clock.elapsed() > deadline) break;
      const tried = await commits.commit(
        group.map(({ queued }) => queued),
        deadline,
      );
      if ("written" in tried) return this.#settle(group, tried.written);
      reason = tried.reason;
      if (tried.kind === "data") return this.#apart(deadline, group, reason);
      if (tried.kind === "undecided") break;
      if (tried.kind !== "again") availability.lost(reason);
    }
    this.#refuse(group, availability.reason ?? reason);
  }

  /** A group that fails on data is tried in halves until the culprit stands alone. */
  async #apart(deadline: number, group: Group, reason: string): Promise<void> {
    if (group.length === 1) {
      this.#leave(group, ({ reject }) =>
        reject(new IntakeRejected("the store refused this delivery", reason)),
      );
      return;
    }
    const half = group.length >> 1;
    await this.#storeUntil(deadline, group.slice(0, half));
    await this.#storeUntil(deadline, group.slice(half));
  }

  #settle(group: Group, written: Written): void {
    this.#options.onWritten(written);
    const results = new Map(group.map((waiting, index) => [waiting, written.outcomes[index] ?? []]));
    this.#leave(group, (waiting) => waiting.resolve(results.get(waiting) ?? []));
  }

  #refuse(group: Group, reason: string): void {
    const error = new StorageUnavailable("storage unavailable", reason);
    this.#leave(group, ({ reject }) => reject(error));
  }

  /**
   * Each intake leaves the queue once, and then is told; what was refused because it was late stays
   * so.
   */
  #leave(group: Group, tell: (waiting: Waiting<QueuedIntake>) => void): void {
    const waiting = group.filter((each) => !this.#left.has(each));
    for (const each of waiting) this.#left.add(each);
    this.#queue.leave(waiting);
    for (const each of waiting) tell(each);
    if (this.#queue.isEmpty) this.#idle?.();
  }
}
