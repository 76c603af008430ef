/**
 * Reads the log into a destination's line: what its filter lets through, with whose order it keeps.
 */
import { type DestinationConfig, filterOf } from "../../core/destination-config.ts";
import { seqOf } from "../../core/position.ts";
import { type FollowedRecord, followedRecords } from "../followed-record.ts";
import { Follower } from "../follower.ts";
import type { Following } from "../following.ts";
import type { Line } from "./line.ts";
import { sendersOf } from "./sender.ts";

/** What the filter leaves out moves the position after so long. */
const BEAT_MS = 10_000;
/** Records that are looked at in one step ahead of the line. */
const AHEAD_RECORDS = 100;
/** What was handed on ahead of the line is known of so many. */
const HANDED_ON_MAX = 1000;
/** With so many senders that were passed it is looked from the line on again. */
const PASSED_MAX = 10_000;

interface LineReaderOptions {
  readonly config: DestinationConfig;
  readonly following: Following;
  readonly line: Line;
  readonly position: string;
}

interface Ahead {
  readonly followed: FollowedRecord;
  readonly sender: string;
}

export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #follower: Follower;
  #position: string;
  /** Of the records behind `#position`, how far was looked ahead, and what is left there. */
  #lookedTo = 0;
  readonly #passedSenders = new Set<string>();
  readonly #handedOn = new Set<number>();

  constructor(options: LineReaderOptions) {
    const { config, following, position } = options;
    this.#options = options;
    this.#position = position;
    this.#follower = new Follower({ ...following, bodies: false, position, filter: filterOf(config) });
  }

  /** Behind everything that is in the line, or that the filter left out. */
  get position(): string {
    return this.#position;
  }

  moveTo(position: string): void {
    this.#position = position;
    this.#follower.moveTo(position);
    this.#lookedTo = 0;
    this.#handedOn.clear();
  }

  /**
   * Puts what comes next into the line, as much as is wanted at most; waits until there is
   * something. `lostTo` is the start of a log in which the position doesn't hold any more.
   */
  async readOn(recordsMax: number, signal: AbortSignal): Promise<{ readonly lostTo?: string }> {
    const { config, following, line } = this.#options;
    const beat = new AbortController();
    const cancel = following.clock.after(BEAT_MS, () => beat.abort());
    try {
      const page = await this.#follower.next(recordsMax, AbortSignal.any([signal, beat.signal]));
      if (page.isLost) return { lostTo: page.position };
      if (signal.aborted) return {};
      const senders = await sendersOf(page.records, config.order, following.store);
      for (const [index, followed] of page.records.entries())
        if (!this.#handedOn.delete(followed.seq)) line.add(followed, senders[index] ?? "");
      this.#position = page.position;
      return {};
    } finally {
      cancel();
    }
  }

  /**
   * A record behind the line, which is full, that was never tried, and before which nothing of its
   * sender waits: another one each time. Undefined where there is none within a step. That one of
   * them failed isn't known any more when the line has come to it.
   */
  async ahead(): Promise<Ahead | undefined> {
    const { config, following, line } = this.#options;
    if (this.#handedOn.size >= HANDED_ON_MAX) return undefined;
    const here = seqOf(this.#position);
    if (this.#lookedTo < here || this.#passedSenders.size >= PASSED_MAX) {
      this.#lookedTo = here;
      this.#passedSenders.clear();
    }
    const changes = await following.turns.take(() =>
      following.store.changes({ after: this.#lookedTo, limit: AHEAD_RECORDS, filter: filterOf(config) }),
    );
    const records = followedRecords(changes, false);
    const senders = await sendersOf(records, config.order, following.store);
    this.#lookedTo = seqOf(changes.position);
    for (const [index, followed] of records.entries()) {
      const sender = senders[index] ?? "";
      if (this.#handedOn.has(followed.seq)) continue;
      const isNext = sender === "" || !(line.has(sender) || this.#passedSenders.has(sender));
      if (sender !== "") this.#passedSenders.add(sender);
      if (!isNext) continue;
      this.#lookedTo = followed.seq;
      return { followed, sender };
    }
    return undefined;
  }

  /** What `ahead` gave was handed on: it isn't put into the line, and its sender goes on. */
  wasHandedOn({ followed, sender }: Ahead): void {
    this.#handedOn.add(followed.seq);
    this.#passedSenders.delete(sender);
  }
}
