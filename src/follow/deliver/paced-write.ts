/** Writes how far a lane is: one write at a time, and no more often than every 100 ms. */
import { BackgroundTask, type BackgroundTaskOptions } from "./background-task.ts";

/** The position is written so often while it moves. */
const WRITE_EVERY_MS = 100;

export class PacedWrite {
  readonly #options: BackgroundTaskOptions;
  readonly #task: BackgroundTask;
  /** Of the elapsed time. */
  #writtenAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(options: BackgroundTaskOptions) {
    this.#options = options;
    this.#task = new BackgroundTask(options);
  }

  get isRunning(): boolean {
    return this.#task.isRunning;
  }

  /** Writes now where it is urgent or time for it; else `onChange` is called when it is. */
  run(write: () => Promise<unknown>, isUrgent: boolean): void {
    const { clock, onChange } = this.#options;
    const leftMs = this.#writtenAt + WRITE_EVERY_MS - clock.elapsed();
    this.#cancel();
    if (isUrgent || leftMs <= 0) this.#task.run(write);
    else this.#cancel = clock.after(leftMs, onChange);
  }

  /** Told of each write, whoever has asked for it. */
  wrote(): void {
    this.#writtenAt = this.#options.clock.elapsed();
  }

  cancel(): void {
    this.#cancel();
  }
}
