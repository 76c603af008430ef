/**
 * A segment of the search index: the pieces of some neighbouring rows' texts and their labels
 * ("terms"), sorted by their bytes, and for each term the list of the rows that have it. Segments
 * never change; see `SegmentBuilder` for how one is made, `mergeSegments` for how several become
 * one.
 */

/** A document's number is its row less the segment's first row. All streams are little-endian. */
export interface SegmentBytes {
  readonly first: number;
  readonly last: number;
  readonly documents: number;
  /**
   * Every term between zero bytes, the first and the last too. A label's first byte is 0xFF, which
   * no text has.
   */
  readonly dictionary: Uint8Array;
  /**
   * Where each term starts in the dictionary, then where each list starts in the postings, both
   * with their end.
   */
  readonly offsets: Uint8Array;
  /** The last document of each list; needed by a merge only. */
  readonly lasts: Uint8Array;
  /** The lists, one after the other. */
  readonly postings: Uint8Array;
}

const LABEL = 0xff;

/** What is stored of a segment can't be what was written. */
export class DamagedSegment extends Error {
  override readonly name = "DamagedSegment";
}

const ZERO = Buffer.of(0);

/** The term of a label. */
export function labelBytes(label: string): Buffer {
  return Buffer.concat([Buffer.of(LABEL), Buffer.from(label)]);
}

/** Where a list is in the postings. */
export interface PostingRange {
  readonly start: number;
  readonly end: number;
}

export class SegmentIndex {
  readonly #dictionary: Buffer;
  readonly #starts: Uint32Array;
  readonly #lists: Uint32Array;
  readonly size: number;

  constructor({ dictionary, offsets }: Pick<SegmentBytes, "dictionary" | "offsets">) {
    this.#dictionary = Buffer.from(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength);
    const words = wordsOf(offsets);
    this.size = words.length / 2 - 1;
    this.#starts = words.subarray(0, this.size + 1);
    this.#lists = words.subarray(this.size + 1);
  }

  /** Terms of texts that contain the needle (not empty), ascending. */
  termsContaining(needle: string): number[] {
    const terms: number[] = [];
    const bytes = Buffer.from(needle);
    // A search for one byte is a good deal faster than one for a string of one byte.
    const wanted = bytes.length === 1 ? (bytes[0] as number) : bytes;
    for (let at = this.#dictionary.indexOf(wanted); at !== -1; ) {
      const term = this.#termAt(at);
      if (this.#dictionary[this.#starts[term] as number] !== LABEL) terms.push(term);
      const next = this.#starts[term + 1] as number;
      at = next < this.#dictionary.length ? this.#dictionary.indexOf(wanted, next) : -1;
    }
    return terms;
  }

  /** The term of a label. */
  termOf(label: string): number | undefined {
    const at = this.#dictionary.indexOf(Buffer.concat([ZERO, labelBytes(label), ZERO]));
    return at === -1 ? undefined : this.#termAt(at + 1);
  }

  /** The term's bytes as Latin-1 text, whose order is the order of the bytes. */
  bytesOf(term: number): string {
    return this.#dictionary.toString("latin1", this.#starts[term], (this.#starts[term + 1] as number) - 1);
  }

  /** Where the term's list is in the postings. */
  postingRange(term: number): PostingRange {
    return { start: this.#lists[term] as number, end: this.#lists[term + 1] as number };
  }

  /** The term that holds this place of the dictionary. */
  #termAt(place: number): number {
    let low = 0;
    let high = this.size - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** 32-bit words of a stream, wherever it lies in memory. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
