/**
 * The rows of a destination: how many wait, when the first is due, and which are being tried. What
 * is sent is read from the log.
 */
import type { DeliveryCommit, DeliveryStore, Failure, FailureKey } from "../../core/deliveries.ts";
import { type FollowedRecord, followedRecords } from "../followed-record.ts";
import type { Following } from "../following.ts";
import type { Line } from "./line.ts";

/** After whatever is due. */
const FAR = "9999-12-31T23:59:59.999Z";

interface FailureRowsOptions {
  readonly name: string;
  readonly line: Line;
  readonly deliveries: DeliveryStore;
  readonly following: Following;
  /** Sends the record, and sees to it that the row says what became of it. Must not throw. */
  readonly attempt: (failure: Failure, followed: FollowedRecord) => Promise<void>;
  readonly remove: (failure: Failure) => Promise<void>;
  /** Whether one more may be sent now; it counts as sent when it may. */
  readonly mayTry: () => boolean;
  /** Told after each that was tried. */
  readonly onEnd: () => void;
  readonly onFailure: (what: string, error: unknown) => void;
}

interface CommittedRows extends Pick<DeliveryCommit, "insert" | "update"> {
  readonly remove: readonly Failure[];
}

export class FailureRows {
  readonly #options: FailureRowsOptions;
  readonly #tried = new Set<string>();
  /** Those that are over since it was last asked which are due: the answer may be older. */
  readonly #over = new Set<string>();
  #asking = 0;
  #waiting = 0;
  #dead = 0;
  #dueAt: number | undefined;

  constructor(options: FailureRowsOptions) {
    this.#options = options;
  }

  /** How many are being tried. */
  get length(): number {
    return this.#tried.size;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get dead(): number {
    return this.#dead;
  }

  /** When the first is due, in milliseconds since 1970; undefined where none is. */
  get dueAt(): number | undefined {
    return this.#waiting > 0 ? this.#dueAt : undefined;
  }

  isTried(failure: FailureKey): boolean {
    return this.#tried.has(keyOf(failure));
  }

  /** As they are on stable storage, while nobody changes them. */
  async load(): Promise<void> {
    const { name, line, deliveries } = this.#options;
    line.setBlocked(await deliveries.waitingSenders(name));
    await this.#count();
  }

  /** Told of what was committed, but for what the line has put aside of its senders. */
  changed({ insert, update, remove }: CommittedRows): void {
    for (const { state, next_at } of insert) {
      if (state === "dead") this.#dead++;
      else this.#waiting++;
      if (next_at !== null) this.#due(Date.parse(next_at));
    }
    for (const failure of update) {
      if (failure.next_at !== null) this.#due(Date.parse(failure.next_at));
      if (failure.state !== "dead") continue;
      this.#dead++;
      this.#left(failure);
    }
    for (const failure of remove) this.#left(failure);
  }

  /** Tries those that are due, so many at once; whether there are any. */
  tryDue(atOnce: number): boolean {
    const { clock } = this.#options.following;
    const { dueAt } = this;
    if (dueAt === undefined || dueAt > clock.now()) return false;
    const free = atOnce - this.#tried.size;
    if (this.#asking === 0 && free > 0) void this.#tryDue(free);
    return true;
  }

  /** Tries the first, due or not. */
  async tryFirst(): Promise<void> {
    const [first] = await this.#ask(FAR, 1);
    if (first !== undefined) await this.#try(first);
  }

  async #tryDue(free: number): Promise<void> {
    const { following, mayTry, onFailure } = this.#options;
    const fresh = await this.#ask(new Date(following.clock.now()).toISOString(), free);
    for (const failure of fresh) if (mayTry()) void this.#try(failure);
    if (fresh.length > 0) return;
    await this.#count().catch((error) => onFailure("count rows", error));
  }

  /** Those that are due by then, and neither on their way nor over. */
  async #ask(by: string, limit: number): Promise<readonly Failure[]> {
    const { name, deliveries, onFailure } = this.#options;
    if (this.#asking === 0) this.#over.clear();
    this.#asking++;
    try {
      const due = await deliveries.due(name, by, limit + this.#tried.size);
      return due
        .filter((failure) => !this.isTried(failure) && !this.#over.has(keyOf(failure)))
        .slice(0, limit);
    } catch (error) {
      onFailure("read what is due", error);
      return [];
    } finally {
      this.#asking--;
    }
  }

  async #try(failure: Failure): Promise<void> {
    const { attempt, remove, onEnd, onFailure } = this.#options;
    const key = keyOf(failure);
    if (this.#tried.has(key)) return;
    this.#tried.add(key);
    try {
      const followed = await this.#recordOf(failure);
      if (followed !== undefined) await attempt(failure, followed);
      else {
        onFailure("try a record again", "it is not in the log");
        await remove(failure);
      }
    } catch (error) {
      onFailure("read a record", error);
    } finally {
      this.#tried.delete(key);
      this.#over.add(key);
      onEnd();
    }
  }

  /** Undefined where it isn't in the log any more. */
  async #recordOf({ seq }: Failure): Promise<FollowedRecord | undefined> {
    const { store, turns } = this.#options.following;
    const changes = await turns.take(() => store.changes({ after: seq - 1, limit: 1 }));
    return followedRecords(changes, false).find((followed) => followed.seq === seq);
  }

  async #count(): Promise<void> {
    const { waiting, dead, nextAt } = await this.#options.deliveries.figures(this.#options.name);
    this.#waiting = waiting;
    this.#dead = dead;
    this.#dueAt = nextAt === undefined ? undefined : Date.parse(nextAt);
  }

  /** One waits no more: the next one of its sender is due, or the sender goes on. */
  #left({ sender, replay }: Failure): void {
    this.#waiting--;
    this.#due(this.#options.following.clock.now());
    if (sender !== "" && replay === "") this.#options.line.unblock(sender);
  }

  #due(at: number): void {
    this.#dueAt = Math.min(this.#dueAt ?? at, at);
  }
}

function keyOf({ seq, replay }: FailureKey): string {
  return `${replay} ${seq}`;
}
