/**
 * Counts the log's records in their order. A page's counts are added together with the position
 * behind it, and only where the position is the one that the page began at: so each record counts
 * once, whoever else counts and whatever is killed. Where the position is lost all is counted anew.
 */
import { describe, StorageUnavailable } from "../../core/errors.ts";
import { parsePosition } from "../../core/position.ts";
import type { LastRecord, MinuteCount } from "../../core/series.ts";
import { SharedRun } from "../../lib/shared-run.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { Following } from "../following.ts";
import { StepCounts } from "./step-counts.ts";

/** What came since is counted so often. */
const APART_MS = 1000;
/** Somebody else counts: so long a lease lasts. */
const HELD_BY_OTHERS_MS = 5000;
const AGAIN_MS_FIRST = 1000;
const AGAIN_MS_MAX = 60_000;

interface RecordCountingOptions {
  readonly following: Following;
  readonly metrics: Pick<Metrics, "noteLastRecords">;
  readonly log: Pick<Log, "info" | "warn">;
  /** Of this process. */
  readonly holder: string;
  readonly onWritten: () => void;
}

export class RecordCounting {
  readonly #options: RecordCountingOptions;
  readonly #runs: SharedRun;
  #stopListening: () => void = () => undefined;
  #cancelAgain: () => void = () => undefined;
  #underway: Promise<void> = Promise.resolve();
  /** Of the elapsed time: nothing is tried before. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #againMs = AGAIN_MS_FIRST;
  #isHeld = false;
  /** Up to there this process knows what came last; undefined before it has asked. */
  #countedTo: string | null | undefined;
  #isClosed = false;

  constructor(options: RecordCountingOptions) {
    this.#options = options;
    this.#runs = new SharedRun(() => this.#run(), APART_MS, options.following.clock);
  }

  begin(): void {
    this.#stopListening = this.#options.following.store.onChanges(() => this.#due());
    this.#due();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    this.#cancelAgain();
    await this.#underway;
    const { following, holder } = this.#options;
    if (this.#isHeld) await following.store.series.release(holder).catch(() => undefined);
  }

  #due(): void {
    if (!this.#isClosed) void this.#runs.run();
  }

  #run(): Promise<void> {
    this.#underway = this.#count();
    return this.#underway;
  }

  async #count(): Promise<void> {
    const { following, metrics, holder, log } = this.#options;
    const { store, clock } = following;
    if (this.#isClosed || clock.elapsed() < this.#notBefore) return;
    try {
      for (let more = true; more && !this.#isClosed; ) {
        const begunAt = clock.elapsed();
        const state = await store.series.hold(holder);
        this.#isHeld = state !== undefined;
        // A table has what others counted, or this process before its start: a few rows a source.
        if (state === undefined || state.position !== this.#countedTo)
          metrics.noteLastRecords(await store.series.lastRecords());
        if (state === undefined) return this.#again(HELD_BY_OTHERS_MS);
        this.#countedTo = state.position;
        more = await this.#countPage(state.position);
        if (more) await this.#pause(clock.elapsed() - begunAt);
      }
      this.#againMs = AGAIN_MS_FIRST;
    } catch (error) {
      if (this.#isClosed) return;
      // That the database can't be used, the store has said.
      if (this.#againMs === AGAIN_MS_FIRST && !(error instanceof StorageUnavailable))
        log.warn("records could not be counted for the numbers over time", { reason: describe(error) });
      this.#again(this.#againMs);
      this.#againMs = Math.min(2 * this.#againMs, AGAIN_MS_MAX);
    }
  }

  /** Of what stands behind a position; whether there is more to count. */
  async #countPage(from: string | null): Promise<boolean> {
    const { following, metrics, log, onWritten } = this.#options;
    const { store, clock, turns } = following;
    if (from === null) await this.#clear(from);
    // A text that is no position holds nowhere.
    const { seq: after = 0, mark = "" } = parsePosition(from ?? "") ?? {};
    const given = from === null ? { after } : { after, mark };
    const { minutes, position, more, isLost } = await turns.take(() => store.changesCounts(given));
    if (isLost) {
      log.warn("the log isn't what it was: the numbers over time are counted anew", { position: from });
      await this.#clear(from);
      return true;
    }
    if (minutes.length === 0) return more;
    const counts = new StepCounts();
    const now = Math.floor(clock.now() / 1000);
    for (const { minute, ...count } of minutes) counts.add({ ...count, at: minute }, now);
    const last = lastOf(minutes);
    const counted = { from, to: position, counts: counts.rows, last };
    const isTaken = await store.series.count(counted);
    metrics.noteLastRecords(last);
    if (isTaken) this.#countedTo = position;
    onWritten();
    return more || !isTaken;
  }

  /** In parts, with as long a pause after each: messages wait meanwhile. */
  async #clear(lost: string | null): Promise<void> {
    const { store, clock } = this.#options.following;
    for (let more = true; more && !this.#isClosed; ) {
      const begunAt = clock.elapsed();
      more = await store.series.clear(lost);
      if (more) await this.#pause(clock.elapsed() - begunAt);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.following.clock.after(ms, resolve));
  }

  #again(ms: number): void {
    const { clock } = this.#options.following;
    this.#notBefore = clock.elapsed() + ms;
    this.#cancelAgain();
    this.#cancelAgain = clock.after(ms, () => this.#due());
  }
}

/** Of each source and kind; what has no time counts for nothing here. */
function lastOf(minutes: readonly MinuteCount[]): readonly LastRecord[] {
  const last = new Map<string, LastRecord>();
  for (const { source, what, at, minute } of minutes) {
    const key = `${what} ${source}`;
    if (minute > 0 && (last.get(key)?.at ?? "") < at) last.set(key, { source, what, at });
  }
  return [...last.values()];
}
