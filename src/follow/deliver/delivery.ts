/**
 * Hands the log on to one destination: takes records as they come, each sender's in order, tries
 * again what fails, and moves the position past what has been seen to. It writes a position while
 * all goes well, and a row for what it puts aside; while the destination is down it writes nothing.
 */
import {
  DEAD_MAX,
  type Destination,
  type Failure,
  PUT_ASIDE_MAX,
  WAITING_OF_SENDER_MAX,
} from "../../core/deliveries.ts";
import { describe } from "../../core/errors.ts";
import type { FollowedRecord } from "../followed-record.ts";
import { Attempts, STOPPED } from "./attempts.ts";
import type { DeliveryOptions } from "./delivery-options.ts";
import { lastAttempt, rowOf, shownAttempt } from "./failure-row.ts";
import { FailureRows } from "./failure-rows.ts";
import { Health } from "./health.ts";
import { type Entry, Line } from "./line.ts";
import { LineReader } from "./line-reader.ts";
import { RatePace } from "./rate-pace.ts";
import { retryMs } from "./retry-time.ts";
import type { Outcome } from "./sink.ts";

/** Records that are here at a time, for each that may be on its way. */
const AHEAD = 10;
/** The position is written so often while it moves. */
const WRITE_EVERY_MS = 100;
/** What others have changed is looked at so often. */
const LOOK_EVERY_MS = 1000;
const AGAIN_MS = 1000;
/** What is on its way at a stop may take so long. */
const LAST_MS_MAX = 3000;

interface ChangedRows {
  readonly update?: readonly Failure[];
  readonly remove?: readonly Failure[];
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #name: string;
  readonly #reader: LineReader;
  readonly #line = new Line();
  readonly #health: Health;
  readonly #attempts: Attempts;
  readonly #pace: RatePace;
  readonly #over = new AbortController();
  readonly #rows: FailureRows;
  #flying = 0;
  /** Successes so far; tells whether another record has succeeded since one failed. */
  #successes = 0;
  /** Where it stands on stable storage. */
  #written: string;
  #paused: Destination["paused"];
  #probeAskedAt: string | null;
  #version: number;
  #isReading = false;
  #isWriting = false;
  /** Nothing is on its way any more, nor will be. */
  #isLeaving = false;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #probesUntried = false;
  #isProbing = false;
  #isBegun = false;
  #cancelTimer: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  #cancelWrite: () => void = () => undefined;
  #stopped: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: DeliveryOptions) {
    const { config, destination, following } = options;
    this.#options = options;
    this.#name = config.name;
    this.#written = destination.position;
    this.#paused = destination.paused;
    this.#probeAskedAt = destination.probeAskedAt;
    this.#version = destination.version;
    this.#health = new Health(following.clock);
    this.#attempts = new Attempts({
      ...{ name: config.name, health: this.#health, onGone: () => void this.#pause(GONE) },
      ...{ sink: options.sink, tally: options.tally, log: options.log },
    });
    this.#pace = new RatePace(config.ratePerS, following.clock);
    this.#rows = new FailureRows({
      ...{ name: config.name, line: this.#line, deliveries: options.deliveries, following },
      attempt: (failure, followed) => this.#retry(failure, followed),
      remove: (failure) => this.#write({ remove: [failure] }),
      mayTry: () => this.#mayTake(),
      onEnd: () => this.#landed(),
      onFailure: (what, error) => this.#couldNot(what, error),
    });
    this.#reader = new LineReader({ config, following, line: this.#line, position: destination.position });
  }

  async begin(): Promise<void> {
    await this.#alone(() => this.#rows.load());
    this.#isBegun = true;
    this.#lookLater();
    this.#step();
  }

  get health(): Pick<Health, "isDown" | "reason" | "since"> {
    return this.#health;
  }

  /** When something is sent next, in milliseconds since 1970; undefined where nothing waits. */
  get nextAttemptAt(): number | undefined {
    const { clock } = this.#options.following;
    const { isDown, heldMs } = this.#health;
    if (isDown || heldMs > 0) return clock.now() + heldMs;
    const { dueAt } = this.#line;
    const times = [
      ...(dueAt === undefined ? [] : [clock.now() + Math.max(0, dueAt - clock.elapsed())]),
      ...(this.#rows.dueAt === undefined ? [] : [this.#rows.dueAt]),
    ];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Takes nothing more; resolves when what was on its way is over and written. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#over.abort();
    this.#cancelTimer();
    this.#cancelLook();
    this.#cancelWrite();
    const { clock } = this.#options.following;
    const cancel = clock.after(LAST_MS_MAX, () => this.#attempts.abort());
    if (this.#flying + this.#rows.length > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    cancel();
    this.#isLeaving = true;
    await this.#write().catch((error) => this.#couldNot("keep the position", error));
    this.#options.sink.close();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Does whatever can be done now, and sees to it that the rest is done when it can be. */
  #step(): void {
    if (this.#isOver || !this.#isBegun) return;
    this.#cancelTimer();
    if (this.#paused === null) {
      if (this.#health.isDown) this.#probe();
      else this.#send();
      this.#read();
    }
    this.#writeWhenDue();
    this.#stepLater();
  }

  #stepLater(): void {
    const { clock } = this.#options.following;
    const now = clock.elapsed();
    const { dueAt } = this.#line;
    const rowsDueMs = this.#rows.dueAt === undefined ? 0 : this.#rows.dueAt - clock.now();
    const dueMs = dueAt === undefined ? 0 : dueAt - now;
    const waits = [this.#health.heldMs, dueMs, rowsDueMs, this.#pace.waitMs].filter((ms) => ms > 0);
    if (waits.length === 0) return;
    this.#cancelTimer = clock.after(Math.max(1, Math.min(...waits, LOOK_EVERY_MS)), () => this.#step());
  }

  #send(): void {
    const { concurrency } = this.#options.config;
    const { clock } = this.#options.following;
    if (!this.#maySend) return;
    const forRows = Math.max(1, concurrency >> 1);
    // While rows are due, what comes new leaves them half of what may be on its way.
    const forLine = this.#rows.tryDue(forRows) ? concurrency - forRows : concurrency;
    while (this.#flying < forLine && this.#maySend) {
      const entry = this.#line.nextDue(clock.elapsed()) ?? this.#line.nextReady();
      if (entry === undefined) return;
      this.#pace.take();
      void this.#attempt(entry);
    }
  }

  get #maySend(): boolean {
    const { isDown, heldMs } = this.#health;
    const isFree = this.#flying + this.#rows.length < this.#options.config.concurrency;
    const isHeld = isDown || heldMs > 0 || this.#pace.waitMs > 0;
    return isFree && !isHeld && !this.#isOver && this.#paused === null;
  }

  #mayTake(): boolean {
    if (!this.#maySend) return false;
    this.#pace.take();
    return true;
  }

  /** One at a time: the oldest that failed and the next that was never tried, in turn. */
  #probe(): void {
    if (this.#isProbing || this.#health.heldMs > 0) return;
    const failed = this.#line.nextDue(Number.POSITIVE_INFINITY);
    const untried = this.#line.nextReady();
    const entry = this.#probesUntried ? (untried ?? failed) : (failed ?? untried);
    this.#probesUntried = !this.#probesUntried;
    this.#isProbing = true;
    // Where there is nothing in the line, a row.
    const probing = entry === undefined ? this.#rows.tryFirst() : this.#attempt(entry);
    void probing.finally(() => {
      this.#isProbing = false;
    });
  }

  async #attempt(entry: Entry): Promise<void> {
    entry.state = "flying";
    this.#flying++;
    const outcome = await this.#attempts.send(entry.followed, entry.attempts + 1, false);
    this.#flying--;
    if (outcome.isDelivered) {
      this.#succeeded();
      this.#line.over(entry, "done");
    } else this.#failed(entry, outcome);
    this.#landed();
  }

  #landed(): void {
    if (this.#flying + this.#rows.length === 0) this.#idle?.();
    this.#step();
  }

  #succeeded(): void {
    this.#successes++;
    this.#line.endStreak();
    if (!this.#attempts.succeeded()) return;
    // What failed meanwhile is tried once more before it is put aside.
    for (const entry of this.#line.entries) entry.failedAt = this.#successes;
  }

  #failed(entry: Entry, outcome: Outcome & { isDelivered: false }): void {
    const { clock } = this.#options.following;
    if (outcome.cause === STOPPED) {
      entry.state = entry.attempts > 0 ? "failing" : "ready";
      return;
    }
    entry.last = lastAttempt(outcome, entry.last?.firstAt, clock.now());
    const wasDown = this.#health.isDown;
    const verdict = this.#attempts.judge(entry.followed, outcome);
    if (verdict === "counted") {
      entry.attempts++;
      this.#line.addToStreak(entry);
      const pauseMs = retryMs(this.#options.config.retryMs, entry.attempts, this.#options.chance);
      if (pauseMs === undefined) this.#line.over(entry, "dead");
      else this.#failing(entry, Math.max(pauseMs, outcome.retryAfterMs ?? 0));
      return;
    }
    this.#failing(entry, 0);
    if (verdict === "down" && !wasDown) this.#line.uncountStreak(clock.elapsed());
  }

  #failing(entry: Entry, ms: number): void {
    entry.state = "failing";
    entry.dueAt = this.#options.following.clock.elapsed() + ms;
    entry.failedAt = this.#successes;
  }

  async #pause(reason: string): Promise<void> {
    this.#paused = { reason, since: this.#now() };
    this.#options.log.warn("a destination is paused", { destination: this.#name, reason });
    try {
      await this.#options.deliveries.pause(this.#name, this.#paused);
    } catch (error) {
      this.#couldNot("pause", error);
    }
  }

  /**
   * Reads on while there is room; rows that can't be put aside any more keep what is before them.
   */
  #read(): void {
    const room = AHEAD * this.#options.config.concurrency - this.#line.length;
    // A probe has to have something.
    if (this.#isReading || room <= 0 || (this.#health.isDown && this.#line.length > 0)) return;
    this.#isReading = true;
    void this.#readOn(room).finally(() => {
      this.#isReading = false;
    });
  }

  async #readOn(room: number): Promise<void> {
    try {
      const { lostTo } = await this.#reader.readOn(Math.min(room, PAGE_RECORDS), this.#over.signal);
      if (lostTo !== undefined && !this.#isOver) await this.#alone(() => this.#rewound(lostTo));
      setImmediate(() => this.#step());
    } catch (error) {
      if (this.#isOver) return;
      this.#couldNot("read the log", error);
      this.#options.following.clock.after(AGAIN_MS, () => this.#step());
    }
  }

  /** The log was put back: everything that is there is handed on again rather than passed. */
  async #rewound(start: string): Promise<void> {
    this.#options.log.error("the log was rewound: a destination begins anew", { destination: this.#name });
    const change = { from: this.#written, to: start, at: this.#now(), insert: [], update: [], remove: [] };
    if (!(await this.#options.deliveries.commit(this.#name, change))) return this.#lost();
    this.#written = start;
    this.#line.clear();
    this.#reader.moveTo(start);
  }

  /** Of a row that is tried again, once its record was read. */
  async #retry(failure: Failure, followed: FollowedRecord): Promise<void> {
    const outcome = await this.#attempts.send(followed, failure.attempts + 1, failure.replay !== "");
    try {
      await this.#retried(failure, followed, outcome);
    } catch (error) {
      this.#couldNot("keep what became of a record", error);
    }
  }

  async #retried(failure: Failure, followed: FollowedRecord, outcome: Outcome): Promise<void> {
    const { config, chance, following } = this.#options;
    if (outcome.isDelivered) {
      this.#succeeded();
      return this.#write({ remove: [failure] });
    }
    if (outcome.cause === STOPPED || this.#attempts.judge(followed, outcome) !== "counted") return;
    const attempts = failure.attempts + 1;
    const now = following.clock.now();
    const pauseMs = retryMs(config.retryMs, attempts, chance);
    const dueMs = pauseMs === undefined ? undefined : now + Math.max(pauseMs, outcome.retryAfterMs ?? 0);
    await this.#write({
      update: [
        {
          ...failure,
          ...shownAttempt(attempts, lastAttempt(outcome, failure.first_at ?? undefined, now)),
          state: dueMs === undefined ? "dead" : "waiting",
          next_at: dueMs === undefined ? null : new Date(dueMs).toISOString(),
        },
      ],
    });
  }

  #writeWhenDue(): void {
    const { clock } = this.#options.following;
    if (this.#isWriting) return;
    const entries = this.#seenTo();
    const hasRows = entries.some(({ state }) => state !== "done");
    const to = this.#positionAfter(entries);
    if (to === this.#written && !hasRows) return;
    const leftMs = this.#writtenAt + WRITE_EVERY_MS - clock.elapsed();
    const isFull = this.#line.length >= AHEAD * this.#options.config.concurrency;
    if (leftMs > 0 && !hasRows && !isFull) {
      this.#cancelWrite();
      this.#cancelWrite = clock.after(leftMs, () => this.#step());
      return;
    }
    void this.#write().then(
      () => this.#step(),
      (error) => {
        this.#couldNot("keep the position", error);
        clock.after(AGAIN_MS, () => this.#step());
      },
    );
  }

  #seenTo(): readonly Entry[] {
    const unused = Math.max(0, PUT_ASIDE_MAX - this.#rows.waiting);
    if (this.#isLeaving) return this.#line.upToLastDone(unused);
    const isStuck = this.#isStuck;
    const mayLeave = ({ failedAt }: Entry) => isStuck || failedAt < this.#successes;
    return this.#line.seenTo(mayLeave, this.#health.isDown ? 0 : unused);
  }

  /** Nothing else can succeed, as all that there is room for waits behind one or two that fail. */
  get #isStuck(): boolean {
    return (
      this.#line.length >= AHEAD * this.#options.config.concurrency &&
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

  /** Everything that has been seen to, and these rows, in one commit; one at a time. */
  async #write(rows: ChangedRows = {}): Promise<void> {
    await this.#alone(() => this.#commit(rows));
  }

  async #commit({ update = [], remove = [] }: ChangedRows): Promise<void> {
    const { deliveries, following } = this.#options;
    const entries = this.#seenTo();
    const to = this.#positionAfter(entries);
    const insert = entries.flatMap((entry) => rowOf(entry, following.clock));
    if (to === this.#written && insert.length + update.length + remove.length === 0) return;
    const states = entries.map(({ state }) => state);
    for (const entry of entries)
      if (entry.state === "failing" || entry.state === "ready") entry.state = "leaving";
    const change = { from: this.#written, to, at: this.#now(), insert, update, remove };
    let isHeld: boolean;
    try {
      isHeld = await deliveries.commit(this.#name, change);
    } catch (error) {
      for (const [index, entry] of entries.entries()) entry.state = states[index] ?? entry.state;
      throw error;
    } finally {
      this.#writtenAt = following.clock.elapsed();
    }
    if (!isHeld) return this.#lost();
    this.#written = to;
    this.#line.leave(entries.length);
    this.#rows.changed(change);
    if (this.#rows.dead >= DEAD_MAX && this.#paused === null)
      await this.#pause(`${DEAD_MAX} records are dead`);
    await this.#boundSenders(insert);
  }

  /** Rows, and what is known of them, are changed by one at a time. */
  async #alone(work: () => Promise<void>): Promise<void> {
    while (this.#isWriting) await Bun.sleep(1);
    this.#isWriting = true;
    try {
      await work();
    } finally {
      this.#isWriting = false;
    }
  }

  /** What a sender has waiting is bounded: the one that it waits for is given up. */
  async #boundSenders(inserted: readonly Failure[]): Promise<void> {
    for (const sender of new Set(inserted.map((failure) => failure.sender)))
      while (this.#line.asideOf(sender) > WAITING_OF_SENDER_MAX) {
        const first = await this.#options.deliveries.firstOf(this.#name, sender);
        if (first === undefined || this.#rows.isTried(first)) break;
        await this.#commit({ update: [{ ...first, state: "dead", cause: SENDER_BACKLOG, next_at: null }] });
      }
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.following.clock.after(LOOK_EVERY_MS, () => {
      void this.look().finally(() => {
        if (!this.#isOver) this.#lookLater();
      });
    });
  }

  /** What others have changed, and whether this one may still serve it. */
  async look(): Promise<void> {
    try {
      const before = this.#paused;
      const destination = await this.#options.deliveries.find(this.#name);
      if (this.#isOver) return;
      if (destination === undefined) return this.#lost();
      const { paused, probeAskedAt, version } = destination;
      if (this.#paused === before) this.#paused = paused;
      if (probeAskedAt !== this.#probeAskedAt) this.#health.probeNow();
      this.#probeAskedAt = probeAskedAt;
      if (version !== this.#version) await this.#alone(() => this.#rows.load());
      this.#version = version;
      this.#step();
    } catch (error) {
      this.#couldNot("look at the destination", error);
    }
  }

  #now(): string {
    return new Date(this.#options.following.clock.now()).toISOString();
  }

  #lost(): void {
    if (this.#isOver) return;
    this.#over.abort();
    this.#attempts.abort();
    this.#cancelTimer();
    this.#cancelLook();
    this.#cancelWrite();
    this.#options.log.warn("somebody else serves a destination", { destination: this.#name });
    this.#options.onLost();
  }

  #couldNot(what: string, error: unknown): void {
    const reason = describe(error);
    this.#options.log.warn(`a destination could not ${what}`, { destination: this.#name, reason });
  }
}

const PAGE_RECORDS = 500;
/** So many that fail may be an outage, which costs no row. */
const STREAK_MIN = 3;
const GONE = "the destination answered 410 Gone";
const SENDER_BACKLOG = "sender_backlog";
