/**
 * When batches are numbered and counted and by which replica, the figures that come of it, and the
 * look that wakes those who follow the log for what other replicas have stored.
 */
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../observe/log.ts";
import type { WakeUps } from "../../wake-ups.ts";
import { boundedTransaction } from "../connection/bounded-transaction.ts";
import { type Connection, SNAPSHOT } from "../connection/connection.ts";
import { holdLease, leaveLease } from "../connection/lease.ts";
import { countAll } from "./counts.ts";
import { LastMessages } from "./last-messages.ts";
import { numberAll } from "./numbering.ts";

export const NUMBERING_LEASE = "fold";
const CLOSE_MS_MAX = 1000;
const EVERY_MS = 250;
/** What other replicas have stored is looked at so often. */
const FIGURES_EVERY_MS = 10_000;

const BYTES = "select pg_database_size(current_database())::float8 as bytes";

/** A log that was rewound may have come to the same number since, but not by the same batch. */
const LOG_END = `select concat_ws(' ', seq,
    (select batch from batches where batches.seq <= totals.seq order by batches.seq desc limit 1)) as end,
  exists (select 1 from batches where seq is null and rows > 0) as unnumbered from totals where id = 1`;

interface FollowScheduleOptions {
  readonly connection: Connection;
  /** This replica's own name. */
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly wakeUps: WakeUps;
}

interface StoredFigures {
  readonly messages: number;
  readonly events: number;
  /** Messages and events that have no number and are not in the counts. */
  readonly unnumberedRows: number;
  readonly bytes: number;
}

export class FollowSchedule {
  readonly #options: FollowScheduleOptions;
  readonly #lastMessages: LastMessages;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underway: Promise<void> = Promise.resolve();
  #taking: Promise<void> | undefined;
  #closed = false;
  #isHolder = false;
  #figuresAt = Number.NEGATIVE_INFINITY;
  #stored: StoredFigures | undefined;
  /** By this replica since the figures were asked for. */
  #created = { messages: 0, events: 0 };
  /**
   * Where the log ended at the last look; undefined where the next one has to wake whoever follows.
   */
  #end: string | undefined;

  constructor(options: FollowScheduleOptions) {
    this.#options = options;
    this.#lastMessages = new LastMessages(options.connection, options.clock);
  }

  /** Undefined until they have been asked for. */
  get figures(): StoredFigures | undefined {
    if (this.#stored === undefined) return undefined;
    const { messages, events, ...rest } = this.#stored;
    return { messages: messages + this.#created.messages, events: events + this.#created.events, ...rest };
  }

  /** Resolves once the figures are there, if the database is. */
  async begin(): Promise<void> {
    await this.#step();
    this.#later();
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#underway = this.#step().finally(() => this.#later());
    }, EVERY_MS);
  }

  /** Told of what this replica has stored. */
  created(messages: number, events: number): void {
    this.#created.messages += messages;
    this.#created.events += events;
    // Whoever has taken that already would not be woken where the log is rewound to the last look.
    if (messages + events > 0) this.lookAgain();
  }

  /**
   * The next look wakes whoever follows, whatever it finds: what they have read may have ended
   * before something that can't be seen yet, or may not be there any more.
   */
  lookAgain(): void {
    this.#end = undefined;
  }

  /**
   * With `number` everything that is stored is numbered first; what can't be done in time is left
   * to others.
   */
  async close(number: boolean): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (number) await Promise.race([this.#numberLast(), Bun.sleep(CLOSE_MS_MAX)]);
  }

  async #numberLast(): Promise<void> {
    await this.#underway;
    const { connection, replica } = this.#options;
    try {
      await numberAll(connection);
      await this.#taking;
      if (this.#isHolder) await leaveLease(connection, NUMBERING_LEASE, replica);
    } catch {
      // Another replica, or the next start, does it.
    }
  }

  async #step(): Promise<void> {
    const { connection, replica, clock, log } = this.#options;
    try {
      this.#isHolder = await holdLease(connection, NUMBERING_LEASE, replica);
      if (this.#isHolder) {
        await numberAll(connection);
        this.#takeLastMessages();
      }
      if (this.#options.wakeUps.areWanted) await this.#look();
      if (clock.elapsed() - this.#figuresAt >= FIGURES_EVERY_MS) await this.#refresh();
    } catch (error) {
      // Another server may have taken over, and be behind what was read.
      this.lookAgain();
      log.debug("batches could not be numbered", { reason: String(error) });
    }
  }

  /** Nothing waits for it, and what it fails with is nobody else's failure. */
  #takeLastMessages(): void {
    const { log } = this.#options;
    this.#taking ??= this.#lastMessages
      .follow()
      .catch((error) => log.debug("last messages could not be taken", { reason: String(error) }))
      .finally(() => {
        this.#taking = undefined;
      });
  }

  /** What isn't numbered yet is numbered by whoever reads. */
  async #look(): Promise<void> {
    const { connection, wakeUps } = this.#options;
    const [found] = await boundedTransaction(connection, SNAPSHOT, (session) =>
      session.run<{ end: string; unnumbered: boolean }>(LOG_END),
    );
    if (found === undefined || (found.end === this.#end && !found.unnumbered)) return;
    this.#end = found.end;
    wakeUps.wake();
  }

  /**
   * What is committed before the count begins is in it; what this replica adds from then on is
   * added to it.
   */
  async #refresh(): Promise<void> {
    const { connection, clock } = this.#options;
    const created = { messages: 0, events: 0 };
    const before = this.#created;
    this.#created = created;
    try {
      this.#stored = await boundedTransaction(connection, SNAPSHOT, async (session) => {
        const counted = await countAll(session);
        const [size] = await session.run<{ bytes: number }>(BYTES);
        return { ...counted, bytes: size?.bytes ?? 0 };
      });
      this.#figuresAt = clock.elapsed();
    } catch (error) {
      before.messages += created.messages;
      before.events += created.events;
      this.#created = before;
      throw error;
    }
  }
}
