/**
 * A segment's dictionary in blocks of some kilobytes, each with a filter of the three-byte
 * sequences in its terms: a search reads only blocks whose filter has every such sequence of what
 * is searched, which for a rare word are few.
 */
import { bytesOf, type SegmentBytes, wordsOf } from "./segment.ts";

export type Dictionary = Pick<SegmentBytes, "dictionary" | "offsets">;

/** A block ends with the term that reaches this size. */
const BLOCK_BYTES = 16_384;
/** With some thousand different sequences in a block, about one bit in five is set. */
const FILTER_BITS_LOG2 = 15;
const FILTER_BYTES = 2 ** FILTER_BITS_LOG2 / 8;
const GRAM_BYTES = 3;

/**
 * Cuts a dictionary; each block is one of its own, but that its lists lie in the whole segment's
 * postings.
 */
export function cutDictionary({ dictionary, offsets }: Dictionary): {
  blocks: Dictionary[];
  filters: Uint8Array;
} {
  const words = wordsOf(offsets);
  const terms = words.length / 2 - 1;
  const starts = words.subarray(0, terms + 1);
  const lists = words.subarray(terms + 1);
  const blocks: Dictionary[] = [];
  for (let first = 0; first < terms; ) {
    const base = (starts[first] as number) - 1;
    let end = first + 1;
    while (end < terms && (starts[end] as number) - base < BLOCK_BYTES) end++;
    const own = new Uint32Array(2 * (end - first + 1));
    for (let term = first; term <= end; term++) {
      own[term - first] = (starts[term] as number) - base;
      own[end - first + 1 + term - first] = lists[term] as number;
    }
    blocks.push({ dictionary: dictionary.subarray(base, starts[end]), offsets: bytesOf(own) });
    first = end;
  }
  const filters = new Uint8Array(blocks.length * FILTER_BYTES);
  for (const [index, block] of blocks.entries()) {
    fill(filters.subarray(index * FILTER_BYTES, (index + 1) * FILTER_BYTES), block.dictionary);
  }
  return { blocks, filters };
}

/** The dictionary that was cut into these blocks. */
export function joinDictionary(blocks: readonly Dictionary[]): Dictionary {
  const words = blocks.map(({ offsets }) => wordsOf(offsets));
  const terms = words.reduce((sum, { length }) => sum + length / 2 - 1, 0);
  const joined = new Uint32Array(2 * (terms + 1));
  const dictionary = Buffer.alloc(blocks.reduce((sum, block) => sum + block.dictionary.length - 1, 1));
  let at = 0;
  let term = 0;
  for (const [index, block] of blocks.entries()) {
    const own = words[index] as Uint32Array;
    const size = own.length / 2 - 1;
    // The zero byte between two blocks is the last one of the first and the first one of the
    // second.
    dictionary.set(block.dictionary, at);
    for (let each = 0; each <= size; each++) {
      joined[term + each] = at + (own[each] as number);
      joined[terms + 1 + term + each] = own[size + 1 + each] as number;
    }
    at += block.dictionary.length - 1;
    term += size;
  }
  if (terms === 0) joined[0] = 1;
  return { dictionary, offsets: bytesOf(joined) };
}

/** Numbers of the blocks that may have a term that contains the needle, ascending. */
export function blocksThatMayHold(filters: Uint8Array, needle: Uint8Array): number[] {
  const bits: number[] = [];
  for (let at = 0; at + GRAM_BYTES <= needle.length; at++) bits.push(bitOf(needle, at));
  const found: number[] = [];
  for (let block = 0; block * FILTER_BYTES < filters.length; block++) {
    const start = block * FILTER_BYTES;
    if (bits.every((bit) => (((filters[start + (bit >>> 3)] as number) >>> (bit & 7)) & 1) === 1))
      found.push(block);
  }
  return found;
}

function fill(filter: Uint8Array, dictionary: Uint8Array): void {
  for (let at = 0; at + GRAM_BYTES <= dictionary.length; at++) {
    const bit = bitOf(dictionary, at);
    filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7));
  }
}

function bitOf(bytes: Uint8Array, at: number): number {
  const gram = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return Math.imul(gram, 0x9e3779b1) >>> (32 - FILTER_BITS_LOG2);
}
