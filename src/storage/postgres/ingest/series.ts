/**
 * Numbers over time, which all replicas share: the row of `series_state` decides who has counted
 * what, and everything else is added up.
 */
import {
  KEPT_S,
  latestOf,
  type RecordsCounted,
  type RequestsCounted,
  type SeriesState,
  type SeriesStore,
  STEP_S,
} from "../../../core/series.ts";
import { boundedTransaction } from "../connection/bounded-transaction.ts";
import { type Connection, type Session, SNAPSHOT } from "../connection/connection.ts";
import { holdLease, leaveLease } from "../connection/lease.ts";
import { addCounts, addRefusals, deleteSome, putLastRecords } from "./series-rows.ts";

type Ask = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** What is asked of rows. */
export type SeriesReads = Pick<SeriesStore, "read" | "lastRecords" | "refusals">;

interface SeriesOptions {
  readonly reads: SeriesReads;
  /** For whoever shows them; nobody waits for that who counts. */
  readonly read: Ask;
  /** May be done twice, where the answer to the first one was lost. */
  readonly change: Ask;
  readonly attempt: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
}

const LEASE = "series";
/** So long after its last write a process can't come back with it. */
const WRITES_KEPT = "1 day";

export class PostgresSeries implements SeriesStore {
  readonly read: SeriesStore["read"];
  readonly lastRecords: SeriesStore["lastRecords"];
  readonly refusals: SeriesStore["refusals"];
  readonly #options: SeriesOptions;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.read = options.reads.read;
    this.lastRecords = options.reads.lastRecords;
    this.refusals = options.reads.refusals;
  }

  state(): Promise<SeriesState> {
    return this.#options.read(stateOf);
  }

  hold(holder: string): Promise<SeriesState | undefined> {
    return this.#options.attempt(async (connection) =>
      (await holdLease(connection, LEASE, holder))
        ? boundedTransaction(connection, SNAPSHOT, stateOf)
        : undefined,
    );
  }

  release(holder: string): Promise<void> {
    return this.#options.attempt((connection) => leaveLease(connection, LEASE, holder));
  }

  count({ from, to, counts, last }: RecordsCounted): Promise<boolean> {
    return this.#options.change(async (session) => {
      const moved = await session.run(
        `update series_state set position = $2, at = coalesce($3, at)
         where position is not distinct from $1 returning 1 as done`,
        [from, to, latestOf(last)],
      );
      if (moved.length === 0) return false;
      await addCounts(session, "record_counts", counts);
      await putLastRecords(session, last);
      return true;
    });
  }

  clear(lost: string | null): Promise<boolean> {
    return this.#options.change(async (session) => {
      const [state] = await session.run<SeriesState>("select position, at from series_state for update");
      if (state === undefined || (state.position !== null && state.position !== lost)) return false;
      await session.run("update series_state set position = null, at = null");
      await session.run("delete from last_records");
      return deleteSome(session, "record_counts", "true");
    });
  }

  async add({ holder, number, counts, refusals }: RequestsCounted): Promise<void> {
    await this.#options.change(async (session) => {
      const isNew = await session.run(
        `insert into series_writes (holder, number) values ($1, $2::text::bigint)
         on conflict (holder) do update set number = excluded.number, at = now()
           where series_writes.number < excluded.number
         returning 1 as done`,
        [holder, String(number)],
      );
      if (isNew.length === 0) return;
      await addCounts(session, "request_counts", counts);
      await addRefusals(session, { holder, number, refusals });
    });
  }

  prune(now: number): Promise<boolean> {
    return this.#options.change(async (session) => {
      await session.run(`delete from series_writes where at < now() - interval '${WRITES_KEPT}'`);
      for (const table of ["record_counts", "request_counts"] as const)
        for (const step of ["minute", "hour"] as const)
          if (await deleteSome(session, table, `step = ${STEP_S[step]} and at < ${now - KEPT_S[step]}`))
            return true;
      return false;
    });
  }
}

async function stateOf(session: Session): Promise<SeriesState> {
  const [state] = await session.run<SeriesState>("select position, at from series_state");
  return state ?? { position: null, at: null };
}
