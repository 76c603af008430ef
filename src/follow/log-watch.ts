/**
 * The end of the log, looked at once for everybody who waits there. What it has just read stays at
 * hand for those who come back for more; whoever is further behind reads for themselves.
 */
import type { ChangesFilter } from "../core/changes.ts";
import { describe, ShuttingDown } from "../core/errors.ts";
import { lets } from "../core/lets.ts";
import { parsePosition, seqOf } from "../core/position.ts";
import type { Store } from "../core/store.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../observe/log.ts";
import { type FollowedRecord, followedRecords } from "./followed-record.ts";

const PAGE_RECORDS = 500;
/** Several pages, so that whoever was woken finds what woke them. */
const WINDOW_RECORDS = 4 * PAGE_RECORDS;
/**
 * Looks are so far apart, at least; a look that found much comes with more when it waits longer.
 */
const APART_MS = 4;
const APART_BUSY_MS = 20;
const BUSY_RECORDS = 32;
const RETRY_MS = 250;
/** So long after the last one has gone it is still told of new records. */
const LINGER_MS = 1000;

interface Place {
  readonly position: string;
  readonly seq: number;
}

interface Found {
  readonly records: readonly FollowedRecord[];
  readonly end: Place;
  readonly more: boolean;
}

/** Those who wait for the same. */
interface Group {
  readonly filter: ChangesFilter;
  readonly waiting: Set<Waiting>;
}

interface Waiting {
  /** Nothing that matches stands before `place`. */
  readonly wake: (place: Place | undefined) => void;
  /** Where it waits. */
  readonly after: number;
}

interface LogWatchOptions {
  readonly store: Pick<Store, "changes" | "onChanges">;
  readonly clock: Clock;
  readonly log: Log;
}

export class LogWatch {
  readonly #options: LogWatchOptions;
  readonly #groups = new Map<string, Group>();
  /** Those that wait for one sender, by it; a record then asks a few groups, not all. */
  readonly #bySender = new Map<string, Set<Group>>();
  readonly #ofAnySender = new Set<Group>();
  /** Records up to `#end`, of which everything after `#from` is here. */
  #window: FollowedRecord[] = [];
  #from: Place | undefined;
  #end: Place | undefined;
  #stopListening: (() => void) | undefined;
  #cancelLinger: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  /** Whether a look is due that has not begun. */
  #isDue = false;
  #isLooking = false;
  #isClosed = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #apartMs = APART_MS;

  constructor(options: LogWatchOptions) {
    this.#options = options;
  }

  /**
   * Records after a place that match, as many as wanted at most, and the place up to which that was
   * looked for. Undefined where the log has to be read.
   */
  after({ seq }: Place, filter: ChangesFilter, limit: number): Found | undefined {
    if (this.#from === undefined || this.#end === undefined) return undefined;
    if (seq < this.#from.seq || seq > this.#end.seq) return undefined;
    const records: FollowedRecord[] = [];
    for (let index = this.#indexAfter(seq); index < this.#window.length; index++) {
      const followed = this.#window[index];
      if (followed === undefined || !lets(filter, followed.record)) continue;
      if (records.length === limit) return { records, end: records.at(-1) ?? this.#end, more: true };
      records.push(followed);
    }
    return { records, end: this.#end, more: false };
  }

  /**
   * Resolves when there may be something that matches after a place at which the log ended, or the
   * signal is aborted: with the place up to which nothing does. Undefined where only the log can
   * say.
   */
  wait(place: Place, filter: ChangesFilter, signal: AbortSignal): Promise<Place | undefined> {
    if (this.#isClosed) return Promise.reject(new ShuttingDown("shutting down"));
    if (signal.aborted) return Promise.resolve(undefined);
    this.#begin(place);
    if (this.#end !== undefined && place.seq < this.#end.seq) {
      const seen = this.after(place, filter, 1);
      if (seen === undefined) return Promise.resolve(undefined);
      if (seen.records.length > 0) return Promise.resolve(place);
    }
    return new Promise((resolve) => {
      const group = this.#groupOf(filter);
      const wake = (found: Place | undefined) => {
        signal.removeEventListener("abort", aborted);
        this.#remove(group, waiting);
        resolve(found);
      };
      const aborted = () => wake(this.#end);
      const waiting = { wake, after: place.seq };
      group.waiting.add(waiting);
      signal.addEventListener("abort", aborted, { once: true });
      this.#lookSoon();
    });
  }

  /** Wakes everybody; nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll(undefined);
    this.#cancelLook();
    this.#cancelLinger();
    this.#stopListening?.();
  }

  #begin(place: Place): void {
    this.#cancelLinger();
    if (this.#stopListening === undefined) {
      this.#stopListening = this.#options.store.onChanges(() => this.#due());
      // Since it listened last, anything may have come.
      this.#isDue = true;
    }
    if (this.#end === undefined || (this.#groups.size === 0 && this.#end.seq < place.seq)) {
      this.#window = [];
      this.#from = place;
      this.#end = place;
    }
  }

  #due(): void {
    this.#isDue = true;
    this.#lookSoon();
  }

  /** While nobody waits it stays due: the next one who does looks first. */
  #lookSoon(): void {
    if (this.#isLooking || !this.#isDue || this.#groups.size === 0 || this.#isClosed) return;
    this.#isLooking = true;
    const { clock } = this.#options;
    const leftMs = this.#lookedAt + this.#apartMs - clock.elapsed();
    if (leftMs > 0) this.#cancelLook = clock.after(leftMs, () => void this.#look());
    else void this.#look();
  }

  async #look(): Promise<void> {
    const { store, clock, log } = this.#options;
    const end = this.#end;
    this.#isDue = false;
    this.#lookedAt = clock.elapsed();
    let retryMs = 0;
    try {
      if (end === undefined) return;
      const { mark = "" } = parsePosition(end.position) ?? {};
      const changes = await store.changes({ after: end.seq, mark, limit: PAGE_RECORDS });
      // Somebody has begun further on meanwhile.
      if (this.#end !== end) {
        this.#isDue = true;
        return;
      }
      this.#isDue ||= changes.more;
      this.#apartMs = changes.more ? 0 : changes.records.length > BUSY_RECORDS ? APART_BUSY_MS : APART_MS;
      if (changes.isLost) this.#lost();
      else this.#add(followedRecords(changes, false), placeOf(changes.position));
    } catch (error) {
      log.debug("the end of the log could not be read", { reason: describe(error) });
      this.#isDue = true;
      retryMs = RETRY_MS;
    } finally {
      if (retryMs > 0) this.#cancelLook = clock.after(retryMs, () => this.#looked());
      else this.#looked();
    }
  }

  #looked(): void {
    this.#isLooking = false;
    this.#lookSoon();
  }

  #add(records: readonly FollowedRecord[], end: Place): void {
    const before = this.#end;
    this.#window.push(...records);
    this.#end = end;
    const tooMany = this.#window.length - WINDOW_RECORDS;
    if (tooMany > 0) this.#from = this.#window.splice(0, tooMany).at(-1);
    for (const { record } of records)
      for (const group of this.#groupsFor(record))
        if (lets(group.filter, record))
          for (const waiting of group.waiting) if (record.seq > waiting.after) waiting.wake(before);
  }

  /** The log isn't what it was: each looks whether its own position still holds. */
  #lost(): void {
    this.#forget();
    this.#wakeAll(undefined);
  }

  #forget(): void {
    this.#window = [];
    this.#from = undefined;
    this.#end = undefined;
  }

  #wakeAll(place: Place | undefined): void {
    for (const { waiting } of [...this.#groups.values()]) for (const each of waiting) each.wake(place);
  }

  /** Of the window, the first record with a higher number. */
  #indexAfter(seq: number): number {
    let low = 0;
    let high = this.#window.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#window[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  *#groupsFor(record: FollowedRecord["record"]): Iterable<Group> {
    yield* this.#ofAnySender;
    if ("from" in record) yield* this.#bySender.get(record.from) ?? [];
  }

  #groupOf(filter: ChangesFilter): Group {
    const key = keyOf(filter);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = { filter, waiting: new Set<Waiting>() };
    this.#groups.set(key, group);
    if (filter.from === undefined) this.#ofAnySender.add(group);
    else this.#bySender.set(filter.from, (this.#bySender.get(filter.from) ?? new Set()).add(group));
    return group;
  }

  #remove(group: Group, waiting: Waiting): void {
    group.waiting.delete(waiting);
    if (group.waiting.size > 0) return;
    const { filter } = group;
    this.#groups.delete(keyOf(filter));
    this.#ofAnySender.delete(group);
    if (filter.from !== undefined) {
      const groups = this.#bySender.get(filter.from);
      groups?.delete(group);
      if (groups?.size === 0) this.#bySender.delete(filter.from);
    }
    if (this.#groups.size > 0) return;
    this.#cancelLinger();
    this.#cancelLinger = this.#options.clock.after(LINGER_MS, () => {
      this.#stopListening?.();
      this.#stopListening = undefined;
      this.#forget();
    });
  }
}

/** The place of a position that the store gave. */
export function placeOf(position: string): Place {
  return { position, seq: seqOf(position) };
}

function keyOf({ kinds, sources, from, to }: ChangesFilter): string {
  return JSON.stringify([kinds, sources, from, to]);
}
