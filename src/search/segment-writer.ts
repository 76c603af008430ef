/**
 * Makes segments of rows and merges them by tiers, so that every row is written a few times and a
 * search looks into few segments. What is stored of a segment never changes. It opens no
 * transaction: whoever calls it decides what else belongs to the same one.
 */
import type { Database, Statement } from "bun:sqlite";
import { bytesChecksum } from "../lib/bytes-checksum.ts";
import { cutDictionary } from "./blocks.ts";
import { CHUNK_BYTES, mergeSegments, type SegmentSource } from "./merge.ts";
import type { SegmentBytes } from "./segment.ts";
import { type IndexedRow, SegmentBuilder } from "./segment-builder.ts";
import {
  blockChecksum,
  CHUNK,
  missing,
  type SegmentRange,
  type StoredChunk,
  segmentChecksum,
  sound,
  soundChunk,
  soundDictionary,
} from "./stored-segment.ts";

/** So many segments of one tier become one of the next. */
const FANOUT = 16;

interface SegmentLimits {
  /** Rows of the smallest segment that counts as a tier of its own. */
  readonly segmentRows: number;
  /** Rows beyond which segments are not merged any more. */
  readonly segmentRowsMax: number;
}

type SegmentParts = Omit<SegmentBytes, "postings">;

export class SegmentWriter {
  readonly #db: Database;
  readonly #limits: SegmentLimits;
  readonly #nextSegment: Statement<{ segment: number }, []>;
  readonly #addSegment: Statement;
  readonly #addBlock: Statement;
  readonly #addChunk: Statement;
  readonly #segments: Statement<SegmentRange, []>;
  readonly #chunk: Statement<StoredChunk, [number, number]>;

  constructor(db: Database, limits: SegmentLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#nextSegment = db.query("select coalesce(max(segment), 0) + 1 as segment from segments");
    this.#addSegment = db.query("insert into segments values (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#addBlock = db.query("insert into blocks values (?, ?, ?, ?, ?)");
    this.#addChunk = db.query("insert into postings values (?, ?, ?, ?)");
    this.#segments = db.query("select segment, first, last, documents from segments order by first desc");
    this.#chunk = db.query(CHUNK);
  }

  /**
   * Makes one segment of the rows, given in ascending order; it covers the numbers from `first` on.
   */
  add(first: number, rows: Iterable<IndexedRow>): void {
    const builder = new SegmentBuilder(first);
    for (const row of rows) builder.add(row);
    const { postings, ...built } = builder.build();
    const segment = this.#next();
    for (let start = 0; start < postings.length; start += CHUNK_BYTES) {
      this.#keepChunk(segment, start / CHUNK_BYTES, postings.subarray(start, start + CHUNK_BYTES));
    }
    this.#add(segment, built);
  }

  /**
   * Merges while enough segments are there; searches find the same before and after. Throws
   * `DamagedSegment`.
   */
  merge(): void {
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

  /**
   * The latest segments, oldest first, if enough of them are no larger than the tier of the very
   * latest.
   */
  #mergeable(): readonly SegmentRange[] {
    const segments = this.#segments.all();
    const tier = this.#tier(segments[0]?.documents ?? 0);
    let count = 0;
    while (count < segments.length && this.#tier((segments[count] as SegmentRange).documents) <= tier)
      count++;
    if (count < FANOUT) return [];
    const group: SegmentRange[] = [];
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

  #merge(group: readonly SegmentRange[]): void {
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

  #source({ segment, first, last, documents }: SegmentRange): SegmentSource {
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
