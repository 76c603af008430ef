/**
 * What a lane does beside sending: one at a time, and once more a second after it has failed. It
 * keeps nothing of what is done.
 */
import type { Clock } from "../../lib/clock.ts";

const AGAIN_MS = 1000;

export interface BackgroundTaskOptions {
  readonly clock: Clock;
  /** Completes "a destination could not …". */
  readonly what: string;
  /** Told behind each time: there may be more to do. */
  readonly onChange: () => void;
  readonly couldNot: (what: string, error: unknown) => void;
}

export class BackgroundTask {
  readonly #options: BackgroundTaskOptions;
  #isRunning = false;

  constructor(options: BackgroundTaskOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Nothing happens while it runs. */
  run(work: () => Promise<unknown>): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { clock, what, onChange, couldNot } = this.#options;
    void work().then(
      () => {
        this.#isRunning = false;
        // Others have their turn between two pages that were at hand.
        setImmediate(onChange);
      },
      (error) => {
        this.#isRunning = false;
        couldNot(what, error);
        clock.after(AGAIN_MS, onChange);
      },
    );
  }
}
