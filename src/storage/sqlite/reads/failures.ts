/**
 * Reads rows of failures, each answer from one snapshot. What is asked all the time costs what it
 * gives, however many rows there are.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { DeliveryStore, Failure, FailureFigures, FailureQuery } from "../../../core/deliveries.ts";
import type { Clock } from "../../../lib/clock.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import type { FailureReads } from "../ingest/deliveries.ts";
import { FAILURE, failureConditions } from "../ingest/delivery-rows.ts";

/** One of `FailureReads`, and what it is given. */
export type FailureAsk = {
  [Of in keyof FailureReads]: { readonly of: Of; readonly given: Parameters<FailureReads[Of]> };
}[keyof FailureReads];

type FailurePage = Awaited<ReturnType<DeliveryStore["failures"]>>;

/** Looks at the clock now and then. It stands first: SQLite skips what follows a `false`. */
const IN_TIME = "(rowid & 1023 or failures_in_time())";

/** Whether rows have to be looked at one by one. */
export function isFiltered({ cause, from }: FailureQuery): boolean {
  return cause !== undefined || from !== undefined;
}

export class FailureReader {
  readonly #db: Database;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    db.function("failures_in_time", () => {
      if (clock.now() > this.#deadline) throw new TimeIsOver("the read took too long");
      return 1;
    });
  }

  /** Throws `TimeIsOver`. */
  answer({ of, given }: FailureAsk, deadline: number): unknown {
    this.#deadline = deadline;
    switch (of) {
      case "due":
        return this.#due(...given);
      case "waitingSenders":
        return this.#waitingSenders(...given);
      case "firstOf":
        return this.#firstOf(...given);
      case "figures":
        return this.#figures(...given);
      case "failures":
        return this.#db.transaction(() => this.#page(...given))();
    }
  }

  #due(name: string, now: string, limit: number): readonly Failure[] {
    const where = "destination = ? and next_at is not null and next_at <= ?";
    return this.#rows(`${FAILURE} where ${where} order by next_at, seq, replay limit ?`, name, now, limit);
  }

  #waitingSenders(name: string, replay = ""): ReadonlyMap<string, number> {
    const query = this.#db.query<{ sender: string; rows: number }, [string, string]>(
      `select sender, count(*) as rows from failures
       where destination = ? and replay = ? and state = 'waiting' and sender > '' group by sender`,
    );
    return new Map(query.all(name, replay).map(({ sender, rows }) => [sender, rows]));
  }

  #firstOf(name: string, sender: string, replay = ""): Failure | null {
    const where = "destination = ? and replay = ? and sender = ? and state = 'waiting'";
    return this.#rows(`${FAILURE} where ${where} order by seq limit 1`, name, replay, sender)[0] ?? null;
  }

  #figures(name: string): FailureFigures {
    const query = this.#db.query<{ waiting: number; dead: number; nextAt: string | null }, [string]>(
      `select waiting, dead,
         (select min(next_at) from failures where destination = name and next_at is not null) as nextAt
       from destinations where name = ?`,
    );
    const { waiting = 0, dead = 0, nextAt } = query.get(name) ?? {};
    return { waiting, dead, nextAt: nextAt ?? undefined };
  }

  #page(name: string, query: FailureQuery): FailurePage {
    const { conditions, values } = failureConditions(query);
    const where = [IN_TIME, "destination = ?", ...conditions].join(" and ");
    const data = this.#rows(
      `${FAILURE} where ${where} order by seq, replay limit ? offset ?`,
      name,
      ...values,
      query.limit,
      query.offset,
    );
    return { data, total: this.#total(name, query, where, values) };
  }

  /** Counted one by one only where there are no counts of it. */
  #total(name: string, query: FailureQuery, where: string, values: readonly string[]): number {
    if (!isFiltered(query) && query.positions === undefined) {
      const { waiting, dead } = this.#figures(name);
      return query.state === undefined ? waiting + dead : query.state === "dead" ? dead : waiting;
    }
    const sql = `select count(*) as rows from failures where ${where}`;
    return this.#db.query<{ rows: number }, string[]>(sql).get(name, ...values)?.rows ?? 0;
  }

  #rows(sql: string, ...values: SQLQueryBindings[]): Failure[] {
    return this.#db.query<Failure, SQLQueryBindings[]>(sql).all(...values);
  }
}
