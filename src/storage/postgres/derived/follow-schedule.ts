/** When counts are folded and by whom, and the figures that come of it. */
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../observe/log.ts";
import { beside } from "../connection/bounded-transaction.ts";
import { type Connection, SNAPSHOT } from "../connection/connection.ts";
import { holdLease, leaveLease } from "../connection/lease.ts";
import { countAll } from "../reads/message-queries.ts";
import { foldAll } from "./numbering.ts";

export const FOLD_LEASE = "fold";
const CLOSE_MS_MAX = 1000;
const EVERY_MS = 250;
/** What other replicas have stored is looked at so often. */
const FIGURES_EVERY_MS = 10_000;

const REST = `select (select count(*) from batches where seq is null)::float8 as unfolded,
  pg_database_size(current_database())::float8 as bytes`;

export interface FoldingParts {
  readonly connection: Connection;
  /** This replica's own name. */
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FoldingFigures {
  readonly messages: number;
  readonly events: number;
  /** Batches that are not in the counts. */
  readonly unfolded: number;
  readonly bytes: number;
}

export class Folding {
  readonly #parts: FoldingParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underway: Promise<void> = Promise.resolve();
  #closed = false;
  #isHolder = false;
  #figuresAt = Number.NEGATIVE_INFINITY;
  #stored = { messages: Number.NaN, events: Number.NaN };
  /** By this replica since the figures were asked for. */
  #created = { messages: 0, events: 0 };
  #unfolded = 0;
  #bytes = 0;

  constructor(parts: FoldingParts) {
    this.#parts = parts;
  }

  get figures(): FoldingFigures {
    const { messages, events } = this.#stored;
    return {
      messages: messages + this.#created.messages,
      events: events + this.#created.events,
      unfolded: this.#unfolded,
      bytes: this.#bytes,
    };
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
  }

  /** With `fold` everything that is stored is folded first; what can't be done in time is left to others. */
  async close(fold: boolean): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (fold) await Promise.race([this.#foldLast(), Bun.sleep(CLOSE_MS_MAX)]);
  }

  async #foldLast(): Promise<void> {
    await this.#underway;
    const { connection, replica } = this.#parts;
    try {
      await foldAll(connection);
      if (this.#isHolder) await leaveLease(connection, FOLD_LEASE, replica);
    } catch {
      // Another replica, or the next start, does it.
    }
  }

  async #step(): Promise<void> {
    const { connection, replica, clock, log } = this.#parts;
    try {
      this.#isHolder = await holdLease(connection, FOLD_LEASE, replica);
      if (this.#isHolder) await foldAll(connection);
      if (clock.elapsed() - this.#figuresAt >= FIGURES_EVERY_MS) await this.#refresh();
    } catch (error) {
      log.debug("counts could not be folded", { reason: String(error) });
    }
  }

  /** What is committed before the count begins is in it; what this replica adds from then on is added to it. */
  async #refresh(): Promise<void> {
    const { connection, clock } = this.#parts;
    const created = { messages: 0, events: 0 };
    const before = this.#created;
    this.#created = created;
    try {
      const { stored, rest } = await beside(connection, SNAPSHOT, async (session) => ({
        stored: await countAll(session),
        rest: await session.run<{ unfolded: number; bytes: number }>(REST),
      }));
      this.#stored = stored;
      this.#unfolded = rest[0]?.unfolded ?? 0;
      this.#bytes = rest[0]?.bytes ?? 0;
      this.#figuresAt = clock.elapsed();
    } catch (error) {
      before.messages += created.messages;
      before.events += created.events;
      this.#created = before;
      throw error;
    }
  }
}
