/**
 * Figures of each of several, for metrics: counted when somebody asks, one count at a time. An
 * answer doesn't wait for a long one, and then is as of the last.
 */
import { describe } from "../core/errors.ts";
import type { Log } from "../observe/log.ts";
import type { Following } from "./following.ts";

const WAIT_MS_MAX = 2000;

interface FiguresOptions<N extends { readonly name: string }, F> {
  readonly following: Pick<Following, "clock" | "stopping">;
  readonly log: Pick<Log, "debug">;
  /** What a failed count is logged as. */
  readonly failed: string;
  readonly list: () => Promise<readonly N[]>;
  readonly count: (each: N) => Promise<F>;
}

export class FiguresByName<N extends { readonly name: string }, F> {
  readonly #options: FiguresOptions<N, F>;
  #figures: ReadonlyMap<string, F> = new Map();
  #counting: Promise<void> | undefined;

  constructor(options: FiguresOptions<N, F>) {
    this.#options = options;
  }

  async read(): Promise<ReadonlyMap<string, F>> {
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined;
    });
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.following.clock.after(WAIT_MS_MAX, resolve);
    });
    await Promise.race([this.#counting, late]);
    cancel();
    return this.#figures;
  }

  async #count(): Promise<void> {
    const { following, log, failed, list, count } = this.#options;
    try {
      const figures = new Map<string, F>();
      for (const each of await list()) {
        if (following.stopping.aborted) return;
        figures.set(each.name, await count(each));
      }
      this.#figures = figures;
    } catch (error) {
      log.debug(failed, { reason: describe(error) });
    }
  }
}
