/**
 * Reads request bodies within limits: of one, of all that are not verified yet together, and of the
 * time that one may take. It hands over bytes as received and never looks into them.
 */
import { estimateShallowMemoryUsageOf } from "bun:jsc";
import { BodyFragmented, BodyIncomplete, type BodyTimeout, BodyTooLarge, Failure } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";
import { freeBytes } from "../lib/free-bytes.ts";
import { GrowingBytes } from "../lib/growing-bytes.ts";
import { nextTurn } from "../lib/next-turn.ts";
import { Arrivals } from "./arrivals.ts";
import { BodyRoom, type BodyRoomLimits, BodyShare } from "./body-room.ts";
import { ReadingPace } from "./reading-pace.ts";

interface BodyLimits extends BodyRoomLimits {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
}

/** A body of such a declared length is read at one go: it holds little, however slow it is. */
const WHOLE_BYTES_MAX = 8 * 1024;
/**
 * What a chunk costs beside its bytes until it is collected: an ArrayBuffer, its view, its place in
 * the queue.
 */
const CHUNK_COST_BYTES = 160;
/** A body may come in so many chunks of any size, and in one more for every so many bytes. */
const CHUNKS_FREE = 2048;
const CHUNK_BYTES_MEAN_MIN = 128;
/**
 * So many chunks are taken one after the other, a few milliseconds' work; more than show that all
 * are tiny.
 */
const CHUNKS_OF_TURN_MAX = 2560;
/** All large bodies together: reading so much costs a sixth of a processor. */
const READ_MIB_PER_SECOND = 64;
/** What nobody wants has a pace of its own, so that it doesn't hold up what is read. */
const THROWN_AWAY_MIB_PER_SECOND = 16;
/** Small chunks cost more than closing the connection on who sends them. */
const THROWN_CHUNK_BYTES_MEAN_MIN = 1024;
/** Whoever sends nothing for so long waits for the end of the answer. */
const SILENT_MS_MAX = 1000;
/**
 * The first so many bytes of a body are read as they come, and so much is thrown away as it comes.
 */
const UNPACED_BYTES_MAX = 64 * 1024;
const NOTHING = new Uint8Array();

export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #clock: Clock;
  readonly #room: BodyRoom;
  readonly #arrivals: Arrivals;
  readonly #pace: ReadingPace;
  readonly #throwAwayPace: ReadingPace;
  /** Bodies that were read in part and then refused. */
  readonly #unfinished = new WeakMap<Request, Reader>();

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#room = new BodyRoom(limits);
    this.#arrivals = new Arrivals(limits.bodyTimeoutMs, clock);
    this.#pace = new ReadingPace(READ_MIB_PER_SECOND, clock);
    this.#throwAwayPace = new ReadingPace(THROWN_AWAY_MIB_PER_SECOND, clock);
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
   * Throws `BodyTooLarge`, `BodyTimeout`, `BodyIncomplete` or `Overloaded`. What was read is held
   * by the share until that is released.
   */
  async read(request: Request, share: BodyShare): Promise<Uint8Array> {
    const declared = declaredLength(request);
    if (declared === 0) return NOTHING;
    share.check(declared ?? 0);
    if (declared !== undefined && declared <= WHOLE_BYTES_MAX)
      return this.#readWhole(request, share, declared);
    // What came together with its head is there then, and costs least to take.
    await nextTurn();
    return this.#readChunks(request, share, declared);
  }

  /**
   * The answer to a request of whose body much is still to come: its sender reads it at once, and
   * what comes meanwhile is taken at a pace and thrown away, for as long as a body may take. Then
   * the connection is closed, because nothing else holds up who goes on sending. Any other answer
   * is given back as it is.
   */
  withBodyThrownAway(request: Request, answer: Response): Response {
    const begun = this.#unfinished.get(request);
    if (begun === undefined && (request.bodyUsed || isShort(request))) return answer;
    const reader = begun ?? (request.body?.getReader() as Reader | undefined);
    if (reader === undefined) return answer;
    const end = this.#throwAway(reader);
    const body = new ReadableStream({
      start: async (controller) => {
        controller.enqueue(await answer.bytes());
        await end;
        controller.close();
      },
    });
    const { status, headers } = answer;
    headers.set("Connection", "close");
    return new Response(body, { status, headers });
  }

  close(): void {
    this.#arrivals.close();
  }

  /** Resolves when all of it came, nothing came for a moment, or it took as long as a body may. */
  async #throwAway(reader: Reader): Promise<void> {
    const until = this.#clock.elapsed() + this.#limits.bodyTimeoutMs;
    try {
      for (let [bytes, chunks] = [0, 1]; this.#clock.elapsed() < until; chunks++) {
        const read = await Promise.race([reader.read(), Bun.sleep(SILENT_MS_MAX)]);
        if (read === undefined || read.done || chunks > chunksMax(bytes, THROWN_CHUNK_BYTES_MEAN_MIN)) return;
        const before = bytes;
        bytes += read.value.length;
        freeBytes(read.value);
        const waitMs = this.#throwAwayPace.waitMs(bytes - before);
        if (waitMs > 0) await Bun.sleep(waitMs);
      }
    } catch {
      // The client is gone.
    }
  }

  /** It counts once it is there: until then it holds little, and connections have a bound. */
  #readWhole(request: Request, share: BodyShare, declared: number): Promise<Uint8Array> {
    const emptyBytes = estimateShallowMemoryUsageOf(request);
    const reading = request.arrayBuffer();
    return new Promise((resolve, reject) => {
      // Bun makes room for such a body when its first byte comes, and nothing else tells whether it
      // did.
      const hasBegun = () => estimateShallowMemoryUsageOf(request) - emptyBytes >= declared;
      const arrival = this.#arrivals.watch(reject, { bytes: declared, hasBegun });
      const arrived = (buffer: ArrayBuffer) => {
        arrival.end();
        share.hold(buffer.byteLength);
        resolve(new Uint8Array(buffer));
      };
      const failed = (error: unknown) => {
        arrival.end();
        reject(error instanceof Failure ? error : new BodyIncomplete("incomplete body", error));
      };
      reading.then(arrived).catch(failed);
    });
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
        if (chunks > chunksMax(arrival.bytes)) throw new BodyFragmented("body in too many chunks");
        if (value.length === declared) {
          share.hold(value.length);
          return value;
        }
        share.hold(body.capacityWith(value.length) + chunks * CHUNK_COST_BYTES);
        body.add(value);
        const waitMs = arrival.bytes > UNPACED_BYTES_MAX ? this.#pace.waitMs(value.length) : 0;
        freeBytes(value);
        if (waitMs > 0) await Bun.sleep(waitMs);
      }
      share.hold(body.length);
      return body.take();
    } catch (error) {
      if (late === undefined && !(error instanceof BodyFragmented) && !isShort(request))
        this.#unfinished.set(request, reader as Reader);
      else reader.cancel().catch(() => undefined);
      throw error instanceof Failure ? error : (late ?? new BodyIncomplete("incomplete body", error));
    } finally {
      arrival.end();
    }
  }
}

function chunksMax(bytes: number, meanBytesMin = CHUNK_BYTES_MEAN_MIN): number {
  return CHUNKS_FREE + bytes / meanBytesMin;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Whether so little of a body is to come that it may be taken as it comes. */
function isShort(request: Request): boolean {
  return (declaredLength(request) ?? Number.POSITIVE_INFINITY) <= UNPACED_BYTES_MAX;
}

/** Undefined when the client didn't say (a chunked body). */
function declaredLength(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  if (length !== null) return Number(length);
  return request.headers.has("transfer-encoding") ? undefined : 0;
}
