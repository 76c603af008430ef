/** Questions to the reader's thread: bounded in number and in time. */
import { Overloaded, QueryTimeout } from "../../core/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { TimeIsOver } from "./queries.ts";
import type { Thread } from "./thread.ts";

const READS_WAITING_MAX = 1000;

export class Reads {
  readonly #reader: Thread;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #waiting = 0;

  constructor(reader: Thread, clock: Clock, timeoutMs: number) {
    this.#reader = reader;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks and waits until the deadline, which the question carries to the reader. Throws `QueryTimeout`, or
   * `Overloaded` when too many reads wait already.
   */
  async ask<T>(question: (deadline: number) => object): Promise<T> {
    if (this.#waiting >= READS_WAITING_MAX) throw new Overloaded("too many reads at once");
    const late = new QueryTimeout(`the read did not finish in ${this.#timeoutMs} ms`);
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => timeout.reject(late), this.#timeoutMs);
    this.#waiting++;
    // A read that is given up counts until the reader is done with it: only then is there room for another.
    const answer = this.#reader
      .ask<T>(question(this.#clock.now() + this.#timeoutMs))
      .finally(() => this.#waiting--);
    try {
      return await Promise.race([answer, timeout.promise]);
    } catch (error) {
      throw error instanceof TimeIsOver ? late : error;
    } finally {
      clearTimeout(timer);
    }
  }
}
