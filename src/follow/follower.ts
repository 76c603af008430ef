/**
 * One who follows the log from a position: takes what comes next that matches, and waits for it
 * without reading. It keeps its position and nothing else, so that a slow one costs no memory.
 */
import type { ChangesFilter } from "../core/changes.ts";
import { parsePosition } from "../core/position.ts";
import type { Store } from "../core/store.ts";
import type { Turns } from "../lib/turns.ts";
import { type FollowedRecord, followedRecords } from "./followed-record.ts";
import { type LogWatch, placeOf } from "./log-watch.ts";

export interface FollowerOptions {
  readonly store: Pick<Store, "changes">;
  readonly watch: LogWatch;
  readonly turns: Turns;
  readonly filter: ChangesFilter;
  /** Whether records have their bodies: then each of them is read for this follower alone. */
  readonly bodies: boolean;
  readonly position: string;
}

export interface FollowedPage {
  readonly records: readonly FollowedRecord[];
  /** Behind everything that was looked at. */
  readonly position: string;
  readonly more: boolean;
  /** The position that was asked for doesn't hold; `position` is the start of the log. */
  readonly isLost: boolean;
}

export class Follower {
  readonly #options: FollowerOptions;
  #position: string;
  /**
   * Whether the log has said that the position holds: what is at hand is asked by its number alone.
   */
  #holds = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  /** Behind everything that it was given, or that its filter left out. */
  get position(): string {
    return this.#position;
  }

  /** Goes on from there. */
  moveTo(position: string): void {
    this.#position = position;
  }

  /** What the log holds now, from the log itself. */
  async read(limit: number): Promise<FollowedPage> {
    const { store, filter, bodies } = this.#options;
    const { mark = "", seq = 0 } = parsePosition(this.#position) ?? {};
    const changes = await store.changes({ after: seq, mark, limit, filter, bodies });
    const { position, more, isLost } = changes;
    this.#holds = !isLost;
    if (!isLost) this.#position = position;
    return { records: followedRecords(changes, bodies), position, more, isLost };
  }

  /**
   * What comes next: waits until something matches, or the signal is aborted. Records may be none
   * where the log was looked through for a while in vain, and its position has moved.
   */
  async next(limit: number, signal: AbortSignal): Promise<FollowedPage> {
    for (;;) {
      const page = this.#atHand(limit) ?? (await this.#options.turns.take(() => this.read(limit)));
      if (page.records.length > 0 || page.more || page.isLost || signal.aborted) return page;
      await this.wait(signal);
      if (signal.aborted) return { records: [], position: this.#position, more: false, isLost: false };
    }
  }

  /** Until something may match behind its position, or the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const { watch, filter } = this.#options;
    const here = placeOf(this.#position);
    const passed = await watch.wait(here, filter, signal);
    if (passed !== undefined && passed.seq > here.seq) this.#position = passed.position;
  }

  #atHand(limit: number): FollowedPage | undefined {
    const { watch, filter, bodies } = this.#options;
    if (bodies || !this.#holds) return undefined;
    const found = watch.after(placeOf(this.#position), filter, limit);
    if (found === undefined) return undefined;
    this.#position = found.end.position;
    return { records: found.records, position: this.#position, more: found.more, isLost: false };
  }
}
