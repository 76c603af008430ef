/**
 * Several neighbouring segments become one, the very one that their rows would have made together.
 * Postings are read and written from start to end, a chunk at a time, so that a merge takes the
 * memory of the dictionaries alone.
 */
import { firstVarint, varintSize, writeVarint } from "./bits.ts";
import { bytesOf, DamagedSegment, type SegmentBytes, SegmentIndex, wordsOf } from "./segment.ts";

/** Bytes of postings that are kept together. */
export const CHUNK_BYTES = 65_536;
const VARINT_BYTES_MAX = 5;

/** A segment whose postings come in chunks of `CHUNK_BYTES`, the last one shorter. */
export interface SegmentSource extends Omit<SegmentBytes, "postings"> {
  readonly postings: Iterator<Uint8Array>;
}

interface Part {
  readonly index: SegmentIndex;
  readonly lists: ListReader;
  readonly lasts: Uint32Array;
  /** What a document's number grows by. */
  readonly shift: number;
  term: number;
  /** The bytes of the present term; undefined after the last one. */
  text: string | undefined;
}

/**
 * Merges segments given in the order of their rows; `emit` gets the postings' chunks. Lists are
 * copied as they are, but for the distance to their first number. Throws `DamagedSegment` where
 * parts of one can't belong together.
 */
export function mergeSegments(
  segments: readonly SegmentSource[],
  emit: (chunk: Uint8Array) => void,
): Omit<SegmentBytes, "postings"> {
  const [head] = segments as [SegmentSource];
  const parts = segments.map((segment): Part => {
    const index = new SegmentIndex(segment);
    const lasts = wordsOf(segment.lasts);
    if (index.size !== lasts.length) throw new DamagedSegment("a segment's dictionary lacks a block");
    return {
      index,
      lists: new ListReader(segment.postings),
      lasts,
      shift: segment.first - head.first,
      term: 0,
      text: index.size > 0 ? index.bytesOf(0) : undefined,
    };
  });
  const sum = (size: (segment: SegmentSource) => number) =>
    segments.reduce((total, segment) => total + size(segment), 0);
  const termsMax = sum(({ lasts }) => lasts.length / 4);
  const dictionary = Buffer.alloc(sum(({ dictionary }) => dictionary.length));
  const starts = new Uint32Array(termsMax + 1);
  const lists = new Uint32Array(termsMax + 1);
  const lasts = new Uint32Array(termsMax);
  const postings = new ListWriter(emit);
  let terms = 0;
  let at = 1;
  for (let text = least(parts); text !== undefined; text = least(parts)) {
    starts[terms] = at;
    lists[terms] = postings.size;
    at += dictionary.write(text, at, "latin1") + 1;
    let previous = 0;
    for (const part of parts) {
      if (part.text !== text) continue;
      const { index, term, shift } = part;
      const { start, end } = index.postingRange(term);
      part.lists.seek(start, end);
      postings.append(part.lists, shift - previous);
      previous = (part.lasts[term] as number) + shift;
      part.term++;
      part.text = part.term < index.size ? index.bytesOf(part.term) : undefined;
    }
    lasts[terms++] = previous;
  }
  starts[terms] = at;
  lists[terms] = postings.size;
  postings.flush();
  const offsets = new Uint32Array(2 * (terms + 1));
  offsets.set(starts.subarray(0, terms + 1));
  offsets.set(lists.subarray(0, terms + 1), terms + 1);
  return {
    first: head.first,
    last: (segments.at(-1) as SegmentSource).last,
    documents: sum(({ documents }) => documents),
    dictionary: dictionary.subarray(0, at),
    offsets: bytesOf(offsets),
    lasts: bytesOf(lasts.slice(0, terms)),
  };
}

function least(parts: readonly Part[]): string | undefined {
  let found: string | undefined;
  for (const { text } of parts) if (text !== undefined && (found === undefined || text < found)) found = text;
  return found;
}

/** Postings from start to end: the present list is `from` to `to` of `bytes`. */
class ListReader {
  bytes: Uint8Array = new Uint8Array(0);
  from = 0;
  to = 0;
  readonly #chunks: Iterator<Uint8Array>;
  /** Where `bytes` starts in the postings. */
  #base = 0;

  constructor(chunks: Iterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** Goes on to a list; they are asked for in their order. */
  seek(start: number, end: number): void {
    while (end > this.#base + this.bytes.length) {
      const kept = this.bytes.subarray(Math.min(start - this.#base, this.bytes.length));
      this.#base += this.bytes.length - kept.length;
      const { value } = this.#chunks.next();
      if (value === undefined) throw new DamagedSegment("a segment's postings end too early");
      this.bytes = kept.length === 0 ? value : Buffer.concat([kept, value]);
    }
    this.from = start - this.#base;
    this.to = end - this.#base;
  }
}

class ListWriter {
  readonly #emit: (chunk: Uint8Array) => void;
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;
  #emitted = 0;

  constructor(emit: (chunk: Uint8Array) => void) {
    this.#emit = emit;
  }

  get size(): number {
    return this.#emitted + this.#used;
  }

  /** Appends the reader's list, its first number changed by `change`. */
  append({ bytes, from, to }: ListReader, change: number): void {
    const first = firstVarint(bytes, from);
    const rest = from + varintSize(first);
    if (this.#used + VARINT_BYTES_MAX + to - rest <= CHUNK_BYTES) {
      this.#used = copy(bytes, rest, to, this.#chunk, writeVarint(this.#chunk, this.#used, first + change));
      return;
    }
    const number = new Uint8Array(VARINT_BYTES_MAX);
    this.#write(number, 0, writeVarint(number, 0, first + change));
    this.#write(bytes, rest, to);
  }

  /** Emits what is left. */
  flush(): void {
    if (this.#used > 0) this.#emit(this.#chunk.subarray(0, this.#used));
  }

  #write(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const end = Math.min(to, at + CHUNK_BYTES - this.#used);
      this.#used = copy(bytes, at, end, this.#chunk, this.#used);
      at = end;
      if (this.#used < CHUNK_BYTES) continue;
      this.#emit(this.#chunk);
      this.#emitted += CHUNK_BYTES;
      this.#used = 0;
    }
  }
}

/** Most lists are short: a loop beats a call. Returns where the copy ends. */
function copy(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  if (to - from >= 32) {
    target.set(source.subarray(from, to), at);
    return at + to - from;
  }
  let end = at;
  for (let next = from; next < to; next++) target[end++] = source[next] as number;
  return end;
}
