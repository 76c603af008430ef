/**
 * The records that a destination has before it, in the order of the log: which of them may begin,
 * and up to which one everything has been seen to. It keeps each sender's order, and knows nothing
 * of time, nor of how anything is sent.
 */
import type { FollowedRecord } from "../followed-record.ts";

/** What became of the last attempt. */
export interface LastAttempt {
  readonly status: number | null;
  readonly cause: string;
  readonly excerpt: string | null;
  /** ISO 8601. */
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface Entry {
  readonly followed: FollowedRecord;
  /** Whose order it keeps; empty: nobody's. */
  readonly sender: string;
  /**
   * `ready` may wait for another of its sender; `failing` is tried again at `dueAt`; `dead` isn't;
   * `aside` is tried again when it has left the line, and its sender goes on.
   */
  state: "ready" | "flying" | "failing" | "done" | "dead" | "aside" | "leaving";
  /** Those that count. */
  attempts: number;
  last: LastAttempt | undefined;
  /** Of the elapsed time. */
  dueAt: number;
  /** The number of successes of the destination when it failed. */
  failedAt: number;
  /** An outage was what it failed by, as far as could be known: that is believed once. */
  isExcused: boolean;
}

export class Line {
  readonly #entries: Entry[] = [];
  readonly #bySender = new Map<string, Entry[]>();
  /** Nothing of their sender is before them. */
  readonly #startable = new Set<Entry>();
  /** Senders of whom something was put aside, with how much. */
  readonly #blocked = new Map<string, number>();

  /** Those that failed since the last success, with how often. */
  readonly #streak = new Map<Entry, number>();

  get length(): number {
    return this.#entries.length;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** How much of a sender was put aside. */
  asideOf(sender: string): number {
    return this.#blocked.get(sender) ?? 0;
  }

  /** Whether something of the sender is here, or was put aside. */
  has(sender: string): boolean {
    return this.#bySender.has(sender) || this.#blocked.has(sender);
  }

  /** Something of the sender was put aside; nothing of it begins until `unblock`. */
  block(sender: string, records = 1): void {
    if (sender !== "") this.#blocked.set(sender, this.asideOf(sender) + records);
    for (const entry of this.#bySender.get(sender) ?? []) this.#startable.delete(entry);
  }

  /** So much of what was put aside is gone; with nothing left its sender goes on. */
  unblock(sender: string, records = 1): void {
    const left = this.asideOf(sender) - records;
    if (left > 0) this.#blocked.set(sender, left);
    else {
      this.#blocked.delete(sender);
      this.#begin(sender);
    }
  }

  /** Everything that is put aside, anew. */
  setBlocked(senders: ReadonlyMap<string, number>): void {
    const before = [...this.#blocked.keys()];
    this.#blocked.clear();
    for (const [sender, records] of senders) this.block(sender, records);
    for (const sender of before) if (!this.#blocked.has(sender)) this.#begin(sender);
  }

  /** Nothing of it counts any more. */
  clear(): void {
    this.#entries.length = 0;
    this.#bySender.clear();
    this.#startable.clear();
    this.#streak.clear();
  }

  add(followed: FollowedRecord, sender: string): void {
    const entry: Entry = {
      ...{ followed, sender, state: "ready", attempts: 0, last: undefined },
      ...{ dueAt: 0, failedAt: 0, isExcused: false },
    };
    this.#entries.push(entry);
    if (sender === "") {
      this.#startable.add(entry);
      return;
    }
    const others = this.#bySender.get(sender);
    if (others === undefined) this.#bySender.set(sender, [entry]);
    else others.push(entry);
    if (others === undefined) this.#begin(sender);
  }

  /** The first that may begin and is ready. */
  nextReady(): Entry | undefined {
    for (const entry of this.#startable) if (entry.state === "ready") return entry;
    return undefined;
  }

  /** Of those that failed and are due by then, the first in the log. */
  nextDue(elapsed: number): Entry | undefined {
    for (const entry of this.#startable)
      if (entry.state === "failing" && entry.dueAt <= elapsed) return entry;
    return undefined;
  }

  /** When the next one that failed is due; undefined where none is. */
  get dueAt(): number | undefined {
    let first: number | undefined;
    for (const { state, dueAt } of this.#startable)
      if (state === "failing" && (first === undefined || dueAt < first)) first = dueAt;
    return first;
  }

  /** How many have failed since the last success. */
  get streakLength(): number {
    return this.#streak.size;
  }

  /** It has failed, and that counts. */
  addToStreak(entry: Entry): void {
    this.#streak.set(entry, (this.#streak.get(entry) ?? 0) + 1);
  }

  /** Something has succeeded: what failed before counts for good. */
  endStreak(): void {
    this.#streak.clear();
  }

  /** An outage costs no record an attempt: neither do the failures that told of it. */
  uncountStreak(elapsed: number): void {
    for (const [entry, times] of this.#streak) {
      entry.attempts = Math.max(0, entry.attempts - times);
      if (entry.state === "failing") entry.dueAt = elapsed;
    }
    this.#streak.clear();
  }

  /** It was handed on, or isn't waited for: the next of its sender may begin. */
  over(entry: Entry, state: "done" | "dead" | "aside"): void {
    entry.state = state;
    this.#startable.delete(entry);
    this.#leaveSender(entry);
  }

  /**
   * The first records that have been seen to: handed on, dead, or to be put aside. Those that are
   * put aside take what comes behind them of their sender with them.
   */
  seenTo(mayLeave: (failing: Entry) => boolean, recordsMax: number): readonly Entry[] {
    const leaving = new Set<string>();
    let aside = 0;
    let length = 0;
    for (const entry of this.#entries) {
      const { state, sender } = entry;
      const isBehind = sender !== "" && (this.#blocked.has(sender) || leaving.has(sender));
      const leaves = (state === "failing" && mayLeave(entry)) || (state === "ready" && isBehind);
      if (leaves) {
        if (aside >= recordsMax) break;
        aside++;
        if (sender !== "") leaving.add(sender);
      } else if (state !== "done" && state !== "dead" && state !== "aside") break;
      length++;
    }
    return this.#entries.slice(0, length);
  }

  /**
   * Everything up to the last record that was handed on: what isn't is put aside, so that nothing
   * of it is handed on twice. For a line that ends, when nothing is on its way any more.
   */
  upToLastDone(recordsMax: number): readonly Entry[] {
    const last = this.#entries.findLastIndex(({ state }) => state === "done");
    const entries = this.#entries.slice(0, last + 1);
    const aside = entries.filter(({ state }) => state === "ready" || state === "failing");
    return aside.length <= recordsMax ? entries : [];
  }

  /** What `seenTo` gave is on stable storage; of what was put aside the sender waits. */
  leave(count: number): void {
    for (const entry of this.#entries.splice(0, count)) {
      this.#startable.delete(entry);
      if (entry.state !== "leaving") continue;
      this.#leaveSender(entry);
      this.block(entry.sender);
    }
  }

  #leaveSender(entry: Entry): void {
    const { sender } = entry;
    if (sender === "") return;
    const others = this.#bySender.get(sender) ?? [];
    const at = others.indexOf(entry);
    if (at >= 0) others.splice(at, 1);
    if (others.length === 0) this.#bySender.delete(sender);
    this.#begin(sender);
  }

  /** The first of the sender may begin, unless something of it was put aside. */
  #begin(sender: string): void {
    if (this.#blocked.has(sender)) return;
    const first = this.#bySender.get(sender)?.[0];
    if (first !== undefined) this.#startable.add(first);
  }
}
