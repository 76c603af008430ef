/** How far each consumer is behind, for metrics. */
import type { Consumer } from "../../core/consumers.ts";
import type { Log } from "../../observe/log.ts";
import { FiguresByName } from "../figures-by-name.ts";
import type { Following } from "../following.ts";
import { type Lag, lagOf } from "../lag.ts";

export class ConsumerLags {
  readonly #lags: FiguresByName<Consumer, Lag>;

  constructor(following: Following, log: Pick<Log, "debug">) {
    this.#lags = new FiguresByName({
      ...{ following, log, failed: "the consumers' lags could not be counted" },
      list: () => following.store.consumers.list(),
      count: (consumer) => lagOf(following, consumer),
    });
  }

  /** By the consumer's name. */
  lags(): Promise<ReadonlyMap<string, Lag>> {
    return this.#lags.read();
  }
}
