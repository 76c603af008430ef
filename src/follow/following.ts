/** What every follower of the log stands on: the store, the end of the log, and when it is over. */
import { parsePosition } from "../core/position.ts";
import type { Store } from "../core/store.ts";
import type { Clock } from "../lib/clock.ts";
import { Turns } from "../lib/turns.ts";
import type { Log } from "../observe/log.ts";
import { LogWatch } from "./log-watch.ts";
import type { Start } from "./parameters.ts";

/**
 * Whoever catches up reads as fast as the log is read: all of them leave room for what others ask.
 */
const CATCHING_UP_AT_ONCE = 2;

export class Following {
  readonly store: Store;
  readonly clock: Clock;
  readonly watch: LogWatch;
  /** Of reads by followers that go on for long. */
  readonly turns = new Turns(CATCHING_UP_AT_ONCE);
  readonly #stopping = new AbortController();

  constructor(options: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.store = options.store;
    this.clock = options.clock;
    this.watch = new LogWatch(options);
  }

  /** Aborted when the process is on its way out: whoever waits answers with what there is. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The position to begin at. */
  async positionOf(start: Start): Promise<string> {
    return "position" in start ? start.position : this.store.positionAt(start.beginning);
  }

  /** The start of the log where the position doesn't hold; undefined where it does. */
  async startIfLost(position: string): Promise<string | undefined> {
    const { seq = 0, mark = "" } = parsePosition(position) ?? {};
    const nothing = { kinds: [] };
    const { isLost, position: start } = await this.store.changes({
      after: seq,
      mark,
      limit: 1,
      filter: nothing,
    });
    return isLost ? start : undefined;
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#stopping.abort();
    this.watch.close();
  }
}
