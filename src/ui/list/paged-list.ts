/**
 * A list of any length, the latest first, of which a few pages are kept. The first page grows by
 * what comes in live. Every other one is read by the cursor at the end of the page above it, going
 * up by the cursor at its own end; only a jump asks for an offset, once, from the nearer end. So
 * reading ten million rows costs the memory of twelve pages, and no row is skipped or doubled by
 * what comes in meanwhile.
 */
import { signal } from "@preact/signals";

/** Rows of a page: one fewer than the API's limit would do as well. */
const PAGE_ROWS = 96;
const PAGES_KEPT = 12;
/** Ends of pages that are remembered: where one has been, one comes back by cursor. */
const ENDS_KEPT = 20_000;
/** Beyond this the first page is read anew instead of growing. */
const HEAD_ROWS_MAX = 400;

interface PageQuery {
  readonly order: "asc" | "desc";
  readonly limit: number;
  readonly cursor?: string;
  readonly offset?: number;
}

export interface ListSource<Row> {
  /** Rejects with words for people, or when the signal is aborted. */
  readonly read: (
    query: PageQuery,
    signal: AbortSignal,
  ) => Promise<{
    readonly data: readonly Row[];
    readonly total: number;
    readonly cursor: string | undefined;
  }>;
  readonly idOf: (row: Row) => string;
  /** Negative where `one` stands above `other`, as the API orders them. */
  readonly compare: (one: Row, other: Row) => number;
  /** A row may leave its place for one further up. */
  readonly rowsMove?: true;
}

export class PagedList<Row> {
  /** Rises with every change of what `row` gives. */
  readonly version = signal(0);
  readonly total = signal<number | undefined>(undefined);
  readonly error = signal<string | undefined>(undefined);
  readonly #source: ListSource<Row>;
  readonly #abort = new AbortController();
  #head: Row[] = [];
  /** By number; the first one is the head. */
  readonly #pages = new Map<number, readonly Row[]>();
  /** By number, the cursor behind a page's last row. */
  readonly #ends = new Map<number, string>();
  #wanted: readonly [from: number, to: number] = [0, 0];
  #isReading = false;
  #reloads = 0;
  /** Reloads by number: the latest that was asked for, and the latest that came. */
  #asked = 0;
  #answered = 0;
  /** Rises when rows behind the first page get other places. */
  #layout = 0;
  /** What came in while the first page was read, which may be older than that. */
  #early: Row[] = [];

  constructor(source: ListSource<Row>) {
    this.#source = source;
  }

  /** Reads the first page, in place of all that is here once it has come. */
  async reload(): Promise<void> {
    const number = ++this.#asked;
    this.#reloads++;
    try {
      const { data, total, cursor } = await this.#read({ order: "desc", limit: PAGE_ROWS });
      if (number < this.#answered) return;
      this.#answered = number;
      this.#head = [...data];
      this.#dropFrom(0);
      if (cursor !== undefined) this.#ends.set(0, cursor);
      this.error.value = undefined;
      this.total.value = total;
      for (const row of this.#early) this.#put(row);
      this.version.value++;
    } catch (error) {
      if (number > this.#answered) this.#fail(error);
    } finally {
      this.#reloads--;
      if (this.#reloads === 0) this.#early = [];
    }
  }

  /**
   * How many more rows match now than when the first page was read, or, where rows move, how many
   * of a page stand above its first one; that page stays as it is.
   */
  async countNew(): Promise<number> {
    const { rowsMove, compare } = this.#source;
    const { data, total } = await this.#read({ order: "desc", limit: rowsMove ? PAGE_ROWS : 1 });
    const [first] = this.#head;
    if (rowsMove && first !== undefined) return data.filter((row) => compare(row, first) < 0).length;
    return Math.max(0, total - (this.total.value ?? total));
  }

  /** Nothing is read any more, and what is under way is dropped. */
  close(): void {
    this.#abort.abort();
  }

  /** Undefined where it isn't here yet: `want` brings it. */
  row(index: number): Row | undefined {
    if (index < this.#head.length) return this.#head[index];
    const page = this.#pageOf(index);
    return this.#pages.get(page)?.[index - this.#firstOf(page)];
  }

  /** Where a row of the first page stands; -1 where it isn't there. */
  indexInHead(id: string): number {
    return this.#head.findIndex((row) => this.#source.idOf(row) === id);
  }

  /** Reads what lacks of these rows, and then of these only. */
  want(from: number, to: number): void {
    this.#wanted = [from, to];
    if (!this.#isReading) void this.#readWanted();
  }

  /**
   * A row that came in. Gives where it stands now; undefined where it was here before or belongs
   * further down.
   */
  insert(row: Row): number | undefined {
    if (this.#reloads > 0) this.#early.push(row);
    const at = this.#put(row);
    if (this.#head.length > HEAD_ROWS_MAX && this.#reloads === 0) void this.reload();
    return at;
  }

  #put(row: Row): number | undefined {
    const { idOf, compare } = this.#source;
    const total = this.total.value;
    if (total === undefined || this.indexInHead(idOf(row)) >= 0) return undefined;
    this.total.value = total + 1;
    const last = this.#head.at(-1);
    const isWhole = this.#head.length === total;
    if (!isWhole && last !== undefined && compare(row, last) > 0) {
      this.#dropFrom(1);
      this.version.value++;
      return undefined;
    }
    const found = this.#head.findIndex((other) => compare(row, other) < 0);
    const at = found < 0 ? this.#head.length : found;
    this.#head.splice(at, 0, row);
    this.version.value++;
    return at;
  }

  #pageOf(index: number): number {
    return index < this.#head.length ? 0 : 1 + Math.floor((index - this.#head.length) / PAGE_ROWS);
  }

  #firstOf(page: number): number {
    return page === 0 ? 0 : this.#head.length + (page - 1) * PAGE_ROWS;
  }

  async #readWanted(): Promise<void> {
    this.#isReading = true;
    try {
      for (;;) {
        const page = this.#lacking();
        if (page === undefined) break;
        if (!(await this.#readPage(page))) {
          // Fewer rows than there were: all of it is read anew.
          await this.reload();
          break;
        }
        this.error.value = undefined;
        this.version.value++;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isReading = false;
    }
  }

  #lacking(): number | undefined {
    const total = this.total.value ?? 0;
    const [from, to] = this.#wanted;
    for (let page = this.#pageOf(from); page <= this.#pageOf(Math.min(to, total - 1)); page++)
      if (page > 0 && !this.#pages.has(page)) return page;
    return undefined;
  }

  /** False where the page isn't there any more. */
  async #readPage(page: number): Promise<boolean> {
    const layout = this.#layout;
    const cursor = this.#ends.get(page - 1) ?? (await this.#endAbove(page));
    const read =
      cursor === undefined ? undefined : await this.#read({ order: "desc", limit: PAGE_ROWS, cursor });
    // What was asked for has got another place meanwhile.
    if (layout !== this.#layout) return true;
    if (cursor === undefined || read === undefined) return false;
    const { data, cursor: end } = read;
    this.#ends.set(page - 1, cursor);
    // What came in between two pages pushes the rest down.
    if (this.#ends.has(page) && this.#ends.get(page) !== end) this.#dropFrom(page + 1);
    this.#pages.set(page, data);
    if (end === undefined) this.#endAt(this.#firstOf(page) + data.length);
    if (end === undefined) this.#ends.delete(page);
    else this.#ends.set(page, end);
    this.#forget(page);
    return data.length > 0;
  }

  /** The list ends there: what has moved to the front is missing further down. */
  #endAt(total: number): void {
    if (total < (this.total.value ?? 0)) this.total.value = total;
  }

  /** The cursor at the end of the page above, of which nothing is known but its number. */
  async #endAbove(page: number): Promise<string | undefined> {
    const own = this.#ends.get(page);
    const index = this.#firstOf(page) - 1;
    const below = (this.total.value ?? 0) - 1 - index;
    const { cursor } = await this.#read(
      own !== undefined
        ? { order: "asc", limit: PAGE_ROWS, cursor: own }
        : index <= below
          ? { order: "desc", limit: 1, offset: index }
          : { order: "asc", limit: 1, offset: below },
    );
    return cursor;
  }

  #read(query: PageQuery) {
    return this.#source.read(query, this.#abort.signal);
  }

  #dropFrom(first: number): void {
    this.#layout++;
    for (const page of [...this.#pages.keys()]) if (page >= first) this.#pages.delete(page);
    for (const page of [...this.#ends.keys()]) if (page >= first) this.#ends.delete(page);
  }

  /** Of what is furthest from the page that was just read. */
  #forget(near: number): void {
    const furthest = [...this.#pages.keys()].sort(
      (one, other) => Math.abs(other - near) - Math.abs(one - near),
    );
    for (const page of furthest.slice(0, Math.max(0, this.#pages.size - PAGES_KEPT)))
      this.#pages.delete(page);
    for (const page of this.#ends.keys()) {
      if (this.#ends.size <= ENDS_KEPT) break;
      if (page !== 0) this.#ends.delete(page);
    }
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.error.value = error instanceof Error ? error.message : String(error);
  }
}
