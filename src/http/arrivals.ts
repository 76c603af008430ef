/**
 * Watches bodies while they arrive, and gives up those that don't: one that doesn't begin, one that
 * has come to (nearly) a standstill, and one that takes longer than a body may.
 */
import { BodyTimeout } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";

/** A body's first byte comes within this time of its request's head. */
const BEGIN_MS_MAX = 2000;
/**
 * Then so many bytes come in each window: 512 bytes a second, half of what the slowest mobile
 * network (GPRS) carries, counted over a time in which a connection gets over two lost packets in a
 * row.
 */
const WINDOW_MS = 4000;
const WINDOW_BYTES_MIN = 2048;
const SWEEP_EVERY_MS = 100;

interface Arrival {
  /** How much is there; whoever reads the body says so. */
  bytes: number;
  readonly end: () => void;
}

interface Watched extends Arrival {
  readonly since: number;
  windowSince: number;
  windowBytes: number;
  readonly giveUp: (reason: BodyTimeout) => void;
  readonly hasBegun: (() => boolean) | undefined;
}

interface Unseen {
  readonly bytes: number;
  readonly hasBegun: () => boolean;
}

export class Arrivals {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  /** Takes the next sweep back; there is one while a body is watched. */
  #cancelSweep: (() => void) | undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /**
   * Calls `giveUp` once when the body is late, until the arrival ends. Of one whose bytes can't be
   * seen before it is complete `unseen` says how many are to come: once it has begun it has the
   * time that they may take.
   */
  watch(giveUp: (reason: BodyTimeout) => void, unseen?: Unseen): Arrival {
    const since = this.#clock.elapsed();
    const windows = unseen === undefined ? 1 : Math.ceil(unseen.bytes / WINDOW_BYTES_MIN);
    const watched: Watched = {
      bytes: 0,
      since,
      windowSince: since + (windows - 1) * WINDOW_MS,
      windowBytes: 0,
      giveUp,
      hasBegun: unseen?.hasBegun,
      end: () => this.#watched.delete(watched),
    };
    this.#watched.add(watched);
    this.#cancelSweep ??= this.#sweepLater();
    return watched;
  }

  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweepLater(): () => void {
    return this.#clock.after(SWEEP_EVERY_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const now = this.#clock.elapsed();
    for (const watched of this.#watched) {
      if (this.#inTime(watched, now)) continue;
      watched.end();
      watched.giveUp(new BodyTimeout("body timeout"));
    }
    if (this.#watched.size > 0) this.#cancelSweep ??= this.#sweepLater();
  }

  #inTime(watched: Watched, now: number): boolean {
    const { bytes, since, windowSince, windowBytes } = watched;
    if (now - since >= this.#timeoutMs) return false;
    if (bytes === 0) {
      if (now - since < BEGIN_MS_MAX) return true;
      if (watched.hasBegun?.() !== true) return false;
      watched.bytes = 1;
    }
    if (now - windowSince < WINDOW_MS) return true;
    watched.windowSince = now;
    watched.windowBytes = bytes;
    return bytes - windowBytes >= WINDOW_BYTES_MIN;
  }
}
