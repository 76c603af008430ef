/** Deliveries that wait for a commit: within the bounds of the queue, in the order in which they came. */
import { Overloaded } from "../../core/errors.ts";
import type { Delivery, Outcome } from "../../core/store.ts";
import { type QueuedDelivery, queued } from "./post-log.ts";

export interface Waiting {
  readonly queued: QueuedDelivery;
  /** Messages and events. */
  readonly rows: number;
  /** Of the body. */
  readonly bytes: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

export interface QueueLimits {
  readonly queueRowsMax: number;
  /** Of the bodies of providers' POSTs that wait. */
  readonly queueBytesMax: number;
}

export class DeliveryQueue {
  readonly #limits: QueueLimits;
  #unsent: Waiting[] = [];
  /** What the writer has now, in the order in which it was sent. */
  readonly #underway: Waiting[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Messages and events that wait, sent or not. */
  get rows(): number {
    return this.#rows;
  }

  /** Deliveries that the writer doesn't have yet. */
  get unsent(): number {
    return this.#unsent.length;
  }

  get isEmpty(): boolean {
    return this.#unsent.length === 0 && this.#underway.length === 0;
  }

  /**
   * Resolves with what becomes of the delivery. Rejects with `Overloaded` when there is no room; one that is too large by
   * itself is taken when nothing waits, because it would be refused forever.
   */
  add(delivery: Delivery, createdAt: string): Promise<readonly Outcome[]> {
    const rows = delivery.messages.length + (delivery.post?.events.length ?? 0);
    const bytes = delivery.post?.body.length ?? 0;
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
      this.#unsent.push({ queued: queued(delivery, createdAt), rows, bytes, resolve, reject });
    });
  }

  /** Everything that the writer doesn't have yet; it has it from now on. */
  send(): readonly QueuedDelivery[] {
    const group = this.#unsent;
    this.#unsent = [];
    for (const waiting of group) this.#underway.push(waiting);
    return group.map(({ queued }) => queued);
  }

  /** The next so many of those that the writer has: they don't wait any more. */
  leave(count: number): readonly Waiting[] {
    return this.#left(this.#underway.splice(0, count));
  }

  /** Those that the writer doesn't have: they don't wait any more. */
  giveUp(): readonly Waiting[] {
    return this.#left(this.#unsent.splice(0));
  }

  #left(group: readonly Waiting[]): readonly Waiting[] {
    for (const { rows, bytes } of group) {
      this.#rows -= rows;
      this.#bytes -= bytes;
    }
    return group;
  }
}
