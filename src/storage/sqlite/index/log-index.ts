/** The followers of one index file, and how they move along the log. */
import type { Database } from "bun:sqlite";
import type { Follower, IndexLimits, Positions } from "./follower.ts";
import { indexNumbers, indexPath, leastOf, openIndex, positionsOf, removeIndex } from "./index-file.ts";
import { type LogRow, LogRows } from "./log-rows.ts";
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
    : new LogIndex(log, best.db, logPath, best.number, limits);
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
  return new LogIndex(log, db, logPath, number, limits);
}

export class LogIndex {
  readonly number: number;
  readonly #logPath: string;
  readonly #db: Database;
  readonly #rows: LogRows;
  readonly #followers: readonly Follower[];
  readonly #limits: IndexLimits;
  #positions: Positions;

  constructor(log: Database, db: Database, logPath: string, number: number, limits: IndexLimits) {
    this.#db = db;
    this.#logPath = logPath;
    this.number = number;
    this.#limits = limits;
    this.#rows = new LogRows(log);
    this.#followers = [
      new TimeFollower(db, limits.leafRows),
      new SenderFollower(db),
      new SearchFollower(db, limits),
    ];
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
    const rows = this.#rows.after(from, Math.max(...Object.values(this.#limits.stepRows)));
    if (rows.length === 0) return false;
    const positions = { ...this.#positions };
    this.#db.transaction(() => {
      for (const follower of this.#followers) {
        if (positions[follower.name] > from) continue;
        const taken = rows.slice(0, this.#limits.stepRows[follower.name]);
        follower.step(taken);
        const last = taken.at(-1) as LogRow;
        this.#db.run("update followers set row = ?, message_id = ? where name = ?", [
          last.row,
          last.messageId,
          follower.name,
        ]);
        positions[follower.name] = last.row;
      }
    })();
    this.#positions = positions;
    return true;
  }

  close(): void {
    this.#rows.close();
    this.#db.close();
  }

  /** Closes the file and deletes it. */
  remove(): void {
    this.close();
    removeIndex(this.#logPath, this.number);
  }
}
