/**
 * Keeps the number of connections below what the process has descriptors for. Bun accepts whoever
 * comes, and at the limit of descriptors it tries again and again at the cost of a processor; so
 * those that have been silent for longest are ended before. A connection with an open stream is
 * never one of them, and takes nobody's place.
 */
import { closeSync, openSync } from "node:fs";
import { StartRefused } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";
import { type Connection, countOpenFiles, openFilesMax, openSockets, type Sockets } from "../lib/sockets.ts";
import type { Log } from "../observe/log.ts";
import type { Streams } from "./streams.ts";

/**
 * Descriptors that are left to what opens later: connections to a database, temporary files, a
 * burst of clients.
 */
const SPARE_FILES = 64;
/** So far above the bound connections are looked for: more don't come between two looks. */
const BURST_FILES = 4096;
const CONNECTIONS_MIN = 16;
/** Without a setting, however many descriptors there may be: an idle connection takes a few KiB. */
const CONNECTIONS_DEFAULT_MAX = 10_000;
const LOOK_EVERY_MS = 100;
/**
 * At the bound connections are ended until so much of it is left: the next clients find room at
 * once.
 */
const KEPT_PART = 0.75;
/**
 * An idle connection may go after this time, one on which a request is under way after the other.
 */
const IDLE_MS_MIN = 1000;
const ASKING_MS_MIN = 10_000;
const TELL_EVERY_MS = 60_000;

export interface ConnectionLimit {
  readonly connectionsMax: number;
  readonly openFilesMax: number;
  /** Descriptors that were open before the first connection. */
  readonly ownFiles: number;
  readonly sockets: Sockets;
}

/**
 * The bound: what is asked for, or what the limit of descriptors leaves beside those that are open
 * now. Undefined where the system doesn't say; throws `StartRefused` when there are too few.
 */
export function connectionLimit(asked: number | undefined): ConnectionLimit | undefined {
  const filesMax = openFilesMax();
  const sockets = openSockets();
  if (filesMax === undefined || sockets === undefined) return undefined;
  const own = countOpenFiles();
  const possible = filesMax - own - SPARE_FILES;
  if (possible < Math.max(asked ?? 0, CONNECTIONS_MIN)) {
    const wanted = asked === undefined ? `at least ${CONNECTIONS_MIN}` : `CONNECTIONS_MAX=${asked}`;
    throw new StartRefused(
      `the limit of open files (${filesMax}) leaves room for ${Math.max(possible, 0)} connections, not for ${wanted}: ` +
        "raise it (ulimit -n, LimitNOFILE=)",
    );
  }
  const connectionsMax = asked ?? Math.min(possible, CONNECTIONS_DEFAULT_MAX);
  return { connectionsMax, openFilesMax: filesMax, ownFiles: own, sockets };
}

/**
 * How many streams may be open: half of the descriptors at most, and so many that some connections
 * are left to others.
 */
export function streamsLimit(asked: number, limit: ConnectionLimit | undefined): number {
  if (limit === undefined) return asked;
  return Math.min(asked, Math.floor(limit.openFilesMax / 2), roomOf(limit) - CONNECTIONS_MIN);
}

/** Connections that there are descriptors for. */
function roomOf({ openFilesMax, ownFiles }: ConnectionLimit): number {
  return openFilesMax - ownFiles - SPARE_FILES;
}

interface BoundSurroundings {
  readonly streams: Pick<Streams, "size" | "peers">;
  readonly log: Pick<Log, "warn">;
  readonly clock: Clock;
}

export class ConnectionBound {
  /** Connections that were ended. */
  ended = 0;
  readonly #limit: ConnectionLimit;
  readonly #ports: readonly number[];
  readonly #streams: Pick<Streams, "size" | "peers">;
  readonly #log: Pick<Log, "warn">;
  readonly #clock: Clock;
  readonly #looking: ReturnType<typeof setInterval>;
  #toldAt = Number.NEGATIVE_INFINITY;
  #told = 0;

  constructor(limit: ConnectionLimit, ports: readonly number[], { streams, log, clock }: BoundSurroundings) {
    this.#limit = limit;
    this.#ports = ports;
    this.#streams = streams;
    this.#log = log;
    this.#clock = clock;
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#looking);
  }

  /** The connections that are open now. */
  connections(): readonly Connection[] {
    const { sockets, openFilesMax } = this.#limit;
    return sockets.connectionsTo(this.#ports, Math.min(openFilesMax, this.#filesMax() + BURST_FILES));
  }

  /** Beside those of streams. */
  #connectionsMax(): number {
    return Math.min(this.#limit.connectionsMax, roomOf(this.#limit) - this.#streams.size);
  }

  /** From so many open descriptors on the bound is reached. */
  #filesMax(): number {
    return this.#limit.ownFiles + this.#streams.size + this.#connectionsMax();
  }

  /**
   * A new descriptor is the lowest that is free: its number says whether all below the bound are
   * taken.
   */
  #look(): void {
    const lowest = lowestFree();
    if (lowest !== undefined && lowest < this.#filesMax()) return;
    const peers = this.#streams.peers();
    this.#endSome(
      this.connections().filter(({ peer }) => !peers.has(peer)),
      lowest === undefined,
    );
    this.#tell();
  }

  #endSome(connections: readonly Connection[], exhausted: boolean): void {
    const connectionsMax = this.#connectionsMax();
    const { idle = [], busy = [] } = Object.groupBy(connections, groupOf);
    let left = connections.length;
    const end = (candidates: readonly Connection[], kept: number) => {
      for (const connection of candidates.slice(0, Math.max(0, left - kept))) {
        this.#limit.sockets.shutDown(connection);
        this.ended++;
        left--;
      }
    };
    end(idle.toSorted(bySilence), Math.floor(connectionsMax * KEPT_PART));
    // No descriptor is left, and a client that sends now would find none: those go that have sent
    // least.
    if (exhausted)
      end(
        busy.toSorted((one, other) => one.receivedBytes - other.receivedBytes),
        connectionsMax,
      );
  }

  #tell(): void {
    if (this.ended === this.#told || this.#clock.elapsed() - this.#toldAt < TELL_EVERY_MS) return;
    const ended = this.ended - this.#told;
    this.#told = this.ended;
    this.#toldAt = this.#clock.elapsed();
    this.#log.warn("connections are at their bound: those that were silent for longest are ended", {
      connections_max: this.#limit.connectionsMax,
      ended,
    });
  }
}

function groupOf({ silentMs, asking }: Connection): "idle" | "busy" {
  return silentMs >= (asking ? ASKING_MS_MIN : IDLE_MS_MIN) ? "idle" : "busy";
}

/** First those that have never sent anything, then those that were silent for longest. */
function bySilence(one: Connection, other: Connection): number {
  const sent = Number(one.receivedBytes > 0) - Number(other.receivedBytes > 0);
  return sent === 0 ? other.silentMs - one.silentMs : sent;
}

/** Undefined when none is free. */
function lowestFree(): number | undefined {
  try {
    const fd = openSync("/dev/null", "r");
    closeSync(fd);
    return fd;
  } catch {
    return undefined;
  }
}
