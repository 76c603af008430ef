/** Questions to the readers' threads: each goes to the one with fewest waiting, and all are bounded in time. */
import { Overloaded, QueryTimeout } from "../../core/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { inTime } from "../../lib/in-time.ts";
import type { IndexLimits } from "./index/follower.ts";
import type { CountReport } from "./protocol.ts";
import { TimeIsOver } from "./scan.ts";
import type { Thread } from "./thread.ts";

const READS_WAITING_MAX = 1000;

interface Reader {
  readonly thread: Thread;
  waiting: number;
  /** Settles when it has answered everything. */
  last: Promise<unknown>;
}

export class Reads {
  readonly #readers: readonly Reader[];
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** Resolves when reads are no longer held back; undefined when they aren't. */
  #hold: Promise<void> | undefined;
  #held = 0;

  constructor(threads: readonly Thread[], clock: Clock, timeoutMs: number) {
    this.#readers = threads.map((thread) => ({ thread, waiting: 0, last: Promise.resolve() }));
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves when every reader reads by this index file and none by the one before. */
  async open(path: string, index: string, limits: IndexLimits): Promise<void> {
    await Promise.all(this.#readers.map(({ thread }) => thread.ask({ do: "open", path, index, limits })));
  }

  /** How many messages there are and up to which row, however long that takes. */
  count(): Promise<CountReport> {
    return (this.#readers[0] as Reader).thread.ask<CountReport>({ do: "count" });
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map(({ thread }) => thread.close()));
  }

  /** Does `work` while nothing is read: what is asked meanwhile waits for it, what is under way is waited for. */
  async without(work: () => Promise<void>): Promise<void> {
    const hold = Promise.withResolvers<void>();
    this.#hold = hold.promise;
    try {
      await Promise.allSettled(this.#readers.map(({ last }) => last));
      await work();
    } finally {
      this.#hold = undefined;
      hold.resolve();
    }
  }

  /**
   * Asks and waits until the deadline, which the question carries to the reader. Throws `QueryTimeout`, or
   * `Overloaded` when too many reads wait already.
   */
  async ask<T>(question: (deadline: number) => object): Promise<T> {
    const late = new QueryTimeout(`the read did not finish in ${this.#timeoutMs} ms`);
    const answer = this.#answer<T>(question(this.#clock.now() + this.#timeoutMs));
    try {
      return await inTime(answer, this.#timeoutMs, late);
    } catch (error) {
      throw error instanceof TimeIsOver ? late : error;
    }
  }

  async #answer<T>(question: object): Promise<T> {
    while (this.#hold !== undefined) await this.#untilFree(this.#hold);
    const reader = this.#readers.reduce((least, next) => (next.waiting < least.waiting ? next : least));
    if (reader.waiting >= READS_WAITING_MAX) throw new Overloaded("too many reads at once");
    reader.waiting++;
    // A read that is given up counts until the reader is done with it: only then is there room for another.
    const answer = reader.thread.ask<T>(question).finally(() => reader.waiting--);
    reader.last = answer;
    return await answer;
  }

  async #untilFree(hold: Promise<void>): Promise<void> {
    if (this.#held >= READS_WAITING_MAX) throw new Overloaded("too many reads at once");
    this.#held++;
    try {
      await hold;
    } finally {
      this.#held--;
    }
  }
}
