/** Series as an answer has them, from rows that come in any order. */
import { type Series, type SeriesQuery, STEP_S } from "../core/series.ts";
import { compareUtf8 } from "../core/utf8-order.ts";

type Column = Series & { readonly counts: number[] };

export class SeriesColumns {
  readonly #query: SeriesQuery;
  readonly #columns = new Map<string | null, Map<string | null, Column>>();
  #size = 0;

  constructor(query: SeriesQuery) {
    this.#query = query;
  }

  /** What was counted in the step that begins at `at`; false where that is one series too many. */
  add(source: string | null, what: string | null, at: number, rows: number): boolean {
    const { from, to, step, seriesMax } = this.#query;
    let ofSource = this.#columns.get(source);
    if (ofSource === undefined) {
      ofSource = new Map();
      this.#columns.set(source, ofSource);
    }
    let column = ofSource.get(what);
    if (column === undefined) {
      if (this.#size === seriesMax) return false;
      this.#size++;
      column = { source, what, counts: new Array((to - from) / STEP_S[step]).fill(0) };
      ofSource.set(what, column);
    }
    const index = (at - from) / STEP_S[step];
    column.counts[index] = (column.counts[index] ?? 0) + rows;
    return true;
  }

  /** By source, then by `what` (bytes). */
  get series(): readonly Series[] {
    const all = [...this.#columns.values()].flatMap((ofSource) => [...ofSource.values()]);
    return all.sort(
      (a, b) => compareUtf8(a.source ?? "", b.source ?? "") || compareUtf8(a.what ?? "", b.what ?? ""),
    );
  }
}
