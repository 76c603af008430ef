/**
 * Reads, each in one snapshot and in time, on connections of their own; and changes of what isn't
 * received, for which no message may wait.
 */
import { Overloaded, QueryTimeout, StorageUnavailable } from "../../../core/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { inTime } from "../../../lib/in-time.ts";
import type { Log } from "../../../observe/log.ts";
import {
  Connection,
  type ConnectionOptions,
  HANG_MS,
  type Mode,
  type Session,
  SNAPSHOT,
} from "../connection/connection.ts";
import { failureOf, isTimeout } from "../connection/failures.ts";
import { guard } from "../connection/safe-commit.ts";
import { Standby } from "../connection/standby.ts";
import { Unnumbered } from "./event-queries.ts";

const READS_WAITING_MAX = 1000;
/** At a standby; the primary comes after it. */
const STANDBY_ATTEMPTS_MAX = 2;
/**
 * Between attempts at the primary, more each time: a pooler that can't log in refuses everybody for
 * a second or more.
 */
const RETRY_MS_FIRST = 10;
const RETRY_MS_MAX = 200;

interface TimedReadsOptions extends ConnectionOptions {
  readonly url: string;
  /** Of a hot standby, which answers what it can, as of a moment ago. */
  readonly readUrl: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly timeoutMs: number;
  /** Gives a number to everything that is committed. */
  readonly number: () => Promise<void>;
}

/** Work of many statements calls `checkTime` between them, which throws when the time is over. */
type Work<T> = (session: Session, checkTime: () => void) => Promise<T>;

export class TimedReads {
  readonly #options: TimedReadsOptions;
  readonly #primary: Connection;
  readonly #standby: Standby | undefined;
  #waiting = 0;
  #isClosed = false;

  constructor(options: TimedReadsOptions) {
    const { url, readUrl, log } = options;
    this.#options = options;
    this.#primary = new Connection(url, options);
    if (readUrl !== undefined)
      this.#standby = new Standby({ url: readUrl, connection: options, primary: this.#primary, log });
  }

  /** Throws `StartRefused` when the standby holds another database. */
  async begin(): Promise<void> {
    await this.#standby?.begin();
  }

  /** How old what reads show is; 0 when it is no other than what is stored. */
  get lagSeconds(): number {
    return this.#standby?.lagSeconds ?? 0;
  }

  /** Waits for what is under way, so many seconds at most. */
  async close(timeoutS: number): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#primary.close(timeoutS), this.#standby?.close(timeoutS)]);
  }

  /**
   * Throws `QueryTimeout`, `Overloaded` when too many reads wait already, or `StorageUnavailable`.
   * What has to have everything that is stored is asked of the primary alone.
   */
  ask<T>(work: Work<T>, of: "any server" | "the primary" = "any server"): Promise<T> {
    return this.#inTime((deadline) =>
      of === "the primary" ? this.#askPrimary(work, deadline) : this.#answer(work, deadline),
    );
  }

  /**
   * As `ask`; on stable storage when it resolves. Where its connection is lost it is done again,
   * and may have been done before.
   */
  change<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#inTime((deadline) => this.#askPrimary(work, deadline, "read write"));
  }

  /**
   * As `change`, in what transactions the work makes of the connection to the primary within the
   * time that is left.
   */
  attempt<T>(work: (connection: Connection, withinMs: number) => Promise<T>): Promise<T> {
    return this.#inTime((deadline) =>
      this.#again(deadline, () => work(this.#primary, this.#leftMs(deadline))),
    );
  }

  async #inTime<T>(begin: (deadline: number) => Promise<T>): Promise<T> {
    if (this.#waiting >= READS_WAITING_MAX) throw new Overloaded("too many reads at once");
    const { timeoutMs, clock } = this.#options;
    const late = new QueryTimeout(`the read did not finish in ${timeoutMs} ms`);
    this.#waiting++;
    const answer = begin(clock.elapsed() + timeoutMs).finally(() => this.#waiting--);
    try {
      return await inTime(answer, timeoutMs, late);
    } catch (error) {
      if (error === late || isTimeout(error)) throw late;
      const { kind, reason } = failureOf(error);
      // Whether messages can be stored is none of a read's business.
      if (kind === "data") throw error;
      throw new StorageUnavailable("storage unavailable", reason);
    }
  }

  async #answer<T>(work: Work<T>, deadline: number): Promise<T> {
    const standby = this.#standby;
    const answer = standby?.isUsable ? await this.#askStandby(standby, work, deadline) : undefined;
    return answer === undefined ? this.#askPrimary(work, deadline) : answer.given;
  }

  /**
   * Undefined where only the primary can answer: the standby is away, has ended the read twice so
   * that it can follow, or what the read needs had no number yet when the standby got it.
   */
  async #askStandby<T>(standby: Standby, work: Work<T>, deadline: number): Promise<{ given: T } | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { given, follows } = await this.#read(standby.connection, work, deadline);
        // It was promoted: what it shows may not be what is stored at the primary.
        if (follows) return { given };
        standby.lost("it follows no other server");
        return undefined;
      } catch (error) {
        if (error instanceof Unnumbered) return undefined;
        const { kind, reason } = failureOf(error);
        if (kind === "data" || isTimeout(error)) throw error;
        if (attempt < STANDBY_ATTEMPTS_MAX && kind !== "unavailable") continue;
        if (kind === "lost") standby.lost(reason);
        return undefined;
      }
    }
  }

  #askPrimary<T>(work: Work<T>, deadline: number, mode: Mode = SNAPSHOT): Promise<T> {
    return this.#again(deadline, async () => (await this.#read(this.#primary, work, deadline, mode)).given);
  }

  async #again<T>(deadline: number, attempt: () => Promise<T>): Promise<T> {
    const { clock, number } = this.#options;
    let pauseMs = RETRY_MS_FIRST;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const leftMs = deadline - clock.elapsed();
        if (error instanceof Unnumbered && leftMs >= 0) await number();
        // Its connection may have been cut while the server is well.
        else if (failureOf(error).kind === "lost" && pauseMs < leftMs && !this.#isClosed) {
          await Bun.sleep(pauseMs);
          pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX);
        } else throw error;
      }
    }
  }

  #leftMs(deadline: number): number {
    return Math.max(1, Math.ceil(deadline - this.#options.clock.elapsed()));
  }

  /** Throws what the server says of a statement that takes too long. */
  #checkTime(deadline: number): void {
    if (this.#options.clock.elapsed() > deadline)
      throw Object.assign(new Error("the read takes too long"), { errno: "57014" });
  }

  async #read<T>(
    connection: Connection,
    work: Work<T>,
    deadline: number,
    mode: Mode = SNAPSHOT,
  ): Promise<{ given: T; follows: boolean }> {
    const leftMs = this.#leftMs(deadline);
    return connection.transaction(
      mode,
      async (session) => {
        const [follows, given] = await Promise.all([
          mode === SNAPSHOT ? limited(session, leftMs) : guard(session, leftMs),
          work(session, () => this.#checkTime(deadline)),
        ]);
        return { given, follows: follows === true };
      },
      leftMs + HANG_MS,
    );
  }
}

/** Whether the server follows another one. */
async function limited(session: Session, withinMs: number): Promise<boolean> {
  const [server] = await session.run<{ follows: boolean }>(
    "select set_config('statement_timeout', $1, true), pg_is_in_recovery() as follows",
    [String(withinMs)],
  );
  return server?.follows === true;
}
