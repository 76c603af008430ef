/**
 * Sets of documents as bits, and lists of documents as bytes: ascending numbers, each as its
 * distance to the last.
 */

/** Sets the bit of every document of a list. */
export function markDocuments(list: Uint8Array, bits: Uint32Array): void {
  let document = 0;
  const end = list.length;
  for (let at = 0; at < end; ) {
    let byte = list[at++] as number;
    let delta = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = list[at++] as number;
      delta |= (byte & 0x7f) << shift;
    }
    document += delta;
    bits[document >>> 5] = (bits[document >>> 5] as number) | (1 << (document & 31));
  }
}

export function countBits(bits: Uint32Array): number {
  let count = 0;
  for (let index = 0; index < bits.length; index++) {
    let word = bits[index] as number;
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/** Leaves in `bits` what is in both. */
export function andBits(bits: Uint32Array, others: Uint32Array): void {
  for (let index = 0; index < bits.length; index++) {
    bits[index] = (bits[index] as number) & (others[index] as number);
  }
}

/** Sets in `target` those of the bits from one number up to another. */
export function copyBits(bits: Uint32Array, from: number, to: number, target: Uint32Array): void {
  const [first, last] = [from >>> 5, to >>> 5];
  for (let index = first; index <= last; index++) {
    let word = bits[index] as number;
    if (index === first) word &= -1 << (from & 31);
    if (index === last) word &= -1 >>> (31 - (to & 31));
    target[index] = (target[index] as number) | word;
  }
}

/** What is not in `bits`, of so many documents. */
export function complement(bits: Uint32Array, documents: number): Uint32Array<ArrayBuffer> {
  const others = Uint32Array.from(bits, (word) => ~word);
  const beyond = documents & 31;
  if (beyond !== 0) others[documents >> 5] = (others[documents >> 5] as number) & ((1 << beyond) - 1);
  return others;
}

/** Bytes that a number below 2^32 takes. */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Writes a number below 2^32 and returns where it ends. */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let left = value;
  for (; left >= 0x80; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80;
  bytes[at++] = left;
  return at;
}

/** The first number of a list. */
export function firstVarint(list: Uint8Array, start: number): number {
  let value = 0;
  let shift = 0;
  let at = start;
  for (; (list[at] as number) >= 0x80; shift += 7) value |= ((list[at++] as number) & 0x7f) << shift;
  return (value | ((list[at] as number) << shift)) >>> 0;
}
