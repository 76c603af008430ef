/**
 * What is kept of deliveries, which all replicas share: the database decides who serves a
 * destination, and from where it moves.
 */

import type { ChangesFilter } from "../../../core/changes.ts";
import {
  type DeliveryCommit,
  type DeliveryStore,
  type Destination,
  type DestinationReport,
  type FailureFilter,
  REPLAYS_MAX,
  type Replay,
} from "../../../core/deliveries.ts";
import type { NewId } from "../../../lib/chance.ts";
import { type Connection, HANG_MS, type Session, type Value } from "../connection/connection.ts";
import { holdLease, leaveLease } from "../connection/lease.ts";
import { checkSynced, guarding } from "../connection/safe-commit.ts";
import {
  changeSome,
  changingRows,
  DESTINATION,
  type DestinationRow,
  deleteDestination,
  deleteSome,
  destinationOf,
  insertReplay,
  type KeptRow,
  keptRows,
  lockDestination,
  moving,
  REPLAY,
  type ReplayRow,
  SLICE_ROWS,
  START,
} from "./delivery-rows.ts";

/** What is asked of rows. */
export type FailureReads = Pick<DeliveryStore, "due" | "waitingSenders" | "firstOf" | "figures" | "failures">;

type Ask = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** All of it throws `QueryTimeout` and `StorageUnavailable`. */
interface Access {
  readonly read: Ask;
  /** May be done twice, where the answer to the first one was lost. */
  readonly change: Ask;
}

interface DeliveriesOptions {
  readonly reads: FailureReads;
  /** For whoever serves a destination; nobody else's reads are waited for there. */
  readonly serving: Access & {
    /** As `change`, in what transactions the work makes of the connection within the time. */
    readonly attempt: <T>(work: (connection: Connection, withinMs: number) => Promise<T>) => Promise<T>;
  };
  /** For everybody else. */
  readonly operating: Access;
  readonly newId: NewId;
}

/** The holder looks again. */
const TOUCH = "update destinations set version = version + 1 where name = $1";

const leaseOf = (name: string) => `delivery:${name}`;

export class PostgresDeliveries implements DeliveryStore {
  readonly due: DeliveryStore["due"];
  readonly waitingSenders: DeliveryStore["waitingSenders"];
  readonly firstOf: DeliveryStore["firstOf"];
  readonly figures: DeliveryStore["figures"];
  readonly failures: DeliveryStore["failures"];
  readonly #serving: DeliveriesOptions["serving"];
  readonly #operating: Access;
  readonly #newId: NewId;

  constructor({ reads, serving, operating, newId }: DeliveriesOptions) {
    this.due = reads.due;
    this.waitingSenders = reads.waitingSenders;
    this.firstOf = reads.firstOf;
    this.figures = reads.figures;
    this.failures = reads.failures;
    this.#serving = serving;
    this.#operating = operating;
    this.#newId = newId;
  }

  async open(name: string, position: string): Promise<Destination> {
    const [row] = await this.#serving.change((session) =>
      // An update that changes nothing gives the row that is there, whoever deletes it meanwhile.
      session.run<DestinationRow>(
        `insert into destinations (name, position) values ($1, $2)
         on conflict (name) do update set position = destinations.position returning ${DESTINATION}`,
        [name, position],
      ),
    );
    if (row === undefined) throw new Error("an insert has given no row");
    return destinationOf(row);
  }

  async find(name: string): Promise<Destination | undefined> {
    const [row] = await this.#serving.read((session) =>
      session.run<DestinationRow>(`select ${DESTINATION} from destinations where name = $1`, [name]),
    );
    return row && destinationOf(row);
  }

  async list(): Promise<readonly Destination[]> {
    const rows = await this.#operating.read((session) =>
      session.run<DestinationRow>(`select ${DESTINATION} from destinations order by name`),
    );
    return rows.map(destinationOf);
  }

  hold(name: string, holder: string): Promise<boolean> {
    return this.#serving.attempt((connection) => holdLease(connection, leaseOf(name), holder));
  }

  release(name: string, holder: string): Promise<void> {
    return this.#serving.attempt((connection) => leaveLease(connection, leaseOf(name), holder));
  }

  commit(name: string, change: DeliveryCommit): Promise<boolean> {
    const id = this.#newId();
    const { insert, update, remove } = change;
    const hasRows = insert.length + update.length + remove.length > 0;
    return this.#serving.attempt(async (connection, withinMs) => {
      const first = `${guarding(withinMs)}; ${moving(name, change, id)}`;
      const hangMs = withinMs + HANG_MS;
      let isMoved = false;
      const look = ([synced = [], , there = []]: readonly (readonly object[])[]) => {
        checkSynced(synced);
        isMoved = there.length > 0;
      };
      if (hasRows)
        await connection.commit(
          `${first}; ${keptRows(name, change)}`,
          async (_, found) => {
            look(found);
            const [, now = [], , kept = []] = found;
            // Where its answer was lost all of it was done before.
            return now.length > 0 ? changingRows(name, change, kept as readonly KeptRow[]) : "";
          },
          hangMs,
        );
      else look(await connection.once(first, hangMs));
      return isMoved;
    });
  }

  retry(name: string, filter: FailureFilter, now: string): Promise<number> {
    return this.#changeAll("retry", name, filter, now);
  }

  drop(name: string, filter: FailureFilter, now: string): Promise<number> {
    return this.#changeAll("drop", name, filter, now);
  }

  pause(name: string, paused: Destination["paused"]): Promise<boolean> {
    return this.#alter(
      "update destinations set paused = $2, version = version + 1 where name = $1 returning 1 as done",
      [name, paused && JSON.stringify(paused)],
    );
  }

  probe(name: string, at: string): Promise<boolean> {
    return this.#alter(
      "update destinations set probe_asked_at = $2, version = version + 1 where name = $1 returning 1 as done",
      [name, at],
    );
  }

  async report(name: string, report: DestinationReport): Promise<void> {
    await this.#serving.change((session) =>
      session.run("update destinations set report = $2 where name = $1", [name, JSON.stringify(report)]),
    );
  }

  async delete(name: string): Promise<boolean> {
    const { change } = this.#operating;
    while (await change((session) => deleteSome(session, name)));
    return change(async (session) => {
      await session.run("delete from lease where name = $1", [leaseOf(name)]);
      return deleteDestination(session, name);
    });
  }

  addReplay(replay: Replay): ReturnType<DeliveryStore["addReplay"]> {
    const { destination: name, id } = replay;
    return this.#operating.change(async (session) => {
      if (!(await lockDestination(session, name))) return "unknown";
      const there = await session.run<{ id: string }>("select id from replays where destination = $1", [
        name,
      ]);
      if (there.some((each) => each.id === id)) return "added";
      if (there.length >= REPLAYS_MAX) return "full";
      await insertReplay(session, replay);
      await session.run(TOUCH, [name]);
      return "added";
    });
  }

  async replays(name: string): Promise<readonly Replay[]> {
    const rows = await this.#serving.read((session) =>
      session.run<ReplayRow>(`${REPLAY} where destination = $1 order by created_at, id`, [name]),
    );
    return rows.map(({ filter, ...row }) => ({ ...row, filter: JSON.parse(filter) as ChangesFilter }));
  }

  async moveReplay({ destination, id, position, done }: Replay): Promise<boolean> {
    const moved = await this.#serving.change((session) =>
      session.run(
        `update replays set position = $3, done = $4::text::bigint where destination = $1 and id = $2
         returning 1 as done`,
        [destination, id, position, String(done)],
      ),
    );
    return moved.length > 0;
  }

  deleteReplay(name: string, id: string): Promise<boolean> {
    return this.#operating.change(async (session) => {
      if (!(await lockDestination(session, name))) return false;
      const gone = await session.run(
        "delete from replays where destination = $1 and id = $2 returning 1 as done",
        [name, id],
      );
      if (gone.length === 0) return false;
      await session.run(TOUCH, [name]);
      return true;
    });
  }

  async #changeAll(
    change: "retry" | "drop",
    name: string,
    filter: FailureFilter,
    now: string,
  ): Promise<number> {
    let total = 0;
    let after = START;
    for (;;) {
      const slice = { name, filter, now, after };
      const rows = await this.#operating.change((session) => changeSome(session, change, slice));
      total += rows.length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE_ROWS) return total;
      after = last;
    }
  }

  /** Whether there was what the statement is about. */
  async #alter(statement: string, values: readonly Value[]): Promise<boolean> {
    const rows = await this.#operating.change((session) => session.run(statement, values));
    return rows.length > 0;
  }
}
