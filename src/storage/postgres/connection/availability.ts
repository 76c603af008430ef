/**
 * Whether the database can be used: after a failure it is tried again and again, and whoever needs
 * it waits a while.
 */
import { StartRefused } from "../../../core/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { inTime } from "../../../lib/in-time.ts";
import type { Log } from "../../../observe/log.ts";
import { failureOf } from "./failures.ts";

/**
 * So long after the beginning of an outage requests wait for its end; then they are refused at
 * once.
 */
const WAIT_MS = 5000;
/** So long the first look may take; afterwards it is an outage that may end with that look. */
const FIRST_LOOK_MS = 10_000;
const RETRY_MS = 200;
const POLL_MS = 20;

interface AvailabilityOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Throws while the database can't be used; `StartRefused` when it never will. */
  readonly check: () => Promise<void>;
}

export class Availability {
  readonly #options: AvailabilityOptions;
  /** Why it can't be used. */
  #reason: string | undefined = "the database has not been looked at yet";
  /** The last reason that was logged. */
  #said: string | undefined;
  #since: number;
  #looking: Promise<void> | undefined;
  #retrying = false;
  #closed = false;
  #whenBack: (() => Promise<void>)[] = [];

  constructor(options: AvailabilityOptions) {
    this.#options = options;
    this.#since = options.clock.elapsed();
  }

  /** Undefined while it can be used. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Throws `StartRefused`; whatever else is wrong is tried again. */
  async begin(): Promise<void> {
    try {
      await inTime(this.#look(), FIRST_LOOK_MS, new Error("the database takes too long"));
      this.#reason = undefined;
    } catch (error) {
      if (error instanceof StartRefused) throw error;
      this.#reason = undefined;
      this.lost(failureOf(error).reason);
    }
  }

  /** From now on it can't be used, until a check succeeds. */
  lost(reason: string): void {
    if (this.#reason === undefined) {
      this.#since = this.#options.clock.elapsed();
      this.#said = reason;
      this.#options.log.error("the database can't be used: no message is accepted until it can", { reason });
    }
    this.#reason = reason;
    if (this.#retrying || this.#closed) return;
    this.#retrying = true;
    void this.#retry();
  }

  /** Whether it can be used, once that is known or the time to wait is over. */
  async wait(): Promise<boolean> {
    while (this.#reason !== undefined && !this.#closed) {
      if (this.#options.clock.elapsed() - this.#since > WAIT_MS) return false;
      await Bun.sleep(POLL_MS);
    }
    return this.#reason === undefined;
  }

  /** Done once it can be used again. */
  whenBack(work: () => Promise<void>): void {
    this.#whenBack.push(work);
  }

  close(): void {
    this.#closed = true;
  }

  async #retry(): Promise<void> {
    const { log } = this.#options;
    while (!this.#closed) {
      try {
        await this.#look();
        await this.#workOff();
        this.#reason = undefined;
        log.warn("the database can be used again");
        break;
      } catch (error) {
        const { reason, isLasting } = failureOf(error);
        // Nobody would know by the first reason that waiting alone doesn't help.
        if (isLasting && reason !== this.#said) {
          this.#said = reason;
          log.error("the database won't do", { reason });
        }
        this.#reason = reason;
        await Bun.sleep(RETRY_MS);
      }
    }
    this.#retrying = false;
  }

  /** One look at a time: it may take long, when it waits for a standby. */
  #look(): Promise<void> {
    this.#looking ??= this.#options.check().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What fails is tried again with the next check. */
  async #workOff(): Promise<void> {
    for (let [work] = this.#whenBack; work !== undefined; [work] = this.#whenBack) {
      await work();
      this.#whenBack.shift();
    }
  }
}
