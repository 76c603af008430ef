/**
 * Questions to the readers' threads: they wait in one line, go to whichever reader is free, and are
 * bounded in time. Each reader at work has caches and garbage of its own, and competes with what
 * stores messages. So only as many searches are made at once as there are processors left for them,
 * at least one, and as many other reads, which never wait for a search. Further readers help when
 * one of them is at a long read.
 */
import { Overloaded, QueryTimeout, ShuttingDown } from "../../../core/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { inTime } from "../../../lib/in-time.ts";
import { Damaged } from "../connection/damage.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import type { Thread } from "../connection/thread.ts";
import type { IndexLimits } from "../derived/followers.ts";
import type { CountReport } from "./protocol.ts";

const READS_WAITING_MAX = 1000;
/** A question that takes so long doesn't count any more: another of its kind may be begun. */
const LONG_READ_MS = 250;

interface Reader {
  readonly thread: Thread;
  /** The question that it is at, and since when; `done` resolves when it is answered, or failed. */
  work: { readonly kind: Kind; readonly since: number; readonly done: Promise<void> } | undefined;
}

/**
 * A search may look at much; what else there is to ask is answered from counts and ordered keys.
 */
export type Kind = "search" | "lookup";

interface Question {
  readonly kind: Kind;
  readonly ask: object;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface TimedReadsOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Reads of each kind that are made at once unless one of them takes long. */
  readonly atOnce: number;
  /** Told what a read has met; gives what it fails with. */
  readonly onDamage: (damage: Damaged) => Error;
}

export class TimedReads {
  readonly #readers: readonly Reader[];
  readonly #options: TimedReadsOptions;
  readonly #waiting: Question[] = [];
  /** Looks again whether a further reader is needed. */
  #cancelAgain: () => void = () => undefined;
  #held = false;
  #closed = false;

  constructor(threads: readonly Thread[], options: TimedReadsOptions) {
    this.#readers = threads.map((thread) => ({ thread, work: undefined }));
    this.#options = options;
  }

  /** Resolves when every reader reads by this index file and none by the one before. */
  async open(path: string, index: string, limits: IndexLimits): Promise<void> {
    await Promise.all(this.#readers.map(({ thread }) => thread.ask({ do: "open", path, index, limits })));
  }

  /** How many messages there are and up to which row, however long that takes. */
  count(): Promise<CountReport> {
    return this.#answer<CountReport>("search", { do: "count" });
  }

  /** What waits is answered first; what is asked from now on is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#waiting.length > 0) await this.#underway();
    await Promise.all(this.#readers.map(({ thread }) => thread.close()));
  }

  /**
   * Does `work` while nothing is read: what waits waits for it, what is under way is waited for.
   */
  async without(work: () => Promise<void>): Promise<void> {
    this.#held = true;
    try {
      await this.#underway();
      await work();
    } finally {
      this.#held = false;
      this.#distribute();
    }
  }

  /**
   * Asks and waits until the deadline, which the question carries to the reader. Throws
   * `QueryTimeout`, `Overloaded` when too many reads wait already, `ShuttingDown`, or what
   * `onDamage` gives.
   */
  async ask<T>(kind: Kind, question: (deadline: number) => object): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const late = new QueryTimeout(`the read did not finish in ${timeoutMs} ms`);
    const answer = this.#answer<T>(kind, question(clock.now() + timeoutMs));
    try {
      return await inTime(answer, timeoutMs, late);
    } catch (error) {
      throw error instanceof TimeIsOver ? late : error;
    }
  }

  #answer<T>(kind: Kind, ask: object): Promise<T> {
    if (this.#closed) return Promise.reject(new ShuttingDown("shutting down"));
    if (this.#waiting.length >= READS_WAITING_MAX)
      return Promise.reject(new Overloaded("too many reads at once"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ kind, ask, resolve: resolve as (answer: unknown) => void, reject });
      this.#distribute();
    });
  }

  /** Gives what waits, in its order, to the readers that have nothing to do. */
  #distribute(): void {
    this.#cancelAgain();
    while (!this.#held && this.#waiting.length > 0) {
      const free = this.#readers.find(({ work }) => work === undefined);
      if (free === undefined) return;
      const now = this.#options.clock.elapsed();
      const counted = this.#readers.flatMap(({ work }) =>
        work !== undefined && now - work.since < LONG_READ_MS ? [work] : [],
      );
      const index = this.#waiting.findIndex(
        ({ kind }) => counted.filter((work) => work.kind === kind).length < this.#options.atOnce,
      );
      if (index < 0) {
        const first = Math.min(...counted.map(({ since }) => since));
        const { clock } = this.#options;
        this.#cancelAgain = clock.after(first + LONG_READ_MS - now, () => this.#distribute());
        return;
      }
      this.#give(free, ...(this.#waiting.splice(index, 1) as [Question]));
    }
  }

  /** A read that is given up keeps the reader until it is done with it. */
  #give(reader: Reader, { kind, ask, resolve, reject }: Question): void {
    const done = reader.thread
      .ask(ask)
      .finally(() => {
        reader.work = undefined;
      })
      .then(resolve, (error) => reject(error instanceof Damaged ? this.#options.onDamage(error) : error))
      .then(() => this.#distribute());
    reader.work = { kind, since: this.#options.clock.elapsed(), done };
  }

  async #underway(): Promise<void> {
    await Promise.all(this.#readers.map(({ work }) => work?.done));
  }
}
