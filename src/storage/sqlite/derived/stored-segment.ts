/**
 * The search index's segments as the index file keeps them, each part with a checksum: what is read of them is what was
 * written, or `Damaged` is thrown.
 */
import type { Database } from "bun:sqlite";
import { type Dictionary, joinDictionary } from "../../../search/blocks.ts";
import { Damaged } from "../connection/damage.ts";
import { bytesChecksum, isSound } from "../connection/row-checksum.ts";

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

export interface SegmentRow {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
  readonly documents: number;
}

/** A segment's whole dictionary as it is stored, for a check. */
export function storedDictionary(db: Database, segment: number): Dictionary {
  return joinDictionary(blocksOf(db, segment));
}

/** The same for a merge; throws `Damaged`. */
export function soundDictionary(db: Database, segment: number): Dictionary {
  const blocks = blocksOf(db, segment);
  for (const block of blocks) sound(block.checksum, () => blockChecksum(block), `the segment ${segment}`);
  return joinDictionary(blocks);
}

export type StoredBlock = Dictionary & { readonly checksum: number | null };

function blocksOf(db: Database, segment: number): StoredBlock[] {
  const sql = "select dictionary, offsets, checksum from blocks where segment = ? order by block";
  return db.query<StoredBlock, [number]>(sql).all(segment);
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

export function segmentChecksum({ filters, segment, first, last, documents }: FilteredSegment): number {
  return bytesChecksum(Buffer.from([segment, first, last, documents].join()), filters);
}

export type FilteredSegment = SegmentRow & { readonly filters: Uint8Array };

export function sound(stored: number | null, computed: () => number, what: string): void {
  if (!isSound(stored, computed)) throw new Damaged("index", `${what} has another checksum`);
}

export function missing(what: string): never {
  throw new Damaged("index", `${what} is missing`);
}
