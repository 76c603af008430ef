/**
 * Bytes that arrive in pieces, copied into one buffer that grows: how many pieces there were costs
 * no memory.
 */

const CAPACITY_BYTES_MIN = 4096;

export class GrowingBytes {
  /** The buffer never grows beyond this. */
  readonly #bytesMax: number;
  #buffer = new ArrayBuffer(0);
  length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The size of the buffer once it holds so many bytes more. */
  capacityWith(bytes: number): number {
    const needed = this.length + bytes;
    if (needed <= this.#buffer.byteLength) return this.#buffer.byteLength;
    const doubled = Math.max(CAPACITY_BYTES_MIN, this.#buffer.byteLength * 2);
    return Math.max(needed, Math.min(doubled, this.#bytesMax));
  }

  add(piece: Uint8Array): void {
    const capacity = this.capacityWith(piece.length);
    // The old buffer is freed at once, not when garbage is collected.
    if (capacity > this.#buffer.byteLength) this.#buffer = this.#buffer.transfer(capacity);
    new Uint8Array(this.#buffer).set(piece, this.length);
    this.length += piece.length;
  }

  /** Everything, in a buffer of just that size; afterwards nothing is left here. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#buffer.transfer(this.length));
    this.#buffer = new ArrayBuffer(0);
    this.length = 0;
    return bytes;
  }
}
