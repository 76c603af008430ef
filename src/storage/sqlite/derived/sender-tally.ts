/**
 * How many messages and senders there are, and who has most: what the follower counted and what the
 * tail adds.
 */
import type { Database } from "bun:sqlite";
import { compareUtf8 } from "../../../core/utf8-order.ts";
import type { LogRow } from "./log-rows.ts";

interface SenderCount {
  readonly sender: string;
  readonly rows: number;
}

interface SenderTotals {
  readonly messages: number;
  readonly senders: number;
  /** Most messages first, then by the bytes of the number. */
  readonly top: readonly SenderCount[];
}

/**
 * Keeps what it found out of the tail's senders from one read to the next, as long as the follower
 * takes no step.
 */
export class SenderTally {
  readonly #db: Database;
  #position = Number.NaN;
  /** The last row of the tail that is counted. */
  #last = 0;
  /** All messages of each sender who is in the tail. */
  #rows = new Map<string, number>();
  /** Senders of the tail who were not there before it. */
  #fresh = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The tail is what the follower, at this position, has not taken; `top` is at most 100. */
  totals(position: number, tail: readonly LogRow[], top: number): SenderTotals {
    this.#take(position, tail);
    const stored = this.#db
      .query<{ messages: number; senders: number }, []>("select messages, senders from totals")
      .get();
    return {
      messages: (stored?.messages ?? 0) + tail.length,
      senders: (stored?.senders ?? 0) + this.#fresh,
      top: this.#top(top),
    };
  }

  /** How many senders there are. */
  senders(position: number, tail: readonly LogRow[]): number {
    this.#take(position, tail);
    const stored = this.#db.query<{ senders: number }, []>("select senders from totals").get();
    return (stored?.senders ?? 0) + this.#fresh;
  }

  #take(position: number, tail: readonly LogRow[]): void {
    if (position !== this.#position) this.#reset(position);
    this.#add(tail);
  }

  #reset(position: number): void {
    this.#position = position;
    this.#last = position;
    this.#rows = new Map();
    this.#fresh = 0;
  }

  #add(tail: readonly LogRow[]): void {
    const added = new Map<string, number>();
    let last = this.#last;
    for (const { row, from } of tail) {
      if (row <= this.#last) continue;
      added.set(from, (added.get(from) ?? 0) + 1);
      if (row > last) last = row;
    }
    this.#last = last;
    this.#learn([...added.keys()].filter((sender) => !this.#rows.has(sender)));
    for (const [sender, rows] of added) this.#rows.set(sender, (this.#rows.get(sender) ?? 0) + rows);
  }

  #learn(senders: readonly string[]): void {
    const sql = `select given.value, s.rows from json_each(?) given left join senders s on s.sender = given.value`;
    for (const [sender, rows] of this.#db.query(sql).values(JSON.stringify(senders)) as [
      string,
      number | null,
    ][]) {
      this.#rows.set(sender, rows ?? 0);
      if (rows === null) this.#fresh++;
    }
  }

  /**
   * Whoever is not in the tail can only be among the first if the follower had counted him there.
   */
  #top(limit: number): SenderCount[] {
    const sql = "select sender, rows from top_senders";
    const best = this.#db
      .query<SenderCount, []>(sql)
      .all()
      .filter(({ sender }) => !this.#rows.has(sender))
      .sort(bySize)
      .slice(0, limit);
    const least = best.length < limit ? 0 : (best.at(-1)?.rows ?? 0);
    for (const [sender, rows] of this.#rows) if (rows >= least) best.push({ sender, rows });
    return best.sort(bySize).slice(0, limit);
  }
}

function bySize(a: SenderCount, b: SenderCount): number {
  return b.rows - a.rows || compareUtf8(a.sender, b.sender);
}
