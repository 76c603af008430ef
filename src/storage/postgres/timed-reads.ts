/** Reads, each in one snapshot and in time, on connections of their own. */
import { Overloaded, QueryTimeout, StorageUnavailable } from "../../core/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Connection, Session } from "./connection.ts";
import { Unnumbered } from "./event-queries.ts";
import { failureOf, isTimeout } from "./failures.ts";

const READS_WAITING_MAX = 1000;
const ATTEMPTS_MAX = 2;
/** Waits beyond what the server limits by itself: the other end is gone. */
const HANG_MS = 1500;

export interface TimedReadsParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Gives a number to everything that is committed. */
  readonly number: () => Promise<void>;
}

export class TimedReads {
  readonly #parts: TimedReadsParts;
  #waiting = 0;

  constructor(parts: TimedReadsParts) {
    this.#parts = parts;
  }

  /** Throws `QueryTimeout`, `Overloaded` when too many reads wait already, or `StorageUnavailable`. */
  async ask<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#waiting >= READS_WAITING_MAX) throw new Overloaded("too many reads at once");
    const { timeoutMs, clock } = this.#parts;
    const late = new QueryTimeout(`the read did not finish in ${timeoutMs} ms`);
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => timeout.reject(late), timeoutMs);
    this.#waiting++;
    const answer = this.#answer(work, clock.elapsed() + timeoutMs).finally(() => this.#waiting--);
    try {
      return await Promise.race([answer, timeout.promise]);
    } catch (error) {
      if (error === late || isTimeout(error)) throw late;
      const { kind, reason } = failureOf(error);
      // Whether messages can be stored is none of a read's business.
      if (kind !== "lost" && kind !== "unavailable") throw error;
      throw new StorageUnavailable("storage unavailable", reason);
    } finally {
      clearTimeout(timer);
      answer.catch(() => undefined);
    }
  }

  async #answer<T>(work: (session: Session) => Promise<T>, deadline: number): Promise<T> {
    const { connection, clock, number } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      const leftMs = Math.max(1, Math.ceil(deadline - clock.elapsed()));
      try {
        return await connection.transaction(
          "isolation level repeatable read read only",
          async (session) => {
            const [, answer] = await Promise.all([
              session.run("select set_config('statement_timeout', $1, true)", [String(leftMs)]),
              work(session),
            ]);
            return answer;
          },
          leftMs + HANG_MS,
        );
      } catch (error) {
        // Its connection may have been cut while the server is well.
        if (attempt <= ATTEMPTS_MAX && failureOf(error).kind === "lost") continue;
        if (!(error instanceof Unnumbered) || clock.elapsed() > deadline) throw error;
        await number();
      }
    }
  }
}
