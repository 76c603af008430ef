/**
 * The search index: which messages hold a string in their text, went to a recipient, or came from a source. It is made of segments, each
 * over neighbouring rows of the log; small ones are merged into larger ones, so that every row is written a few times
 * and a search looks into few segments. A segment never changes.
 */
import type { Database, Statement } from "bun:sqlite";
import { fold } from "../../../core/fold.ts";
import { NATIVE } from "../../../core/source.ts";
import { andBits, complement, copyBits, countBits, markDocuments } from "../../../search/bits.ts";
import { blocksThatMayHold, cutDictionary } from "../../../search/blocks.ts";
import { CHUNK_BYTES, mergeSegments, type SegmentSource } from "../../../search/merge.ts";
import { plan } from "../../../search/pieces.ts";
import { labelBytes, type PostingRange, type SegmentBytes, SegmentIndex } from "../../../search/segment.ts";
import { SegmentBuilder } from "../../../search/segment-builder.ts";
import { bytesChecksum } from "../connection/row-checksum.ts";
import { SOURCE_OF_MESSAGE } from "../connection/source-label.ts";
import type { Follower, IndexLimits } from "./followers.ts";
import { STEP_ROWS } from "./step-rows.ts";
import {
  blockChecksum,
  CHUNK,
  type FilteredSegment,
  missing,
  type SegmentRow,
  type StoredBlock,
  type StoredChunk,
  segmentChecksum,
  sound,
  soundChunk,
  soundDictionary,
} from "./stored-segment.ts";
import type { RowRange } from "./stretches.ts";

/** So many segments of one tier become one of the next. */
const FANOUT = 16;
/** Texts of so many messages are in memory at once. */
const SLICE_ROWS = 2048;

export class SearchFollower implements Follower {
  readonly name = "search";
  readonly #db: Database;
  readonly #limits: IndexLimits;
  readonly #nextSegment: Statement<{ segment: number }, []>;
  readonly #addSegment: Statement;
  readonly #addBlock: Statement;
  readonly #addChunk: Statement;
  readonly #segments: Statement<SegmentRow, []>;
  readonly #rows: Statement<IndexedColumns, [number, number]>;
  readonly #chunk: Statement<StoredChunk, [number, number]>;

  constructor(db: Database, limits: IndexLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#nextSegment = db.query("select coalesce(max(segment), 0) + 1 as segment from segments");
    this.#addSegment = db.query("insert into segments values (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#addBlock = db.query("insert into blocks values (?, ?, ?, ?, ?)");
    this.#addChunk = db.query("insert into postings values (?, ?, ?, ?)");
    this.#segments = db.query("select segment, first, last, documents from segments order by first desc");
    this.#rows = db.query(
      `select row, recipient, text, source from ${STEP_ROWS} where row > ? and row <= ? order by row`,
    );
    this.#chunk = db.query(CHUNK);
  }

  step(after: number, last: number): void {
    const builder = new SegmentBuilder(after + 1);
    for (let row = after; row < last; row += SLICE_ROWS) {
      const slice = this.#rows.values(row, Math.min(last, row + SLICE_ROWS)) as unknown as IndexedColumns[];
      for (const columns of slice) addToSegment(builder, columns);
    }
    const { postings, ...built } = builder.build();
    const segment = this.#next();
    for (let start = 0; start < postings.length; start += CHUNK_BYTES) {
      this.#keepChunk(segment, start / CHUNK_BYTES, postings.subarray(start, start + CHUNK_BYTES));
    }
    this.#add(segment, built);
  }

  rearrange(): void {
    for (let group = this.#mergeable(); group.length > 1; group = this.#mergeable()) this.#merge(group);
  }

  #next(): number {
    return (this.#nextSegment.get() as { segment: number }).segment;
  }

  #keepChunk(segment: number, chunk: number, bytes: Uint8Array): void {
    this.#addChunk.run(segment, chunk, bytes, bytesChecksum(bytes));
  }

  #add(segment: number, { first, last, documents, dictionary, offsets, lasts }: SegmentParts): void {
    const { blocks, filters } = cutDictionary({ dictionary, offsets });
    for (const [number, block] of blocks.entries())
      this.#addBlock.run(segment, number, block.dictionary, block.offsets, blockChecksum(block));
    const checksum = segmentChecksum({ segment, first, last, documents, filters });
    this.#addSegment.run(segment, first, last, documents, filters, lasts, checksum, bytesChecksum(lasts));
  }

  /** The latest segments, oldest first, if enough of them are no larger than the tier of the very latest. */
  #mergeable(): readonly SegmentRow[] {
    const segments = this.#segments.all();
    const tier = this.#tier(segments[0]?.documents ?? 0);
    let count = 0;
    while (count < segments.length && this.#tier((segments[count] as SegmentRow).documents) <= tier) count++;
    if (count < FANOUT) return [];
    const group: SegmentRow[] = [];
    let documents = 0;
    for (const segment of segments.slice(0, count).reverse()) {
      documents += segment.documents;
      if (documents > this.#limits.segmentRowsMax) break;
      group.push(segment);
    }
    return group;
  }

  #tier(documents: number): number {
    return Math.max(0, Math.ceil(Math.log2(documents / this.#limits.segmentRows) / Math.log2(FANOUT)));
  }

  #merge(group: readonly SegmentRow[]): void {
    const target = this.#next();
    let chunk = 0;
    const merged = mergeSegments(
      group.map((segment) => this.#source(segment)),
      (bytes) => this.#keepChunk(target, chunk++, bytes),
    );
    for (const { segment } of group) {
      for (const table of ["segments", "blocks", "postings"])
        this.#db.run(`delete from ${table} where segment = ?`, [segment]);
    }
    this.#add(target, merged);
  }

  #source({ segment, first, last, documents }: SegmentRow): SegmentSource {
    const sql = "select lasts, lasts_checksum as checksum from segments where segment = ?";
    const stored = this.#db.query<{ lasts: Uint8Array; checksum: number | null }, [number]>(sql).get(segment);
    const { lasts, checksum } = stored ?? missing(`the segment ${segment}`);
    sound(checksum, () => bytesChecksum(lasts), `the segment ${segment}`);
    return {
      first,
      last,
      documents,
      ...soundDictionary(this.#db, segment),
      lasts,
      postings: this.#chunks(segment),
    };
  }

  *#chunks(segment: number): Generator<Uint8Array, undefined> {
    for (let chunk = 0; ; chunk++) {
      const found = this.#chunk.get(segment, chunk);
      if (found === null) return;
      yield soundChunk(found, segment, chunk);
    }
  }
}

/** Of a row as `INDEXED_COLUMNS` reads it. */
export type IndexedColumns = [row: number, to: string, text: string | null, source: string];
export const INDEXED_COLUMNS = `rowid, to_msisdn, text, ${SOURCE_OF_MESSAGE}`;

/** No recipient begins like it. Every provider's message has the bare one too: the others are the native source's. */
const sourceLabel = (source = "") => `=${source}`;

export function addToSegment(builder: SegmentBuilder, [row, to, text, source]: IndexedColumns): void {
  const labels = source === NATIVE ? [to] : [to, sourceLabel(), sourceLabel(source)];
  builder.add(row, text === null ? null : fold(text), labels);
}

type SegmentParts = Omit<SegmentBytes, "postings">;

/** Rows that match. */
export interface Matches {
  /** Whether each of them matches, or only may and has to be looked at. */
  readonly exact: boolean;
  readonly count: number;
  has(row: number): boolean;
  rows(): Iterable<number>;
}

interface Labels {
  readonly to: string | undefined;
  readonly source: string | undefined;
}

export interface SearchTerms {
  readonly q?: string;
  readonly to?: string;
  readonly source?: string;
}

interface Marked {
  readonly first: number;
  readonly last: number;
  readonly bits: Uint32Array;
}

/** Blocks of dictionaries that a reader has used stay in memory, up to so many bytes, and the filters of all. */
const CACHE_BYTES = 8 * 1024 * 1024;

export class SearchReader {
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

  /** Rows whose text contains `q` (folded), to `to`, from `source`. `checkTime` is called between segments. */
  find({ q, to, source }: SearchTerms, checkTime: () => void): MarkedRows {
    const { needles, exact } = q === undefined ? { needles: [], exact: true } : plan(q);
    const marked: Marked[] = [];
    const segments = this.#db.query<SegmentRow, []>(
      "select segment, first, last, documents from segments order by first",
    );
    const all = segments.all();
    this.#filters = new Map(all.map(({ segment }) => [segment, this.#filtersOf(segment)]));
    for (const segment of all) {
      checkTime();
      const bits = this.#mark(segment, needles, { to, source });
      if (bits !== undefined) marked.push({ first: segment.first, last: segment.last, bits });
    }
    return new MarkedRows(marked, exact);
  }

  /** Undefined when nothing in the segment matches. */
  #mark(segment: SegmentRow, needles: readonly string[], { to, source }: Labels): Uint32Array | undefined {
    const lists = needles.map((needle) => this.#listsContaining(segment.segment, needle));
    const native = source === NATIVE;
    if (to !== undefined) lists.push(this.#listsOf(segment.segment, to));
    if (source !== undefined && !native) lists.push(this.#listsOf(segment.segment, sourceLabel(source)));
    if (lists.some((ranges) => ranges.length === 0)) return undefined;
    const chunks = new Chunks(this.#db, segment.segment, (bytes) => {
      this.#bytesRead += bytes;
    });
    const marksOf = (ranges: readonly PostingRange[]) => {
      const marks = new Uint32Array(((segment.last - segment.first) >> 5) + 1);
      for (const { start, end } of ranges) markDocuments(chunks.read(start, end), marks);
      return marks;
    };
    const marked = lists.map(marksOf);
    if (native) {
      const others = marksOf(this.#listsOf(segment.segment, sourceLabel()));
      marked.push(complement(others, segment.last - segment.first + 1));
    }
    const [bits, ...rest] = marked;
    for (const marks of rest) if (bits !== undefined) andBits(bits, marks);
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

export class MarkedRows implements Matches {
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

  /** Those within the ranges of rows, of which none overlap. */
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
