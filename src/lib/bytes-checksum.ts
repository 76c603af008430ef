/**
 * CRC-32: tells bytes that a disk has changed from those that were written. No protection against
 * anybody.
 */

/** Of all streams, one after the other; signed, so that SQLite stores four bytes. */
export function bytesChecksum(...streams: readonly (Uint8Array | string)[]): number {
  let checksum = 0;
  for (const bytes of streams) checksum = Bun.hash.crc32(bytes, checksum);
  return checksum | 0;
}
