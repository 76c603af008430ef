/**
 * How far each consumer is behind, for metrics: counted when somebody asks, one count at a time. An
 * answer doesn't wait for a long one, and then is as of the last.
 */
import type { Consumer } from "../../core/consumers.ts";
import { describe } from "../../core/errors.ts";
import type { Log } from "../../observe/log.ts";
import type { Following } from "../following.ts";
import { type ConsumerLag, lagOf } from "./consumer.ts";

const WAIT_MS_MAX = 2000;

export class ConsumerLags {
  readonly #following: Following;
  readonly #log: Pick<Log, "debug">;
  #lags: ReadonlyMap<string, ConsumerLag> = new Map();
  #counting: Promise<void> | undefined;

  constructor(following: Following, log: Pick<Log, "debug">) {
    this.#following = following;
    this.#log = log;
  }

  /** By the consumer's name. */
  async lags(): Promise<ReadonlyMap<string, ConsumerLag>> {
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined;
    });
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#following.clock.after(WAIT_MS_MAX, resolve);
    });
    await Promise.race([this.#counting, late]);
    cancel();
    return this.#lags;
  }

  async #count(): Promise<void> {
    const { store, stopping } = this.#following;
    try {
      const consumers: readonly Consumer[] = await store.consumers.list();
      const lags = new Map<string, ConsumerLag>();
      for (const consumer of consumers) {
        if (stopping.aborted) return;
        lags.set(consumer.name, await lagOf(this.#following, consumer));
      }
      this.#lags = lags;
    } catch (error) {
      this.#log.debug("the consumers' lags could not be counted", { reason: describe(error) });
    }
  }
}
