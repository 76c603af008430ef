/**
 * The search index as a follower of the log: what of a message is searched for in `search/`, and
 * the labels by which its recipient, source and type are found.
 */
import type { Database, Statement } from "bun:sqlite";
import { fold } from "../../../core/fold.ts";
import { NATIVE } from "../../../core/source.ts";
import { type IndexedRow, type SearchTerms, SegmentWriter } from "../../../search/search.ts";
import { MESSAGE_COLUMNS } from "../../columns.ts";
import { inIndex } from "../connection/damage.ts";
import type { Follower, IndexLimits } from "./followers.ts";
import { STEP_ROWS } from "./step-rows.ts";

/** Texts of so many messages are in memory at once. */
const SLICE_ROWS = 2048;

export class SearchFollower implements Follower {
  readonly name = "search";
  readonly #segments: SegmentWriter;
  readonly #rows: Statement<IndexedColumns, [number, number]>;
  readonly #hasTypes: boolean;

  /** An index of the version before types goes on without them. */
  constructor(db: Database, limits: IndexLimits, hasTypes: boolean) {
    this.#segments = new SegmentWriter(db, limits);
    this.#hasTypes = hasTypes;
    this.#rows = db.query(
      `select row, recipient, text, source, type from ${STEP_ROWS} where row >= ? and row <= ? order by row`,
    );
  }

  step(after: number, last: number): void {
    this.#segments.add(after + 1, indexedRows(this.#slices(after + 1, last), this.#hasTypes));
  }

  *#slices(first: number, last: number): Generator<IndexedColumns> {
    for (let row = first; row <= last; row += SLICE_ROWS)
      yield* this.#rows.values(row, Math.min(last, row + SLICE_ROWS - 1)) as unknown as IndexedColumns[];
  }

  rearrange(): void {
    inIndex(() => this.#segments.merge());
  }
}

/** Of a row as `INDEXED_COLUMNS` reads it. */
export type IndexedColumns = [
  row: number,
  to: string,
  text: string | null,
  source: string | null,
  type: string | null,
];

/** A select of rows of the log from ?1 up to ?2, in order. */
export const INDEXED_COLUMNS = `select m.rowid, m.${MESSAGE_COLUMNS.to}, m.${MESSAGE_COLUMNS.text}, d.source, d.type
  from messages m left join details d using (seq)
  where m.rowid >= ?1 and m.rowid <= ?2 order by m.rowid`;

/**
 * Neither recipients nor each other begin like them. Every provider's message has the bare label of
 * sources too: the others are the native source's.
 */
const sourceLabel = (source = "") => `=${source}`;
const typeLabel = (type: string) => `~${type}`;

/** How rows are found by their labels. */
export const TERMS = {
  recipient: (to: string): SearchTerms => ({ labels: [to] }),
  source: (source: string): SearchTerms =>
    source === NATIVE ? { without: [sourceLabel()] } : { labels: [sourceLabel(source)] },
  type: (type: string): SearchTerms => ({ labels: [typeLabel(type)] }),
} as const;

export function* indexedRows(rows: Iterable<IndexedColumns>, hasTypes: boolean): Generator<IndexedRow> {
  for (const [row, to, text, source, type] of rows) {
    const labels = [to];
    if (source !== null) labels.push(sourceLabel(), sourceLabel(source));
    if (type !== null && hasTypes) labels.push(typeLabel(type));
    yield { row, text: text === null ? null : fold(text), labels };
  }
}
