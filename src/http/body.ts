/**
 * Reads request bodies within limits: of one, of all that are not verified yet together, and of the time that one
 * may take. It hands over bytes as received and never looks into them.
 */
import { estimateShallowMemoryUsageOf } from "bun:jsc";
import { BodyFragmented, BodyIncomplete, type BodyTimeout, BodyTooLarge, Failure } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";
import { GrowingBytes } from "../lib/growing-bytes.ts";
import { nextTurn } from "../lib/next-turn.ts";
import { Arrivals } from "./arrivals.ts";
import { BodyRoom, type BodyRoomLimits, BodyShare } from "./body-room.ts";

export interface BodyLimits extends BodyRoomLimits {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
}

/** A body of such a declared length is read at one go once it has begun: it holds little, however slow it is. */
const WHOLE_BYTES_MAX = 8 * 1024;
/** What a chunk costs beside its bytes until it is collected: an ArrayBuffer, its view, its place in the queue. */
const CHUNK_COST_BYTES = 160;
/** A body may come in so many chunks of any size, and in one more for every so many bytes. */
const CHUNKS_FREE = 2048;
const CHUNK_BYTES_MEAN_MIN = 128;
/** So many chunks are taken one after the other, a few milliseconds' work; more than show that all are tiny. */
const CHUNKS_OF_TURN_MAX = 2560;
const NOTHING = new Uint8Array();

export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #room: BodyRoom;
  readonly #arrivals: Arrivals;

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#room = new BodyRoom(limits);
    this.#arrivals = new Arrivals(limits.bodyTimeoutMs, clock);
  }

  /** Throws `BodyTooLarge` when the declared length alone is over the limit. */
  checkDeclaredLength(request: Request): void {
    if ((declaredLength(request) ?? 0) > this.#limits.bodyBytesMax) throw new BodyTooLarge("body too large");
  }

  /** What a body will hold; whoever asks for it releases it. `client` is whom it counts for. */
  share(client: string | undefined): BodyShare {
    return new BodyShare(this.#room, client);
  }

  /**
   * Throws `BodyTooLarge`, `BodyTimeout`, `BodyIncomplete` or `Overloaded`. What was read is held by the share until
   * that is released.
   */
  async read(request: Request, share: BodyShare): Promise<Uint8Array> {
    const declared = declaredLength(request);
    if (declared === 0) return NOTHING;
    share.check(declared ?? 0);
    const emptyBytes = estimateShallowMemoryUsageOf(request);
    // What came together with its head is there then, and costs least to take.
    await nextTurn();
    if (declared === undefined || declared > WHOLE_BYTES_MAX)
      return this.#readChunks(request, share, declared);
    // Bun makes room for such a body when its first byte comes, and nothing else tells whether it did.
    const begun = estimateShallowMemoryUsageOf(request) - emptyBytes >= declared;
    if (!begun) return this.#readChunks(request, share, declared);
    share.hold(declared);
    const reading = request.arrayBuffer();
    const ready = Bun.peek(reading);
    return new Uint8Array(ready instanceof Promise ? await this.#inTime(reading, declared) : ready);
  }

  close(): void {
    this.#arrivals.close();
  }

  async #inTime(reading: Promise<ArrayBuffer>, declared: number): Promise<ArrayBuffer> {
    const late = Promise.withResolvers<never>();
    const arrival = this.#arrivals.watch(late.reject, declared);
    try {
      return await Promise.race([reading, late.promise]);
    } catch (error) {
      throw error instanceof Failure ? error : new BodyIncomplete("incomplete body", error);
    } finally {
      arrival.end();
    }
  }

  async #readChunks(request: Request, share: BodyShare, declared: number | undefined): Promise<Uint8Array> {
    if (request.body === null) return NOTHING;
    const { bodyBytesMax } = this.#limits;
    const reader = request.body.getReader();
    const body = new GrowingBytes(declared ?? bodyBytesMax);
    let chunks = 0;
    let late: BodyTimeout | undefined;
    const arrival = this.#arrivals.watch((reason) => {
      late = reason;
      reader.cancel(reason).catch(() => undefined);
    });
    try {
      while (body.length !== declared) {
        // What comes meanwhile is one chunk afterwards, and others get their turn.
        if (chunks % CHUNKS_OF_TURN_MAX === CHUNKS_OF_TURN_MAX - 1) await nextTurn();
        const { done, value } = await reader.read();
        if (late !== undefined) throw late;
        if (done) break;
        chunks++;
        arrival.bytes += value.length;
        if (arrival.bytes > bodyBytesMax) throw new BodyTooLarge("body too large");
        if (chunks > CHUNKS_FREE + arrival.bytes / CHUNK_BYTES_MEAN_MIN)
          throw new BodyFragmented("body in too many chunks");
        if (value.length === declared) {
          share.hold(value.length);
          return value;
        }
        share.hold(body.capacityWith(value.length) + chunks * CHUNK_COST_BYTES);
        body.add(value);
      }
      share.hold(body.length);
      return body.take();
    } catch (error) {
      // What still comes is taken from the connection and thrown away, so that the client gets to read its answer.
      reader.cancel().catch(() => undefined);
      throw error instanceof Failure ? error : (late ?? new BodyIncomplete("incomplete body", error));
    } finally {
      arrival.end();
    }
  }
}

/** Undefined when the client didn't say (a chunked body). */
function declaredLength(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  if (length !== null) return Number(length);
  return request.headers.has("transfer-encoding") ? undefined : 0;
}
