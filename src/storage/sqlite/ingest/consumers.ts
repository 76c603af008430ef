/**
 * The consumers, which one process alone has: they are answered from memory, and what changes in
 * one moment is one transaction of the writer's, so that many who acknowledge share its sync.
 */
import {
  CONSUMERS_MAX,
  type Consumer,
  type ConsumerStore,
  type NewConsumer,
} from "../../../core/consumers.ts";
import { seqOf } from "../../../core/position.ts";
import type { Clock } from "../../../lib/clock.ts";
import { SharedRun } from "../../../lib/shared-run.ts";
import type { ConsumerChanges } from "./consumer-rows.ts";

type Known = Map<string, Consumer>;

export class SqliteConsumers implements ConsumerStore {
  readonly #write: (changes: ConsumerChanges) => Promise<void>;
  readonly #writes: SharedRun;
  /** As they are on stable storage. */
  #known: Known;
  #changes: ((known: Known) => void)[] = [];

  /** `write` resolves when the changes are on stable storage. */
  constructor(
    consumers: readonly Consumer[],
    write: (changes: ConsumerChanges) => Promise<void>,
    clock: Clock,
  ) {
    this.#known = new Map(consumers.map((consumer) => [consumer.name, consumer]));
    this.#write = write;
    this.#writes = new SharedRun(() => this.#writeChanges(), 0, clock);
  }

  async list(): Promise<readonly Consumer[]> {
    return [...this.#known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async find(name: string): Promise<Consumer | undefined> {
    return this.#known.get(name);
  }

  create(consumer: NewConsumer) {
    return this.#change((known) => {
      const there = known.get(consumer.name);
      if (there !== undefined) return { created: false, consumer: there };
      if (known.size >= CONSUMERS_MAX) return undefined;
      const made: Consumer = { ...consumer, acknowledgedAt: null };
      known.set(made.name, made);
      return { created: true, consumer: made };
    });
  }

  acknowledge(name: string, position: string, at: string): Promise<Consumer | undefined> {
    return this.#move(name, (before) => {
      const isForward = seqOf(position) > seqOf(before.position);
      return { ...before, acknowledgedAt: at, ...(isForward && { position }) };
    });
  }

  seek(name: string, position: string): Promise<Consumer | undefined> {
    return this.#move(name, (before) => ({ ...before, position }));
  }

  delete(name: string): Promise<boolean> {
    return this.#change((known) => known.delete(name));
  }

  #move(name: string, moved: (before: Consumer) => Consumer): Promise<Consumer | undefined> {
    return this.#change((known) => {
      const before = known.get(name);
      if (before === undefined) return undefined;
      const after = moved(before);
      known.set(name, after);
      return after;
    });
  }

  /** What `decide` says holds once everything that was decided with it is written. */
  async #change<T>(decide: (known: Known) => T): Promise<T> {
    const decided = new Promise<T>((resolve) => {
      this.#changes.push((known) => resolve(decide(known)));
    });
    await this.#writes.run();
    return decided;
  }

  async #writeChanges(): Promise<void> {
    const known = new Map(this.#known);
    for (const change of this.#changes.splice(0)) change(known);
    const put = [...known.values()].filter((consumer) => consumer !== this.#known.get(consumer.name));
    const deleted = [...this.#known.keys()].filter((name) => !known.has(name));
    if (put.length + deleted.length > 0) await this.#write({ put, deleted });
    this.#known = known;
  }
}
