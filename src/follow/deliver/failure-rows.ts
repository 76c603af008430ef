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
  #isAsking = false;
  #waiting = 0;
  #dead = 0;
  #dueAt: number | undefined;

  constructor(options: FailureRowsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get dead(): number {
    return this.#dead;
  }

  /** When the first is due, in milliseconds since 1970; undefined where none is. */
  get dueAt(): number | undefined {
    return this.#dueAt;
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

  /** Tries those that are due, so many at once. */
  tryDue(atOnce: number): void {
    const { clock } = this.#options.following;
    const free = atOnce - this.#tried.size;
    if (this.#isAsking || free <= 0 || this.#dueAt === undefined || this.#dueAt > clock.now()) return;
    this.#isAsking = true;
    void this.#tryDue(free).finally(() => {
      this.#isAsking = false;
    });
  }

  /** Tries the first, due or not. */
  async tryFirst(): Promise<void> {
    const { name, deliveries, onFailure } = this.#options;
    try {
      const [first] = await deliveries.due(name, FAR, 1);
      if (first !== undefined) await this.#try(first);
    } catch (error) {
      onFailure("read what is due", error);
    }
  }

  async #tryDue(free: number): Promise<void> {
    const { name, deliveries, following, onFailure } = this.#options;
    try {
      const now = new Date(following.clock.now()).toISOString();
      const due = await deliveries.due(name, now, free + this.#tried.size);
      const fresh = due.filter((failure) => !this.isTried(failure)).slice(0, free);
      for (const failure of fresh) void this.#try(failure);
      if (fresh.length === 0) await this.#count();
    } catch (error) {
      onFailure("read what is due", error);
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
