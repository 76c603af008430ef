/**
 * Commits of groups. A commit whose answer was lost is asked after, never guessed: nothing here
 * says that something is stored before the database has said so.
 */
import type { NewId } from "../../../lib/chance.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Metrics } from "../../../observe/metrics.ts";
import { rowsIn } from "../../intake-queue.ts";
import type { Availability } from "../connection/availability.ts";
import { type Connection, HANG_MS } from "../connection/connection.ts";
import { type FailureKind, failureOf } from "../connection/failures.ts";
import { checkSynced, guard, guarding } from "../connection/safe-commit.ts";
import { type QueuedIntake, type Written, writeBatch } from "./batch.ts";

/** So long an intake waits for its commit, all attempts together. */
export const COMMIT_MS_MAX = 5000;
/**
 * A commit that waits for a standby has no time limit of the server's: so much later nobody waits
 * for it any more.
 */
export const LATE_MS = 1000;
export const PROBE_MS_MAX = 2000;
const ATTEMPTS_MAX = 10;
const PROBE = "update meta set value = (value::bigint + 1)::text where key = 'probe'";

interface CommitsOptions {
  readonly connection: Connection;
  readonly availability: Availability;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly metrics: Metrics;
}

export class Commits {
  readonly #options: CommitsOptions;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /**
   * Stores the intakes in one transaction, under a new batch's name, before the deadline (of the
   * clock that never goes back), or says why not.
   */
  async commit(
    group: readonly QueuedIntake[],
    deadline: number,
  ): Promise<{ written: Written } | { kind: FailureKind | "undecided"; reason: string }> {
    const { clock, metrics, newId } = this.#options;
    const batch = newId();
    const startedAt = clock.elapsed();
    let written: Written | undefined;
    try {
      await this.#options.connection.commit(
        guarding(deadline - startedAt),
        async (session, [guarded = []]) => {
          checkSynced(guarded);
          written = await writeBatch(session, batch, group);
          return written.record;
        },
        COMMIT_MS_MAX + LATE_MS + HANG_MS,
      );
    } catch (error) {
      const failure = failureOf(error);
      // Once everything was sent, a lost connection says nothing of the commit.
      if (failure.kind !== "lost" || written === undefined) return failure;
      const fate = await this.#fateOf(batch, failure.reason);
      // Another attempt might find its own rows, and call them somebody else's.
      if (fate === undefined) return { kind: "undecided", reason: failure.reason };
      if (fate === "never") return { kind: "again", reason: failure.reason };
    }
    if (written === undefined) return { kind: "again", reason: "nothing was written" };
    metrics.commitRows.observe(group.reduce((rows, { intake }) => rows + rowsIn(intake), 0));
    metrics.commitSeconds.observe((clock.elapsed() - startedAt) / 1000);
    return { written };
  }

  /**
   * Asks the database what became of a batch. Where it is not there, its name is taken, so that a
   * commit that is still under way can't succeed any more. It is asked by a transaction that
   * writes: what a server shows after a restart may not have reached its standby yet, and this
   * commit waits for it. Undefined when nobody answers in time.
   */
  async #fateOf(batch: string, reason: string): Promise<"committed" | "never" | undefined> {
    this.#options.availability.lost(reason);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (!(await this.#options.availability.wait())) return undefined;
      try {
        return await this.#options.connection.transaction(
          "read write",
          async (session) => {
            await guard(session, COMMIT_MS_MAX);
            await session.run("insert into batches (batch, rows) values ($1, -1) on conflict do nothing", [
              batch,
            ]);
            await session.run(PROBE);
            const [row] = await session.run<{ rows: number }>("select rows from batches where batch = $1", [
              batch,
            ]);
            return (row?.rows ?? -1) >= 0 ? "committed" : "never";
          },
          COMMIT_MS_MAX + HANG_MS,
        );
      } catch (error) {
        this.#options.availability.lost(failureOf(error).reason);
      }
    }
    return undefined;
  }

  /** Throws when nothing can be committed. */
  probe(): Promise<void> {
    return this.#options.connection.transaction(
      "read write",
      async (session) => {
        await guard(session, PROBE_MS_MAX);
        await session.run(PROBE);
      },
      PROBE_MS_MAX + LATE_MS + HANG_MS,
    );
  }
}
