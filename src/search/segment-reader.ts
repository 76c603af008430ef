/**
 * Finds rows by what their text contains and by their labels. It reads the blocks of dictionaries
 * and the chunks of postings that a search needs, and never a text: of a phrase it tells
 * candidates.
 */
import type { Database } from "bun:sqlite";
import { andBits, complement, copyBits, countBits, markDocuments } from "./bits.ts";
import { blocksThatMayHold } from "./blocks.ts";
import { CHUNK_BYTES } from "./merge.ts";
import { plan } from "./pieces.ts";
import { labelBytes, type PostingRange, SegmentIndex } from "./segment.ts";
import {
  blockChecksum,
  CHUNK,
  type FilteredSegment,
  missing,
  type SegmentRange,
  type StoredBlock,
  type StoredChunk,
  segmentChecksum,
  sound,
  soundChunk,
} from "./stored-segment.ts";

/** Rows that match. */
export interface Matches {
  /** Whether each of them matches, or only may and has to be looked at. */
  readonly exact: boolean;
  readonly count: number;
  has(row: number): boolean;
  /** Ascending. */
  rows(): Iterable<number>;
}

/** Rows from `first` up to `last`. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
}

/** Matches as a search gives them. */
export interface FoundMatches extends Matches {
  /** Those within the ranges of rows, of which none overlap. */
  within(ranges: readonly RowRange[]): FoundMatches;
}

/** All of it together. */
export interface SearchTerms {
  /**
   * What the text contains, folded as the rows' texts are; every row's text contains the empty one.
   */
  readonly text?: string;
  /** Labels that the row has. */
  readonly labels?: readonly string[];
  /** Labels that it lacks. A number that no row has lacks them all. */
  readonly without?: readonly string[];
}

interface Marked {
  readonly first: number;
  readonly last: number;
  readonly bits: Uint32Array;
}

/**
 * Blocks of dictionaries that a reader has used stay in memory, up to so many bytes, and the
 * filters of all.
 */
const CACHE_BYTES = 8 * 1024 * 1024;

export class SegmentReader {
  readonly #db: Database;
  /** By segment and block, neither of which ever changes. The least recently used comes first. */
  readonly #blocks = new Map<string, { index: SegmentIndex; bytes: number }>();
  #cached = 0;
  #filters = new Map<number, Uint8Array>();
  #bytesRead = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Since it was made, from the file; most of it is garbage when the search is over. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Keeps nothing in memory; what the next search needs is read again. */
  forget(): void {
    this.#blocks.clear();
    this.#cached = 0;
    this.#filters.clear();
  }

  /** Rows that match all terms. `checkTime` is called between segments. Throws `DamagedSegment`. */
  find({ text, labels = [], without = [] }: SearchTerms, checkTime: () => void): FoundMatches {
    const { needles, exact } = text === undefined ? { needles: [], exact: true } : plan(text);
    const marked: Marked[] = [];
    const segments = this.#db.query<SegmentRange, []>(
      "select segment, first, last, documents from segments order by first",
    );
    const all = segments.all();
    this.#filters = new Map(all.map(({ segment }) => [segment, this.#filtersOf(segment)]));
    for (const segment of all) {
      checkTime();
      const bits = this.#mark(segment, needles, labels, without);
      if (bits !== undefined) marked.push({ first: segment.first, last: segment.last, bits });
    }
    return new MarkedRows(marked, exact);
  }

  /** Undefined when nothing in the segment matches. */
  #mark(
    { segment, first, last }: SegmentRange,
    needles: readonly string[],
    labels: readonly string[],
    without: readonly string[],
  ): Uint32Array | undefined {
    const lists = [
      ...needles.map((needle) => this.#listsContaining(segment, needle)),
      ...labels.map((label) => this.#listsOf(segment, label)),
    ];
    if (lists.some((ranges) => ranges.length === 0)) return undefined;
    const chunks = new Chunks(this.#db, segment, (bytes) => {
      this.#bytesRead += bytes;
    });
    const numbers = last - first + 1;
    const marksOf = (ranges: readonly PostingRange[]) => {
      const marks = new Uint32Array(Math.ceil(numbers / 32));
      for (const { start, end } of ranges) markDocuments(chunks.read(start, end), marks);
      return marks;
    };
    const lacking = (label: string) => complement(marksOf(this.#listsOf(segment, label)), numbers);
    const marked = [...lists.map(marksOf), ...without.map(lacking)];
    const bits = marked.shift() ?? complement(marksOf([]), numbers);
    for (const marks of marked) andBits(bits, marks);
    return bits;
  }

  /** Where the lists of all terms are that contain the needle. */
  #listsContaining(segment: number, needle: string): PostingRange[] {
    const ranges: PostingRange[] = [];
    for (const block of blocksThatMayHold(this.#filtersOf(segment), Buffer.from(needle))) {
      const index = this.#block(segment, block);
      for (const term of index.termsContaining(needle)) ranges.push(index.postingRange(term));
    }
    return ranges;
  }

  #listsOf(segment: number, label: string): PostingRange[] {
    for (const block of blocksThatMayHold(this.#filtersOf(segment), labelBytes(label))) {
      const index = this.#block(segment, block);
      const term = index.termOf(label);
      if (term !== undefined) return [index.postingRange(term)];
    }
    return [];
  }

  #filtersOf(segment: number): Uint8Array {
    const cached = this.#filters.get(segment);
    if (cached !== undefined) return cached;
    const sql = "select segment, first, last, documents, filters, checksum from segments where segment = ?";
    const query = this.#db.query<FilteredSegment & { checksum: number | null }, [number]>(sql);
    const stored = query.get(segment) ?? missing(`the segment ${segment}`);
    sound(stored.checksum, () => segmentChecksum(stored), `the segment ${segment}`);
    return stored.filters;
  }

  #block(segment: number, block: number): SegmentIndex {
    const key = `${segment}/${block}`;
    const cached = this.#blocks.get(key);
    if (cached !== undefined) {
      this.#blocks.delete(key);
      this.#blocks.set(key, cached);
      return cached.index;
    }
    const sql = "select dictionary, offsets, checksum from blocks where segment = ? and block = ?";
    const what = `the block ${block} of the segment ${segment}`;
    const streams = this.#db.query<StoredBlock, [number, number]>(sql).get(segment, block) ?? missing(what);
    sound(streams.checksum, () => blockChecksum(streams), what);
    const index = new SegmentIndex(streams);
    const bytes = streams.dictionary.length + streams.offsets.length;
    this.#blocks.set(key, { index, bytes });
    this.#cached += bytes;
    this.#bytesRead += bytes;
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#cached <= CACHE_BYTES) break;
      this.#blocks.delete(oldest);
      this.#cached -= bytes;
    }
    return index;
  }
}

/** The postings of one segment: chunks that were read stay for the next term. */
class Chunks {
  readonly #db: Database;
  readonly #segment: number;
  readonly #onRead: (bytes: number) => void;
  readonly #chunks = new Map<number, Uint8Array>();

  constructor(db: Database, segment: number, onRead: (bytes: number) => void) {
    this.#db = db;
    this.#segment = segment;
    this.#onRead = onRead;
  }

  read(start: number, end: number): Uint8Array {
    const first = Math.floor(start / CHUNK_BYTES);
    const last = Math.floor((end - 1) / CHUNK_BYTES);
    const base = first * CHUNK_BYTES;
    if (first === last) return this.#chunk(first).subarray(start - base, end - base);
    const chunks = Array.from({ length: last - first + 1 }, (_, index) => this.#chunk(first + index));
    return Buffer.concat(chunks).subarray(start - base, end - base);
  }

  #chunk(chunk: number): Uint8Array {
    let bytes = this.#chunks.get(chunk);
    if (bytes === undefined) {
      const stored = this.#db.query<StoredChunk, [number, number]>(CHUNK).get(this.#segment, chunk);
      const what = `the chunk ${chunk} of the segment ${this.#segment}`;
      bytes = soundChunk(stored ?? missing(what), this.#segment, chunk);
      this.#onRead(bytes.length);
      this.#chunks.set(chunk, bytes);
    }
    return bytes;
  }
}

class MarkedRows implements FoundMatches {
  readonly exact: boolean;
  readonly count: number;
  /** In the order of rows. */
  readonly #marked: readonly Marked[];
  #at: Marked | undefined;

  constructor(marked: readonly Marked[], exact: boolean) {
    this.#marked = marked;
    this.count = marked.reduce((sum, { bits }) => sum + countBits(bits), 0);
    this.exact = exact;
  }

  within(ranges: readonly RowRange[]): MarkedRows {
    const marked = this.#marked.flatMap(({ first, last, bits }) => {
      const own = ranges.filter((range) => range.first <= last && range.last >= first);
      if (own.length === 0) return [];
      const kept = new Uint32Array(bits.length);
      for (const range of own)
        copyBits(bits, Math.max(0, range.first - first), Math.min(last, range.last) - first, kept);
      return [{ first, last, bits: kept }];
    });
    return new MarkedRows(marked, this.exact);
  }

  has(row: number): boolean {
    if (this.#at === undefined || row < this.#at.first || row > this.#at.last) {
      this.#at = this.#marked.find(({ first, last }) => row >= first && row <= last);
      if (this.#at === undefined) return false;
    }
    const document = row - this.#at.first;
    return (((this.#at.bits[document >> 5] ?? 0) >>> (document & 31)) & 1) === 1;
  }

  *rows(): Generator<number> {
    for (const { first, bits } of this.#marked) {
      for (let word = 0; word < bits.length; word++) {
        for (let left = bits[word] ?? 0; left !== 0; left &= left - 1) {
          yield first + word * 32 + (31 - Math.clz32(left & -left));
        }
      }
    }
  }
}
