/**
 * The room that bodies take which nobody has proven yet. Only what is held counts, never what was
 * promised, and what is let go is counted no more: the clients it remembers are those that hold
 * something now.
 */
import { Overloaded } from "../core/errors.ts";

export interface BodyRoomLimits {
  readonly bodyBytesInflightMax: number;
  /** Undefined: a quarter of all. */
  readonly bodyBytesInflightPerClientMax: number | undefined;
}

/**
 * A body that holds no more than this may use all of the room, a larger one all but the reserve.
 */
const SMALL_BYTES_MAX = 64 * 1024;
/** One part in so many of the room is the reserve: large bodies never turn small ones away. */
const RESERVE_PART = 8;
const CLIENT_PART = 4;

export class BodyRoom {
  readonly #bytesMax: number;
  readonly #bytesOfLargeMax: number;
  readonly #bytesOfClientMax: number;
  readonly #heldByClient = new Map<string, number>();
  #held = 0;
  #heldByLarge = 0;

  constructor({ bodyBytesInflightMax, bodyBytesInflightPerClientMax }: BodyRoomLimits) {
    this.#bytesMax = bodyBytesInflightMax;
    this.#bytesOfLargeMax = bodyBytesInflightMax - Math.floor(bodyBytesInflightMax / RESERVE_PART);
    this.#bytesOfClientMax = bodyBytesInflightPerClientMax ?? Math.ceil(bodyBytesInflightMax / CLIENT_PART);
  }

  /**
   * Whether what holds `before` now may hold `after`. Who holds nothing else may always: else it
   * never could.
   */
  allows(client: string | undefined, before: number, after: number): boolean {
    const others = this.#held - before;
    if (others > 0 && others + after > this.#bytesMax) return false;
    if (after > SMALL_BYTES_MAX) {
      const large = this.#heldByLarge - largePart(before);
      if (large > 0 && large + after > this.#bytesOfLargeMax) return false;
    }
    if (client === undefined) return true;
    const ownOthers = (this.#heldByClient.get(client) ?? 0) - before;
    return ownOthers <= 0 || ownOthers + after <= this.#bytesOfClientMax;
  }

  change(client: string | undefined, before: number, after: number): void {
    this.#held += after - before;
    this.#heldByLarge += largePart(after) - largePart(before);
    if (client === undefined) return;
    const held = (this.#heldByClient.get(client) ?? 0) + after - before;
    if (held > 0) this.#heldByClient.set(client, held);
    else this.#heldByClient.delete(client);
  }
}

/** What one body holds of the room. */
export class BodyShare {
  readonly #room: BodyRoom;
  readonly #client: string | undefined;
  #bytes = 0;

  /** `client` is whom it counts for, undefined for one without a limit of its own. */
  constructor(room: BodyRoom, client: string | undefined) {
    this.#room = room;
    this.#client = client;
  }

  /** Throws `Overloaded` when there is no room for so many bytes now; holds no more for it. */
  check(bytes: number): void {
    if (!this.#room.allows(this.#client, this.#bytes, bytes)) throw new Overloaded("too many bodies at once");
  }

  /**
   * From now on it holds so many bytes; throws `Overloaded` and changes nothing when there is no
   * room.
   */
  hold(bytes: number): void {
    if (bytes > this.#bytes) this.check(bytes);
    this.#room.change(this.#client, this.#bytes, bytes);
    this.#bytes = bytes;
  }

  release(): void {
    if (this.#bytes > 0) this.hold(0);
  }
}

function largePart(bytes: number): number {
  return bytes > SMALL_BYTES_MAX ? bytes : 0;
}
