/**
 * Asking a service that may be away for a while: it is asked again until it answers, and what
 * happens is said once. One that has never answered is not waited for.
 */
import { setTimeout as pause } from "node:timers/promises";
import { say } from "../output.ts";
import { Unavailable } from "../service-client.ts";

const PAUSE_MS = 250;
const PAUSE_MS_MAX = 5000;

export class Patience {
  readonly #signal: AbortSignal;
  #hasAnswered = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Throws what is no matter of time, and when the signal is aborted. */
  async until<T>(ask: () => Promise<T>): Promise<T> {
    for (let pauseMs = PAUSE_MS, isLost = false; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      try {
        const answer = await ask();
        if (isLost) say("postern: connected again");
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        if (!(error instanceof Unavailable) || !this.#hasAnswered) throw error;
        if (!isLost) say(`postern: ${error.message}; asking again until there is one`);
        isLost = true;
        await pause(pauseMs, undefined, { signal: this.#signal });
      }
    }
  }
}
