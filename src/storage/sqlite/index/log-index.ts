/** The followers of one index file, and how they move along the log. */
import type { Database, Statement } from "bun:sqlite";
import type { Follower, IndexLimits, Positions } from "./follower.ts";
import { indexNumbers, indexPath, leastOf, openIndex, positionsOf, removeIndex } from "./index-file.ts";
import { SearchFollower } from "./search-index.ts";
import { SenderFollower } from "./senders.ts";
import { TimeFollower } from "./time-order.ts";

/** Opens the index of a log: the file that has come furthest; others, and those that can't serve, are deleted. */
export function openLogIndex(
  log: Database,
  logPath: string,
  limits: IndexLimits,
  cacheKib: number,
): LogIndex {
  const found = indexNumbers(logPath).flatMap((number) => {
    const db = openIndex(log, logPath, number, cacheKib);
    if (db === undefined) removeIndex(logPath, number);
    return db === undefined ? [] : [{ number, db, row: leastOf(positionsOf(db)) }];
  });
  found.sort((a, b) => b.row - a.row || b.number - a.number);
  for (const { db, number } of found.splice(1)) {
    db.close();
    removeIndex(logPath, number);
  }
  const [best] = found;
  return best === undefined
    ? makeLogIndex(log, logPath, 1, limits, cacheKib)
    : new LogIndex(best.db, logPath, best.number, limits);
}

/** Makes an empty index file; one of the same number that can't serve is replaced. */
export function makeLogIndex(
  log: Database,
  logPath: string,
  number: number,
  limits: IndexLimits,
  cacheKib: number,
): LogIndex {
  removeIndex(logPath, number);
  const db = openIndex(log, logPath, number, cacheKib);
  if (db === undefined) throw new Error(`the index file ${indexPath(logPath, number)} can't be made`);
  return new LogIndex(db, logPath, number, limits);
}

export class LogIndex {
  readonly number: number;
  readonly #logPath: string;
  readonly #db: Database;
  readonly #followers: readonly Follower[];
  readonly #limits: IndexLimits;
  readonly #ends: Statement<{ row: number | null }, [number, number]>;
  readonly #move: Statement;
  #positions: Positions;

  constructor(db: Database, logPath: string, number: number, limits: IndexLimits) {
    this.#db = db;
    this.#logPath = logPath;
    this.number = number;
    this.#limits = limits;
    this.#followers = [
      new TimeFollower(db, limits.leafRows),
      new SenderFollower(db, limits),
      new SearchFollower(db, limits),
    ];
    this.#ends = db.query(
      "select max(rowid) as row from (select rowid from log.messages where rowid > ? order by rowid limit ?)",
    );
    this.#move = db.query(
      `update followers set row = ?1,
         message_id = (select message_id from log.messages where rowid = ?1) where name = ?2`,
    );
    this.#positions = positionsOf(db);
  }

  get path(): string {
    return indexPath(this.#logPath, this.number);
  }

  get positions(): Positions {
    return this.#positions;
  }

  /** The last row that every follower has taken. */
  get row(): number {
    return leastOf(this.#positions);
  }

  /**
   * Takes the followers that are furthest behind one step on; whether there was anything to do. A step and the
   * position that it reaches are one transaction.
   */
  advance(): boolean {
    const from = this.row;
    const positions = { ...this.#positions };
    this.#db.transaction(() => {
      for (const follower of this.#followers) {
        if (positions[follower.name] > from) continue;
        const last = this.#ends.get(from, this.#limits.stepRows[follower.name])?.row ?? from;
        if (last === from) continue;
        follower.step(from, last);
        this.#move.run(last, follower.name);
        positions[follower.name] = last;
      }
    })();
    this.#positions = positions;
    return this.row > from;
  }

  close(): void {
    this.#db.close();
  }

  /** Closes the file and deletes it. */
  remove(): void {
    this.close();
    removeIndex(this.#logPath, this.number);
  }
}
