/**
 * Frees what large bytes take at once, not when garbage is collected: the collector sees a buffer
 * as a small object, and hundreds of mebibytes of them may wait for it. Nobody may use the bytes
 * afterwards.
 */
export function freeBytes({ buffer, byteLength }: ArrayBufferView): void {
  // Others may use the rest of a buffer of which this is a part.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
