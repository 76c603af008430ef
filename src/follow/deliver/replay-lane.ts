/**
 * A part of the log that is handed on once more, beside what comes new and no faster than its rate.
 * What fails becomes a row at once, and is tried again like any other; while the destination is
 * down nothing is sent. How far it is stands on stable storage, so that a restart goes on there.
 */
import { PUT_ASIDE_MAX, type Replay } from "../../core/deliveries.ts";
import { parsePosition, seqOf } from "../../core/position.ts";
import { followedRecords } from "../followed-record.ts";
import type { Attempted } from "./attempts.ts";
import { BackgroundTask } from "./background-task.ts";
import { lastAttempt, rowOf } from "./failure-row.ts";
import type { FailureRows } from "./failure-rows.ts";
import type { Lane } from "./lane.ts";
import type { LaneOptions } from "./lane-options.ts";
import { type Entry, Line } from "./line.ts";
import { AHEAD, type LiveLane, PAGE_RECORDS } from "./live-lane.ts";
import { PacedWrite } from "./paced-write.ts";
import { RatePace } from "./rate-pace.ts";
import { retryMs } from "./retry-time.ts";
import { sendersOf } from "./sender.ts";

interface ReplayLaneOptions extends LaneOptions {
  readonly replay: Replay;
  readonly live: LiveLane;
  readonly rows: FailureRows;
  /** Told when it has come to its end or was stopped, and nothing of it is on its way. */
  readonly onOver: () => void;
}

export class ReplayLane implements Lane {
  readonly #options: ReplayLaneOptions;
  readonly #line = new Line();
  readonly #pace: RatePace;
  readonly #window: number;
  readonly #reading: BackgroundTask;
  readonly #writing: PacedWrite;
  /** As it is on stable storage. */
  #kept: Replay;
  /** Behind everything that is in the line. */
  #position: string;
  #isRead = false;
  #isOver = false;
  #flying = 0;

  constructor(options: ReplayLaneOptions) {
    const { replay, config, following, onChange, couldNot } = options;
    const task = { clock: following.clock, onChange, couldNot };
    this.#options = options;
    this.#reading = new BackgroundTask({ ...task, what: "read what is replayed" });
    this.#writing = new PacedWrite({ ...task, what: "keep how far a replay is" });
    this.#kept = replay;
    this.#position = replay.position;
    this.#pace = new RatePace(replay.rate, following.clock);
    this.#window = AHEAD * config.concurrency;
  }

  get flying(): number {
    return this.#flying;
  }

  get isReady(): boolean {
    return this.#mayBegin && this.#pace.waitMs === 0 && this.#line.nextReady() !== undefined;
  }

  /** Milliseconds until its rate lets something go; 0 where it doesn't wait for that. */
  get waitMs(): number {
    return this.#line.nextReady() === undefined ? 0 : this.#pace.waitMs;
  }

  get #mayBegin(): boolean {
    return !this.#isOver && !this.#options.over.aborted && this.#options.rows.waiting < PUT_ASIDE_MAX;
  }

  send(flyingMax: number): void {
    while (this.#flying < flyingMax && this.isReady) {
      const entry = this.#line.nextReady();
      if (entry === undefined || !this.#options.mayTake()) return;
      this.#pace.take();
      void this.#attempt(entry);
    }
  }

  /** Undefined where nothing of it is there. */
  probe(): Promise<void> | undefined {
    const entry = this.#line.nextReady();
    return entry === undefined || !this.#mayBegin ? undefined : this.#attempt(entry);
  }

  async #attempt(entry: Entry): Promise<void> {
    entry.state = "flying";
    this.#flying++;
    const { attempts, onLanded } = this.#options;
    const attempted = await attempts.send(entry.followed, 1, this.#kept.id, this.#kept.filter);
    this.#flying--;
    this.#settle(entry, attempted);
    if (this.#isOver && this.#flying === 0) this.#options.onOver();
    onLanded();
  }

  #settle(entry: Entry, attempted: Attempted): void {
    const { config, chance, following } = this.#options;
    if (attempted.result === "delivered") this.#line.over(entry, "done");
    else if (attempted.result === "counted") {
      const { outcome } = attempted;
      const pauseMs = retryMs(config.retryMs, 1, chance, outcome.retryAfterMs) ?? 0;
      entry.attempts = 1;
      entry.last = lastAttempt(outcome, undefined, following.clock.now());
      entry.dueAt = following.clock.elapsed() + pauseMs;
      this.#line.over(entry, "aside");
    } else entry.state = "ready";
  }

  /** Reads and writes what there is to. */
  step(): void {
    if (this.#isOver || this.#options.over.aborted) return;
    this.#read();
    this.#writeWhenDue();
  }

  #read(): void {
    const room = this.#window - this.#line.length;
    if (this.#isRead || room <= 0) return;
    this.#reading.run(() => this.#readOn(Math.min(room, PAGE_RECORDS)));
  }

  async #readOn(limit: number): Promise<void> {
    const { following, config } = this.#options;
    const { store, turns } = following;
    const { filter, until } = this.#kept;
    const { mark = "", seq = 0 } = parsePosition(this.#position) ?? {};
    const changes = await turns.take(() => store.changes({ after: seq, mark, limit, filter }));
    if (changes.isLost) return this.#lost();
    const records = followedRecords(changes, false).filter((record) => record.seq <= until);
    const senders = await sendersOf(records, config.order, store);
    for (const [index, followed] of records.entries()) this.#line.add(followed, senders[index] ?? "");
    this.#position = changes.position;
    this.#isRead = !changes.more || seqOf(changes.position) >= until;
  }

  async #lost(): Promise<void> {
    const { log, config } = this.#options;
    log.warn("the log was rewound: a replay ends", { destination: config.name, replay: this.#kept.id });
    await this.#end();
  }

  #writeWhenDue(): void {
    if (this.#writing.isRunning) return;
    const hasMoved = this.#line.seenTo(() => false, 0).length > 0 || this.#position !== this.#kept.position;
    if (!hasMoved && !this.#isDone) return;
    this.#writing.run(() => this.write(), this.#line.length >= this.#window);
  }

  get #isDone(): boolean {
    return this.#isRead && this.#line.length === 0;
  }

  /** Keeps how far it is, after the rows of what failed; those are taken twice where this ends. */
  async write(): Promise<void> {
    const { live, deliveries, following } = this.#options;
    const entries = this.#line.seenTo(() => false, 0);
    const { id } = this.#kept;
    const insert = entries.flatMap((entry) => rowOf(entry, following.clock, id));
    const isAll = entries.length === this.#line.length;
    const position = isAll ? this.#position : (entries.at(-1)?.followed.position ?? this.#kept.position);
    const kept = { ...this.#kept, position, done: this.#kept.done + entries.length };
    if (insert.length > 0 && !(await live.write({ insert }))) return;
    const isThere = await deliveries.moveReplay(kept);
    this.#writing.wrote();
    this.#kept = kept;
    this.#line.leave(entries.length);
    if (!isThere) this.stop();
    else if (this.#isDone) await this.#end();
  }

  async #end(): Promise<void> {
    const { deliveries, log, config } = this.#options;
    await deliveries.deleteReplay(config.name, this.#kept.id);
    const { id, done } = this.#kept;
    log.info("a replay is over", { destination: config.name, replay: id, records: done });
    this.stop();
  }

  /** Writes the last, when nothing is on its way: nothing that was handed on is taken twice. */
  async leave(): Promise<void> {
    this.#writing.cancel();
    if (this.#isOver) return;
    const left = PUT_ASIDE_MAX - this.#options.rows.waiting;
    for (const entry of this.#line.upToLastDone(left)) {
      if (entry.state !== "ready") continue;
      entry.dueAt = this.#options.following.clock.elapsed();
      this.#line.over(entry, "aside");
    }
    await this.write().catch((error) => this.#options.couldNot("keep how far a replay is", error));
  }

  /** Begins with nothing more: somebody has stopped it, or it is through. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writing.cancel();
    if (this.#flying === 0) this.#options.onOver();
  }
}
