/**
 * Whether a destination answers at all, by what became of the last attempts. While it is down
 * nothing counts but probes, so that an outage of any length costs no record an attempt.
 */
import type { Clock } from "../../lib/clock.ts";

const FAILURES_MAX = 5;
/** Fewer records may be what is wrong themselves. */
const FAILED_RECORDS_MIN = 3;
const PROBE_MS_FIRST = 1000;
const PROBE_MS_MAX = 60_000;
/** So many answers in a row that ask for patience hold everything. */
const RETRY_AFTER_MAX = 3;
/** Nothing counts meanwhile, so it is never asked without a pause. */
const HOLD_MS_MIN = 1000;

/** A failed attempt, as far as it tells of the destination. */
interface FailedAttempt {
  /** What tells records apart. */
  readonly record: string;
  /** Whether somebody said no to the record. */
  readonly isAnswered: boolean;
  readonly cause: string;
  readonly retryAfterMs: number | undefined;
}

export class Health {
  readonly #clock: Clock;
  /** Of failures in a row: the records that failed, and whether none was answered. */
  #failed: string[] = [];
  #unanswered = 0;
  #patience = 0;
  #isDown = false;
  #reason: string | null = null;
  #since: number;
  /** Of the elapsed time: before it nothing is sent. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  #probeMs = PROBE_MS_FIRST;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Why it is down; null while it isn't. */
  get reason(): string | null {
    return this.#reason;
  }

  /** When it went down or came back; milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** Milliseconds until something may be sent; 0 for now. */
  get heldMs(): number {
    // Nearly always; it is asked several times for each record.
    if (this.#heldUntil === Number.NEGATIVE_INFINITY) return 0;
    return Math.max(0, this.#heldUntil - this.#clock.elapsed());
  }

  /** Asks for an attempt at once. */
  probeNow(): void {
    this.#heldUntil = Number.NEGATIVE_INFINITY;
  }

  /** Whether it was down until now. */
  succeeded(): boolean {
    const wasDown = this.#isDown;
    this.#failed = [];
    this.#unanswered = 0;
    this.#patience = 0;
    this.#probeMs = PROBE_MS_FIRST;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    this.#isDown = false;
    this.#reason = null;
    if (wasDown) this.#since = this.#clock.now();
    return wasDown;
  }

  /**
   * `counted`: the record has one attempt less. `held`: the destination asks for patience. `down`:
   * it is down, as of now (then all of this row of failures count for nothing) or as before.
   */
  failed({ record, isAnswered, cause, retryAfterMs }: FailedAttempt): "counted" | "held" | "down" {
    if (this.#isDown) {
      // What was on its way when it went down tells nothing new.
      if (this.heldMs > 0) return "down";
      this.#hold(this.#probeMs);
      this.#probeMs = Math.min(2 * this.#probeMs, PROBE_MS_MAX);
      this.#reason = cause;
      return "down";
    }
    // One that may come again at once, or by a clock that is behind, asks for none.
    const patienceMs = retryAfterMs ?? 0;
    this.#patience = patienceMs === 0 ? 0 : this.#patience + 1;
    if (this.#patience >= RETRY_AFTER_MAX) {
      this.#hold(Math.max(patienceMs, HOLD_MS_MIN));
      return "held";
    }
    this.#failed.push(record);
    this.#unanswered = isAnswered ? 0 : this.#unanswered + 1;
    const isMany = this.#failed.length >= FAILURES_MAX && new Set(this.#failed).size >= FAILED_RECORDS_MIN;
    if (!isMany && this.#unanswered < FAILURES_MAX) return "counted";
    this.#isDown = true;
    this.#reason = cause;
    this.#since = this.#clock.now();
    this.#hold(this.#probeMs);
    this.#probeMs *= 2;
    return "down";
  }

  #hold(ms: number): void {
    this.#heldUntil = this.#clock.elapsed() + ms;
  }
}
