/**
 * What comes new for a destination: takes records as the log gives them, each sender's in order,
 * and moves the position past what has been seen to. It writes a position while all goes well, and
 * a row for what it puts aside; while the destination is down it writes nothing.
 */
import type { ChangesFilter } from "../../core/changes.ts";
import {
  type Failure,
  type FailureKey,
  PUT_ASIDE_MAX,
  WAITING_OF_SENDER_MAX,
} from "../../core/deliveries.ts";
import { filterOf } from "../../core/destination-config.ts";
import { Turns } from "../../lib/turns.ts";
import type { Attempted } from "./attempts.ts";
import { BackgroundTask } from "./background-task.ts";
import { lastAttempt, rowOf } from "./failure-row.ts";
import type { Lane } from "./lane.ts";
import type { LaneOptions } from "./lane-options.ts";
import type { Entry, LastAttempt, Line } from "./line.ts";
import { LineReader } from "./line-reader.ts";
import { PacedWrite } from "./paced-write.ts";
import { retryMs } from "./retry-time.ts";
import { reasonOf, type Undelivered } from "./sink.ts";

/** Records that are here at a time, for each that may be on its way. */
export const AHEAD = 10;
export const PAGE_RECORDS = 500;
/** So many that fail may be an outage, which costs no row. */
const STREAK_MIN = 3;
const SENDER_BACKLOG = "sender_backlog";

/** What is known of the destination's rows. */
interface KeptRows {
  readonly waiting: number;
  isTried(failure: FailureKey): boolean;
  /** Told of each commit. */
  changed(rows: Required<ChangedRows>): void;
}

interface LiveLaneOptions extends LaneOptions {
  readonly line: Line;
  readonly rows: () => KeptRows;
  readonly position: string;
}

export interface ChangedRows {
  readonly insert?: readonly Failure[];
  readonly update?: readonly Failure[];
  readonly remove?: readonly Failure[];
}

export class LiveLane implements Lane {
  readonly #options: LiveLaneOptions;
  readonly #line: Line;
  readonly #reader: LineReader;
  /** Rows, and what is known of them, are changed by one at a time. */
  readonly #changes = new Turns(1);
  readonly #window: number;
  readonly #filter: ChangesFilter;
  readonly #reading: BackgroundTask;
  readonly #writing: PacedWrite;
  #flying = 0;
  /** Successes so far; tells whether another record has succeeded since one failed. */
  #successes = 0;
  /** Where it stands on stable storage. */
  #written: string;
  /** Nothing is on its way any more, nor will be. */
  #isLeaving = false;
  #probesUntried = false;

  constructor(options: LiveLaneOptions) {
    const { config, following, line, position, onChange, couldNot } = options;
    const task = { clock: following.clock, onChange, couldNot };
    this.#options = options;
    this.#reading = new BackgroundTask({ ...task, what: "read the log" });
    this.#writing = new PacedWrite({ ...task, what: "keep the position" });
    this.#line = line;
    this.#written = position;
    this.#window = AHEAD * config.concurrency;
    this.#filter = filterOf(config);
    this.#reader = new LineReader({ config, following, line, position });
  }

  get flying(): number {
    return this.#flying;
  }

  get isReady(): boolean {
    return this.#next !== undefined;
  }

  /** Of the elapsed time, when the next one that failed is due; undefined where none is. */
  get dueAt(): number | undefined {
    return this.#line.dueAt;
  }

  /** Why the last one failed; null unless something has failed that no success came after. */
  get reason(): string | null {
    let latest: LastAttempt | undefined;
    for (const { state, last, failedAt } of this.#line.entries) {
      if ((state !== "failing" && state !== "flying") || failedAt < this.#successes) continue;
      if (last !== undefined && (latest === undefined || last.lastAt >= latest.lastAt)) latest = last;
    }
    return latest === undefined ? null : reasonOf(latest);
  }

  get #next(): Entry | undefined {
    return this.#line.nextDue(this.#options.following.clock.elapsed()) ?? this.#line.nextReady();
  }

  send(flyingMax: number): void {
    while (this.#flying < flyingMax) {
      const entry = this.#next;
      if (entry === undefined || !this.#options.mayTake()) return;
      void this.#attempt(entry);
    }
  }

  /**
   * The oldest that failed and the next that was never tried, in turn: what is at fault itself must
   * not keep the rest from showing that the destination is there. Undefined where there is nothing.
   */
  probe(): Promise<void> | undefined {
    const failed = this.#line.nextDue(Number.POSITIVE_INFINITY);
    const untried = this.#line.nextReady();
    const wantsUntried = this.#probesUntried;
    this.#probesUntried = !wantsUntried;
    if (wantsUntried && untried === undefined && this.#line.length >= this.#window) return this.#probeAhead();
    const entry = wantsUntried ? (untried ?? failed) : (failed ?? untried);
    return entry === undefined ? undefined : this.#attempt(entry);
  }

  async #probeAhead(): Promise<void> {
    const { attempts, onLanded } = this.#options;
    this.#flying++;
    try {
      const ahead = await this.#reader.ahead();
      if (ahead === undefined) return;
      const { result } = await attempts.send(ahead.followed, 1, "", this.#filter);
      if (result === "delivered") this.#reader.wasHandedOn(ahead);
    } catch (error) {
      this.#options.couldNot("look ahead in the log", error);
    } finally {
      this.#flying--;
      onLanded();
    }
  }

  async #attempt(entry: Entry): Promise<void> {
    entry.state = "flying";
    this.#flying++;
    const { followed, attempts } = entry;
    const attempted = await this.#options.attempts.send(followed, attempts + 1, "", this.#filter);
    this.#flying--;
    this.#settle(entry, attempted);
    this.#options.onLanded();
  }

  #settle(entry: Entry, attempted: Attempted): void {
    if (attempted.result === "delivered") this.#line.over(entry, "done");
    else if (attempted.result === "stopped") entry.state = entry.attempts > 0 ? "failing" : "ready";
    else this.#failed(entry, attempted.outcome, attempted.result === "counted");
  }

  #failed(entry: Entry, outcome: Undelivered, isCounted: boolean): void {
    const { config, chance, following } = this.#options;
    entry.last = lastAttempt(outcome, entry.last?.firstAt, following.clock.now());
    if (isCounted) {
      entry.attempts++;
      this.#line.addToStreak(entry);
    }
    const pauseMs = isCounted ? retryMs(config.retryMs, entry.attempts, chance, outcome.retryAfterMs) : 0;
    if (pauseMs === undefined) {
      this.#line.over(entry, "dead");
      return;
    }
    entry.state = "failing";
    entry.dueAt = following.clock.elapsed() + pauseMs;
    entry.failedAt = this.#successes;
  }

  /** Something of the destination was taken. */
  succeeded(wasDown: boolean): void {
    this.#successes++;
    this.#line.endStreak();
    if (!wasDown) return;
    // What failed meanwhile is tried once more before it is put aside.
    for (const entry of this.#line.entries) {
      if (entry.state !== "failing" || entry.isExcused) continue;
      entry.isExcused = true;
      entry.failedAt = this.#successes;
    }
  }

  wentDown(): void {
    this.#line.uncountStreak(this.#options.following.clock.elapsed());
  }

  /** What failed is due at once. */
  probeNow(): void {
    const now = this.#options.following.clock.elapsed();
    for (const entry of this.#line.entries)
      if (entry.state === "failing") entry.dueAt = Math.min(entry.dueAt, now);
  }

  /** Reads on while there is room, and no further than a probe needs while nothing is taken. */
  read(isDown: boolean): void {
    const room = this.#window - this.#line.length;
    if (room <= 0 || (isDown && this.#line.nextReady() !== undefined)) return;
    this.#reading.run(() => this.#readOn(room));
  }

  async #readOn(room: number): Promise<void> {
    const { over } = this.#options;
    try {
      const { lostTo } = await this.#reader.readOn(Math.min(room, PAGE_RECORDS), over);
      if (lostTo !== undefined && !over.aborted) await this.alone(() => this.#rewound(lostTo));
    } catch (error) {
      if (!over.aborted) throw error;
    }
  }

  /** The log was put back: everything that is there is handed on again rather than passed. */
  async #rewound(start: string): Promise<void> {
    const { config, deliveries, log, onLost } = this.#options;
    log.error("the log was rewound: a destination begins anew", { destination: config.name });
    const change = { from: this.#written, to: start, at: this.#now(), insert: [], update: [], remove: [] };
    if (!(await deliveries.commit(config.name, change))) return onLost();
    this.#written = start;
    this.#line.clear();
    this.#reader.moveTo(start);
  }

  writeWhenDue(isDown: boolean): void {
    if (this.#writing.isRunning) return;
    const entries = this.#seenTo(isDown);
    const hasRows = entries.some(({ state }) => state !== "done");
    const to = this.#positionAfter(entries);
    if (to === this.#written && !hasRows) return;
    this.#writing.run(() => this.write(), hasRows || this.#line.length >= this.#window);
  }

  #seenTo(isDown: boolean): readonly Entry[] {
    const unused = Math.max(0, PUT_ASIDE_MAX - this.#options.rows().waiting);
    if (this.#isLeaving) return this.#line.upToLastDone(unused);
    const isStuck = this.#isStuck;
    const mayLeave = ({ failedAt }: Entry) => isStuck || failedAt < this.#successes;
    return this.#line.seenTo(mayLeave, isDown ? 0 : unused);
  }

  /** Nothing else can succeed, as all that there is room for waits behind one or two that fail. */
  get #isStuck(): boolean {
    return (
      this.#line.length >= this.#window &&
      this.#line.streakLength < STREAK_MIN &&
      this.#line.nextReady() === undefined &&
      this.#line.entries.every(({ state }) => state !== "flying")
    );
  }

  /** Behind these; behind everything that was read, where nothing else is left. */
  #positionAfter(entries: readonly Entry[]): string {
    if (entries.length === this.#line.length) return this.#reader.position;
    return entries.at(-1)?.followed.position ?? this.#written;
  }

  /**
   * Everything that has been seen to, and these rows, in one commit; one at a time. False, and
   * nothing is kept, where somebody else serves the destination.
   */
  write(rows: ChangedRows = {}): Promise<boolean> {
    return this.alone(() => this.#commit(rows));
  }

  /** While nobody else changes rows, or what is known of them. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#changes.take(work);
  }

  async #commit({ insert = [], update = [], remove = [] }: ChangedRows): Promise<boolean> {
    const { config, deliveries, following, isDown, rows, onLost } = this.#options;
    const entries = this.#seenTo(isDown());
    const to = this.#positionAfter(entries);
    const left = entries.flatMap((entry) => rowOf(entry, following.clock));
    const changed = left.length + insert.length + update.length + remove.length;
    if (to === this.#written && changed === 0) return true;
    const states = entries.map(({ state }) => state);
    for (const entry of entries)
      if (entry.state === "failing" || entry.state === "ready") entry.state = "leaving";
    const change = { at: this.#now(), insert: [...left, ...insert], update, remove };
    let isHeld: boolean;
    try {
      isHeld = await deliveries.commit(config.name, { from: this.#written, to, ...change });
    } catch (error) {
      for (const [index, entry] of entries.entries()) entry.state = states[index] ?? entry.state;
      throw error;
    } finally {
      this.#writing.wrote();
    }
    if (!isHeld) {
      onLost();
      return false;
    }
    this.#written = to;
    this.#line.leave(entries.length);
    rows().changed(change);
    await this.#boundSenders(left);
    return true;
  }

  /**
   * What a sender has waiting is bounded: the one that it waits for is given up, if it has failed.
   * The next one is tried first.
   */
  async #boundSenders(inserted: readonly Failure[]): Promise<void> {
    const { config, deliveries, rows } = this.#options;
    for (const sender of new Set(inserted.map((failure) => failure.sender)))
      while (this.#line.asideOf(sender) > WAITING_OF_SENDER_MAX) {
        const first = await deliveries.firstOf(config.name, sender);
        if (first === undefined || first.attempts === 0 || rows().isTried(first)) break;
        await this.#commit({ update: [{ ...first, state: "dead", cause: SENDER_BACKLOG, next_at: null }] });
      }
  }

  /** Writes the last, when nothing is on its way any more. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.write();
    } catch (error) {
      this.#options.couldNot("keep the position", error);
    }
  }

  cancel(): void {
    this.#writing.cancel();
  }

  #now(): string {
    return new Date(this.#options.following.clock.now()).toISOString();
  }
}
