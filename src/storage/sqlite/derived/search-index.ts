/**
 * The search index as a follower of the log: what of a message is searched for in `search/`, and the labels by which its
 * recipient and its source are found.
 */
import type { Database, Statement } from "bun:sqlite";
import { fold } from "../../../core/fold.ts";
import { NATIVE } from "../../../core/source.ts";
import { type IndexedRow, type SearchTerms, SegmentWriter } from "../../../search/search.ts";
import { inIndex } from "../connection/damage.ts";
import { SOURCE_OF_MESSAGE } from "../connection/source-label.ts";
import type { Follower, IndexLimits } from "./followers.ts";

export class SearchFollower implements Follower {
  readonly name = "search";
  readonly #segments: SegmentWriter;
  readonly #rows: Statement<IndexedColumns, [number, number]>;

  constructor(db: Database, limits: IndexLimits) {
    this.#segments = new SegmentWriter(db, limits);
    this.#rows = db.query(
      `select ${INDEXED_COLUMNS} from log.messages where rowid > ? and rowid <= ? order by rowid`,
    );
  }

  step(after: number, last: number): void {
    this.#segments.add(after + 1, indexedRows(this.#rows.values(after, last) as unknown as IndexedColumns[]));
  }

  rearrange(): void {
    inIndex(() => this.#segments.merge());
  }
}

/** Of a row as `INDEXED_COLUMNS` reads it. */
export type IndexedColumns = [row: number, to: string, text: string | null, source: string];
export const INDEXED_COLUMNS = `rowid, to_msisdn, text, ${SOURCE_OF_MESSAGE}`;

/** No recipient begins like it. Every provider's message has the bare one too: the others are the native source's. */
const sourceLabel = (source = "") => `=${source}`;

/** How rows are found by their labels. */
export const TERMS = {
  recipient: (to: string): SearchTerms => ({ labels: [to] }),
  source: (source: string): SearchTerms =>
    source === NATIVE ? { without: [sourceLabel()] } : { labels: [sourceLabel(source)] },
} as const;

export function* indexedRows(rows: Iterable<IndexedColumns>): Generator<IndexedRow> {
  for (const [row, to, text, source] of rows) {
    const labels = source === NATIVE ? [to] : [to, sourceLabel(), sourceLabel(source)];
    yield { row, text: text === null ? null : fold(text), labels };
  }
}
