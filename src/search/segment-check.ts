/**
 * Makes a stored segment once more from its rows and compares it byte by byte. It changes nothing.
 */
import type { Database } from "bun:sqlite";
import { cutDictionary, type Dictionary, joinDictionary } from "./blocks.ts";
import { CHUNK_BYTES, mergeSegments, type SegmentSource } from "./merge.ts";
import { type IndexedRow, SegmentBuilder } from "./segment-builder.ts";
import { blocksOf, type SegmentRange } from "./stored-segment.ts";

/** Segments that cover a row's number, of which there should be one. */
export function segmentsHolding(db: Database, row: number): SegmentRange[] {
  const sql = "select segment, first, last, documents from segments where first <= ?1 and last >= ?1";
  return db.query<SegmentRange, [number]>(`${sql} order by first`).all(row);
}

const STREAMS = ["dictionary", "offsets", "filters", "lasts"] as const;

export interface Comparison {
  /** Rows that there are. */
  readonly documents: number;
  /** What is stored of the segment and isn't what they make; everything when there are none. */
  readonly different: readonly ("postings" | (typeof STREAMS)[number])[];
}

/**
 * Compares a segment with the rows that `rowsOf` gives, so many at a time; yields how many after
 * each time. The caller sees to it that the segment stays while this lasts.
 */
export function* compareSegment(
  db: Database,
  { segment, first, last }: SegmentRange,
  rowsOf: (first: number, last: number) => Iterable<IndexedRow>,
  sliceRows: number,
): Generator<number, Comparison> {
  const parts: SegmentSource[] = [];
  for (let start = first; start <= last; start += sliceRows) {
    const builder = new SegmentBuilder(start);
    for (const row of rowsOf(start, Math.min(last, start + sliceRows - 1))) builder.add(row);
    const { postings, ...part } = builder.build();
    if (part.documents > 0) parts.push({ ...part, postings: chunksOf(postings) });
    yield part.documents;
  }
  if (parts.length === 0) return { documents: 0, different: ["postings", ...STREAMS] };
  const stored = storedChunks(db, segment);
  let same = true;
  const made = mergeSegments(parts, (chunk) => {
    const next = stored.next();
    same &&= next.done !== true && equal(chunk, next.value);
  });
  if (stored.next().done !== true) same = false;
  const expected = { ...made, filters: cutDictionary(made).filters };
  const found = { ...storedDictionary(db, segment), ...storedStreams(db, segment) };
  const different = STREAMS.filter((stream) => !equal(expected[stream], found[stream]));
  return { documents: made.documents, different: same ? different : ["postings", ...different] };
}

/** Nothing when it is damaged beyond reading. */
function storedDictionary(db: Database, segment: number): Partial<Dictionary> {
  try {
    return joinDictionary(blocksOf(db, segment));
  } catch {
    return {};
  }
}

function storedStreams(db: Database, segment: number): { filters?: unknown; lasts?: unknown } {
  return (
    db.query<object, [number]>("select filters, lasts from segments where segment = ?").get(segment) ?? {}
  );
}

function* storedChunks(db: Database, segment: number): Generator<unknown, undefined> {
  const sql = "select bytes from postings where segment = ? and chunk = ?";
  const query = db.query<{ bytes: unknown }, [number, number]>(sql);
  for (let chunk = 0; ; chunk++) {
    const found = query.get(segment, chunk);
    if (found === null) return;
    yield found.bytes;
  }
}

/** A damaged file may hold anything, also what is no bytes. */
function equal(made: Uint8Array, stored: unknown): boolean {
  return stored instanceof Uint8Array && Buffer.compare(made, stored) === 0;
}

function* chunksOf(postings: Uint8Array): Generator<Uint8Array, undefined> {
  for (let start = 0; start < postings.length; start += CHUNK_BYTES)
    yield postings.subarray(start, start + CHUNK_BYTES);
}
