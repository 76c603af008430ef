/**
 * Reads the log into a destination's line: what its filter lets through, with whose order it keeps.
 */
import type { DestinationConfig } from "../../core/destination-config.ts";
import type { FollowedRecord } from "../followed-record.ts";
import { Follower } from "../follower.ts";
import type { Following } from "../following.ts";
import type { Line } from "./line.ts";
import { senderOf } from "./sender.ts";

/** What the filter leaves out moves the position after so long. */
const BEAT_MS = 10_000;

interface LineReaderOptions {
  readonly config: DestinationConfig;
  readonly following: Following;
  readonly line: Line;
  readonly position: string;
}

export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #follower: Follower;
  #position: string;

  constructor(options: LineReaderOptions) {
    const { config, following, position } = options;
    const { kinds, sources, from, to } = config;
    this.#options = options;
    this.#position = position;
    this.#follower = new Follower({
      ...following,
      ...{ bodies: false, position },
      filter: {
        kinds,
        ...(sources !== undefined && { sources }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      },
    });
  }

  /** Behind everything that is in the line, or that the filter left out. */
  get position(): string {
    return this.#position;
  }

  moveTo(position: string): void {
    this.#position = position;
    this.#follower.moveTo(position);
  }

  /**
   * Puts what comes next into the line, as much as is wanted at most; waits until there is
   * something. `lostTo` is the start of a log in which the position doesn't hold any more.
   */
  async readOn(recordsMax: number, signal: AbortSignal): Promise<{ readonly lostTo?: string }> {
    const beat = new AbortController();
    const cancel = this.#options.following.clock.after(BEAT_MS, () => beat.abort());
    try {
      const page = await this.#follower.next(recordsMax, AbortSignal.any([signal, beat.signal]));
      if (page.isLost) return { lostTo: page.position };
      if (signal.aborted) return {};
      const senders = await this.#sendersOf(page.records);
      for (const [index, followed] of page.records.entries())
        this.#options.line.add(followed, senders[index] ?? "");
      this.#position = page.position;
      return {};
    } finally {
      cancel();
    }
  }

  async #sendersOf(records: readonly FollowedRecord[]): Promise<readonly string[]> {
    const { config, following } = this.#options;
    if (config.order === "none") return records.map(() => "");
    const about = records.flatMap(({ record }) =>
      "event_key" in record && record.message_id !== null ? [record.message_id] : [],
    );
    const known = about.length === 0 ? undefined : await following.store.senders(about);
    return records.map(({ record }) => senderOf(record, known));
  }
}
