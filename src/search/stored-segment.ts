/**
 * Segments as they are kept in three tables of SQLite, each part with a checksum: what is read of
 * them is what was written, or `DamagedSegment` is thrown.
 */
import type { Database } from "bun:sqlite";
import { bytesChecksum } from "../lib/bytes-checksum.ts";
import { type Dictionary, joinDictionary } from "./blocks.ts";
import { DamagedSegment } from "./segment.ts";

export const SEARCH_TABLES = `
  create table segments (
    segment integer primary key, first integer not null, last integer not null, documents integer not null,
    filters blob not null, lasts blob not null
  );
  create table blocks (
    segment integer not null, block integer not null, dictionary blob not null, offsets blob not null,
    primary key (segment, block)
  );
  create table postings (
    segment integer not null, chunk integer not null, bytes blob not null,
    primary key (segment, chunk)
  );
`;

/** What a segment holds never changes; in segments of an earlier version there are none. */
export const SEARCH_CHECKSUMS = `
  alter table segments add column checksum integer;
  alter table segments add column lasts_checksum integer;
  alter table blocks add column checksum integer;
  alter table postings add column checksum integer;
`;

/** Which rows a segment covers, and how many of them there were. */
export interface SegmentRange {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
  readonly documents: number;
}

export type StoredBlock = Dictionary & { readonly checksum: number | null };

export function blocksOf(db: Database, segment: number): StoredBlock[] {
  const sql = "select dictionary, offsets, checksum from blocks where segment = ? order by block";
  return db.query<StoredBlock, [number]>(sql).all(segment);
}

/** A segment's whole dictionary; throws `DamagedSegment`. */
export function soundDictionary(db: Database, segment: number): Dictionary {
  const blocks = blocksOf(db, segment);
  for (const block of blocks) sound(block.checksum, () => blockChecksum(block), `the segment ${segment}`);
  return joinDictionary(blocks);
}

export interface StoredChunk {
  readonly bytes: Uint8Array;
  readonly checksum: number | null;
}

export const CHUNK = "select bytes, checksum from postings where segment = ? and chunk = ?";

export function soundChunk({ bytes, checksum }: StoredChunk, segment: number, chunk: number): Uint8Array {
  sound(checksum, () => bytesChecksum(bytes), `the chunk ${chunk} of the segment ${segment}`);
  return bytes;
}

export function blockChecksum({ dictionary, offsets }: Dictionary): number {
  return bytesChecksum(dictionary, offsets);
}

export type FilteredSegment = SegmentRange & { readonly filters: Uint8Array };

export function segmentChecksum({ filters, segment, first, last, documents }: FilteredSegment): number {
  return bytesChecksum(Buffer.from([segment, first, last, documents].join()), filters);
}

/** A part of a version before checksums has none, and counts as sound. */
export function sound(stored: number | null, computed: () => number, what: string): void {
  if (stored !== null && stored !== computed()) throw new DamagedSegment(`${what} has another checksum`);
}

export function missing(what: string): never {
  throw new DamagedSegment(`${what} is missing`);
}
