/**
 * Proofs that failed, by the address they came from: which of them are told to wait, and which have
 * a log line of their own. It never decides who passes, only what was refused already is counted;
 * and its room is the same whatever comes.
 */
import type { Clock } from "../lib/clock.ts";
import type { Client } from "../lib/route.ts";
import type { Log } from "../observe/log.ts";

const WINDOW_MS = 60_000;
/**
 * All addresses together, so that many of them, or a balancer that stands for everybody, don't fill
 * the disk either.
 */
export const LINES_PER_WINDOW_MAX = 1000;
/** Clients that a window's summary names; the others are one line together. */
export const NAMES_MAX = 16;
/** A power of two; each holds the count of every address that falls into it. */
const SLOTS = 65_536;

interface FailedAuthOptions {
  /** Failed proofs that an address has in a minute. */
  readonly perMinute: number;
  /**
   * Nobody outside knows it, so nobody can choose addresses that share a count with somebody
   * else's.
   */
  readonly seed: number;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

/** What becomes of one refusal. */
interface Failed {
  /** The address is beyond its limit until then. */
  readonly retryAfterS: number | undefined;
  /** Whether it has a log line of its own; else it is in the next summary. */
  readonly logged: boolean;
}

interface Unlogged {
  count: number;
  /** In milliseconds since 1970. */
  readonly since: number;
}

export class FailedAuth {
  readonly #options: FailedAuthOptions;
  /**
   * Failures in this window by the hash of the address: no address can make it grow or push another
   * one out. Two that share a slot share a limit, which changes nothing for what is rightly signed.
   */
  readonly #counts = new Uint32Array(SLOTS);
  #windowEndsAt = Number.NEGATIVE_INFINITY;
  #lines = 0;
  /** By client; never more than `NAMES_MAX`. */
  readonly #unlogged = new Map<string, Unlogged>();
  #othersUnlogged: Unlogged | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FailedAuthOptions) {
    this.#options = options;
  }

  /** Counts one. */
  add({ address, limitKey }: Client): Failed {
    const leftMs = this.#window();
    const beyond = limitKey !== undefined && this.#count(limitKey) > this.#options.perMinute;
    if (!beyond && this.#lines < LINES_PER_WINDOW_MAX) {
      this.#lines++;
      return { retryAfterS: undefined, logged: true };
    }
    this.#sumUp(limitKey ?? address, leftMs);
    return { retryAfterS: beyond ? Math.ceil(leftMs / 1000) : undefined, logged: false };
  }

  /** Says what was not said yet. */
  close(): void {
    this.#summarize();
  }

  /** What is left of the window in milliseconds; begins another one when it is over. */
  #window(): number {
    const now = this.#options.clock.elapsed();
    if (now >= this.#windowEndsAt) {
      this.#summarize();
      this.#counts.fill(0);
      this.#lines = 0;
      this.#windowEndsAt = now + WINDOW_MS;
    }
    return this.#windowEndsAt - now;
  }

  #count(key: string): number {
    const slot = Bun.hash.xxHash32(key, this.#options.seed) % SLOTS;
    const count = (this.#counts[slot] ?? 0) + 1;
    this.#counts[slot] = count;
    return count;
  }

  #sumUp(client: string, leftMs: number): void {
    const known = this.#unlogged.get(client);
    if (known !== undefined) known.count++;
    else if (this.#unlogged.size < NAMES_MAX) this.#unlogged.set(client, this.#first());
    else if (this.#othersUnlogged !== undefined) this.#othersUnlogged.count++;
    else this.#othersUnlogged = this.#first();
    this.#timer ??= setTimeout(() => this.#summarize(), leftMs).unref();
  }

  #first(): Unlogged {
    return { count: 1, since: this.#options.clock.now() };
  }

  #summarize(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [client, unlogged] of this.#unlogged) this.#say(client, unlogged);
    if (this.#othersUnlogged !== undefined) this.#say("others", this.#othersUnlogged);
    this.#unlogged.clear();
    this.#othersUnlogged = undefined;
  }

  #say(client: string, { count, since }: Unlogged): void {
    this.#options.log.warn(
      "requests without a valid signature or token were refused, too many for a line each",
      {
        client,
        count,
        since: new Date(since).toISOString(),
      },
    );
  }
}
