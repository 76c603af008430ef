/**
 * The whole of what others may import of the search package. It knows rows with a number, a text
 * and labels, and nothing of messages, logs or engines; see README.md beside it.
 */
export { PIECES_VERSION } from "./pieces.ts";
export { DamagedSegment } from "./segment.ts";
export type { IndexedRow } from "./segment-builder.ts";
export { type Comparison, compareSegment, segmentsHolding } from "./segment-check.ts";
export {
  type FoundMatches,
  type Matches,
  type RowRange,
  type SearchTerms,
  SegmentReader,
} from "./segment-reader.ts";
export { SegmentWriter } from "./segment-writer.ts";
export { SEARCH_CHECKSUMS, SEARCH_TABLES } from "./stored-segment.ts";
