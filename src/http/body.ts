/**
 * Reads request bodies within limits: of one, of all that are not verified yet together, and of the time that one
 * may take. It hands over bytes as received and never looks into them.
 */
import { BodyIncomplete, BodyTimeout, BodyTooLarge, Overloaded } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodyBytesInflightMax: number;
  readonly bodyTimeoutMs: number;
}

/** A declared body up to this size is read at one go; a larger or undeclared one is counted as it arrives. */
const WHOLE_BYTES_MAX = 64 * 1024;
const SWEEP_EVERY_MS = 100;

interface Waiting {
  readonly since: number;
  readonly giveUp: (reason: BodyTimeout) => void;
}

export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #inflightBytes = 0;
  #sweep: ReturnType<typeof setInterval> | undefined;

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Throws `BodyTooLarge` when the declared length alone is over the limit. */
  checkDeclaredLength(request: Request): void {
    if ((declaredLength(request) ?? 0) > this.#limits.bodyBytesMax) throw new BodyTooLarge("body too large");
  }

  /** Throws `BodyTooLarge`, `BodyTimeout`, `BodyIncomplete`, or `Overloaded` before anything is read. */
  read(request: Request): Promise<Uint8Array> {
    const declared = declaredLength(request);
    const whole = declared !== undefined && declared <= WHOLE_BYTES_MAX;
    // A larger body is let in while there is room for it, and counted as it arrives.
    if (this.#inflightBytes + (declared ?? 0) > this.#limits.bodyBytesInflightMax) {
      throw new Overloaded("too many bodies at once");
    }
    return whole ? this.#readWhole(request, declared) : this.#readCounted(request);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #readWhole(request: Request, held: number): Promise<Uint8Array> {
    this.#inflightBytes += held;
    return new Promise((resolve, reject) => {
      const waiting = this.#wait(reject);
      const settle = () => {
        this.#waiting.delete(waiting);
        this.#inflightBytes -= held;
      };
      // After a timeout the memory is held until the connection is closed: so is its share of the budget.
      request.arrayBuffer().then(
        (buffer) => {
          settle();
          resolve(new Uint8Array(buffer));
        },
        (error) => {
          settle();
          reject(new BodyIncomplete("incomplete body", error));
        },
      );
    });
  }

  async #readCounted(request: Request): Promise<Uint8Array> {
    if (request.body === null) return new Uint8Array();
    const reader = request.body.getReader();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let late: BodyTimeout | undefined;
    const waiting = this.#wait((reason) => {
      late = reason;
      reader.cancel(reason).catch(() => undefined);
    });
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (late !== undefined) throw late;
        if (done) return Buffer.concat(chunks, bytes);
        chunks.push(value);
        bytes += value.length;
        this.#inflightBytes += value.length;
        if (bytes > this.#limits.bodyBytesMax) throw new BodyTooLarge("body too large");
        if (this.#inflightBytes > this.#limits.bodyBytesInflightMax)
          throw new Overloaded("too many bodies at once");
      }
    } catch (error) {
      // What still comes is taken from the connection and thrown away, so that the client gets to read its answer.
      reader.cancel().catch(() => undefined);
      if (error instanceof BodyTooLarge || error instanceof Overloaded || error instanceof BodyTimeout)
        throw error;
      throw late ?? new BodyIncomplete("incomplete body", error);
    } finally {
      this.#waiting.delete(waiting);
      this.#inflightBytes -= bytes;
    }
  }

  #wait(giveUp: Waiting["giveUp"]): Waiting {
    const waiting = { since: this.#clock.elapsed(), giveUp };
    this.#waiting.add(waiting);
    this.#sweep ??= setInterval(() => this.#giveUpLate(), SWEEP_EVERY_MS);
    return waiting;
  }

  /** The set is in the order of arrival, so the first that is in time ends the sweep. */
  #giveUpLate(): void {
    const before = this.#clock.elapsed() - this.#limits.bodyTimeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.since > before) return;
      this.#waiting.delete(waiting);
      waiting.giveUp(new BodyTimeout("body timeout"));
    }
  }
}

/** Undefined when the client didn't say (a chunked body). */
function declaredLength(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  if (length !== null) return Number(length);
  return request.headers.has("transfer-encoding") ? undefined : 0;
}
