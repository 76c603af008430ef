/**
 * Intakes that wait for a commit: within the bounds of the queue, in the order in which they came.
 */
import { Overloaded } from "../core/errors.ts";
import type { Intake, Outcome } from "../core/store.ts";

export interface Waiting<T> {
  /** The intake as its engine takes it. */
  readonly queued: T;
  /** Messages and events. */
  readonly rows: number;
  /** Of the body. */
  readonly bytes: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

/** Messages and events that an intake holds. */
export function rowsIn({ messages, post }: Intake): number {
  return messages.length + (post?.events.length ?? 0);
}

export interface QueueLimits {
  readonly queueRowsMax: number;
  /** Of the bodies of providers' POSTs that wait. */
  readonly queueBytesMax: number;
}

export class IntakeQueue<T> {
  readonly #limits: QueueLimits;
  readonly #take: (intake: Intake, createdAt: string) => T;
  #unsent: Waiting<T>[] = [];
  #underway = 0;
  #rows = 0;
  #bytes = 0;

  constructor(limits: QueueLimits, take: (intake: Intake, createdAt: string) => T) {
    this.#limits = limits;
    this.#take = take;
  }

  /** Messages and events that wait, sent or not. */
  get rows(): number {
    return this.#rows;
  }

  /** Intakes that nobody works on yet. */
  get unsent(): number {
    return this.#unsent.length;
  }

  get isEmpty(): boolean {
    return this.#unsent.length === 0 && this.#underway === 0;
  }

  /**
   * Resolves with what becomes of the intake. Rejects with `Overloaded` when there is no room; one
   * that is too large by itself is taken when nothing waits, because it would be refused forever.
   */
  add(intake: Intake, createdAt: string): Promise<readonly Outcome[]> {
    const rows = rowsIn(intake);
    const bytes = intake.post?.body.length ?? 0;
    const { queueRowsMax, queueBytesMax } = this.#limits;
    const noRoom =
      (this.#rows > 0 && this.#rows + rows > queueRowsMax) ||
      (this.#bytes > 0 && this.#bytes + bytes > queueBytesMax);
    if (noRoom) {
      const waiting = `${this.#rows} rows and ${this.#bytes} bytes wait`;
      return Promise.reject(new Overloaded("too many messages wait", waiting));
    }
    this.#rows += rows;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#unsent.push({ queued: this.#take(intake, createdAt), rows, bytes, resolve, reject });
    });
  }

  /**
   * Those that nobody works on yet, up to so many rows but one at least; they are worked on from
   * now on.
   */
  send(rowsMax = Number.POSITIVE_INFINITY): readonly Waiting<T>[] {
    let rows = 0;
    const end = this.#unsent.findIndex((waiting, index) => {
      rows += waiting.rows;
      return index > 0 && rows > rowsMax;
    });
    const group = end < 0 ? this.#unsent : this.#unsent.slice(0, end);
    this.#unsent = end < 0 ? [] : this.#unsent.slice(end);
    this.#underway += group.length;
    return group;
  }

  /** Nobody works on these any more, and they don't wait. */
  leave(group: readonly Waiting<T>[]): void {
    this.#underway -= group.length;
    for (const { rows, bytes } of group) {
      this.#rows -= rows;
      this.#bytes -= bytes;
    }
  }
}
