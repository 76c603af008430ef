/** The followers of one index file, and how they move along the log. */
import type { Database, Statement } from "bun:sqlite";
import type { OnUpgrade, Upgrade } from "../../../core/upgrade.ts";
import { Damaged } from "../connection/damage.ts";
import { EventFollower } from "./event-order.ts";
import type { Follower, IndexLimits, Positions } from "./followers.ts";
import {
  checkDeletions,
  eventPosition,
  hasLastMessages,
  hasTypes,
  indexNumbers,
  indexPath,
  leastOf,
  openIndex,
  otherRules,
  positionsOf,
  removeIndex,
} from "./index-file.ts";
import { SearchFollower } from "./search-index.ts";
import { SenderFollower } from "./sender-order.ts";
import { StepRows } from "./step-rows.ts";
import { TimeFollower } from "./time-order.ts";

/**
 * Opens the index of a log: the file that has come furthest; others, and those that can't serve,
 * are deleted. `onDamage` is told of those that can't be read, and of those that hold rows which
 * were deleted from the log, `onUpgrade` of those of earlier versions.
 */
export function openLogIndex(
  log: Database,
  logPath: string,
  limits: IndexLimits,
  cacheKib: number,
  {
    onDamage = () => undefined,
    onUpgrade,
  }: { readonly onDamage?: (file: string, damage: Damaged) => void; readonly onUpgrade?: OnUpgrade } = {},
): LogIndex {
  const open = (number: number) => {
    try {
      return openIndex(log, logPath, number, cacheKib, onUpgrade);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      onDamage(indexPath(logPath, number), error);
      return undefined;
    }
  };
  const found = indexNumbers(logPath).flatMap((number) => {
    const db = open(number);
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
  readonly #rows: StepRows;
  readonly #move: Statement;
  readonly #events: EventFollower;
  readonly #eventsEnd: Statement<{ event: number | null }, [number, number]>;
  readonly #moveEvents: Statement;
  #positions: Positions;
  #event: number;

  constructor(db: Database, logPath: string, number: number, limits: IndexLimits) {
    this.#db = db;
    this.#logPath = logPath;
    this.number = number;
    this.#limits = limits;
    this.#rows = new StepRows(db);
    this.#followers = [
      new TimeFollower(db, limits),
      new SenderFollower(db, limits, hasLastMessages(db)),
      new SearchFollower(db, limits, hasTypes(db)),
    ];
    this.#move = db.query(
      `update followers set row = ?1,
         message_id = (select message_id from log.messages where rowid = ?1) where name = ?2`,
    );
    this.#events = new EventFollower(db, limits.leafRows);
    this.#eventsEnd = db.query(
      "select max(event) as event from (select event from log.events where event > ? order by event limit ?)",
    );
    this.#moveEvents = db.query(
      `update followers set row = ?1,
         message_id = (select event_key from log.events where event = ?1) where name = 'events'`,
    );
    this.#positions = positionsOf(db);
    this.#event = eventPosition(db);
  }

  get path(): string {
    return indexPath(this.#logPath, this.number);
  }

  /** What it is and what it could be, where one that can do more is to be made beside it. */
  get outdated(): Upgrade | undefined {
    return otherRules(this.#db);
  }

  get positions(): Positions {
    return this.#positions;
  }

  /** The last event that was taken. */
  get event(): number {
    return this.#event;
  }

  /** The last row that every follower of messages has taken. */
  get row(): number {
    return leastOf(this.#positions);
  }

  /**
   * Takes what is furthest behind one step on, of messages and of events; how many of both, 0 when
   * none was left.
   */
  advance(): number {
    const before = { row: this.row, event: this.#event };
    this.#advanceMessages(before.row);
    this.#advanceEvents();
    return this.row - before.row + (this.#event - before.event);
  }

  /** A step and the position that it reaches are one transaction. */
  #advanceMessages(from: number): void {
    const positions = { ...this.#positions };
    const behind = this.#followers.filter(({ name }) => positions[name] === from);
    const limit = ({ name }: Follower) => this.#limits.stepRows[name];
    const moved: Follower[] = [];
    this.#db.transaction(() => {
      checkDeletions(this.#db, "log");
      this.#rows.read(from, Math.max(...behind.map(limit)));
      for (const follower of behind) {
        const last = this.#rows.last(limit(follower));
        if (last === undefined) return;
        follower.step(from, last);
        this.#move.run(last, follower.name);
        positions[follower.name] = last;
        moved.push(follower);
      }
    })();
    this.#positions = positions;
    for (const follower of moved) this.#db.transaction(() => follower.rearrange())();
  }

  #advanceEvents(): void {
    const from = this.#event;
    const last = this.#eventsEnd.get(from, this.#limits.stepRows.events)?.event ?? from;
    if (last === from) return;
    this.#db.transaction(() => {
      this.#events.step(from, last);
      this.#moveEvents.run(last);
    })();
    this.#event = last;
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
