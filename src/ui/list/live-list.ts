/**
 * A list that is kept up to date by the stream. At its top new rows are put in as they come; when
 * one has scrolled down they are counted, and come when one goes to the top.
 */
import { batch, signal } from "@preact/signals";
import { now } from "../clock.ts";
import { type LogRecord, liveBegun, onRecords } from "../live.ts";
import { type ListSource, PagedList } from "./paged-list.ts";

/** A first page is read anew at most so often where the stream can't tell what matches. */
const REFRESH_MS = 1000;
const FRESH_MS = 2000;
/** What comes in within so long is drawn at once: a busy service would redraw all the time. */
const GATHER_MS = 60;
/** More at once aren't pointed out one by one. */
const FRESH_ROWS_MAX = 3;

export interface LiveSource<Row> extends ListSource<Row> {
  /** What a record is here; undefined where it isn't; `unknown` where the service has to say. */
  readonly rowOf: (record: LogRecord) => Row | "unknown" | undefined;
}

export class LiveList<Row> {
  readonly rows: PagedList<Row>;
  readonly pending = signal(0);
  readonly isAtTop = signal(true);
  /** The row that the keyboard is at; -1 for none. */
  readonly selected = signal(-1);
  /** Whether that row is to be opened once it is there. */
  opensSelected = false;
  /** Scrolls to the top; the view sets it. */
  onTop: () => void = () => undefined;
  readonly #source: LiveSource<Row>;
  readonly #fresh = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #stop: () => void;
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #gathered: Row[] = [];
  #isClosed = false;

  constructor(source: LiveSource<Row>) {
    this.#source = source;
    this.rows = new PagedList(source);
    this.#stop = onRecords((what) => {
      if (!("reset" in what)) this.#take(what.record);
      else if (what.reset === "missed") void this.#refresh();
      else void this.reload();
    });
  }

  /** Reads the first page, once what comes behind it will be heard. */
  async begin(): Promise<void> {
    try {
      await liveBegun();
    } catch {
      // The page that is read next says why.
    }
    await this.reload();
  }

  /** Reads the first page anew. */
  async reload(): Promise<void> {
    // What was heard before is in what is read now.
    this.#gathered = [];
    await this.rows.reload();
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.rows.close();
    clearTimeout(this.#refreshing);
    clearTimeout(this.#gathering);
    for (const timer of this.#fresh.values()) clearTimeout(timer);
  }

  /** Shows what is new, from the top. */
  async toTop(): Promise<void> {
    this.isAtTop.value = true;
    if (this.pending.value > 0 || this.rows.error.value !== undefined) await this.reload();
    this.pending.value = 0;
    this.onTop();
  }

  idOf(row: Row): string {
    return this.#source.idOf(row);
  }

  /** Whether it came just now. */
  isFresh(id: string): boolean {
    return this.#fresh.has(id);
  }

  #take(record: LogRecord): void {
    const row = this.#source.rowOf(record);
    if (row === undefined) return;
    if (row === "unknown") {
      this.#refreshSoon();
      return;
    }
    this.#gathered.push(row);
    this.#gathering ??= setTimeout(() => batch(() => this.#putGathered()), GATHER_MS);
  }

  #putGathered(): void {
    const rows = this.#gathered;
    this.#gathered = [];
    this.#gathering = undefined;
    for (const row of rows) {
      const id = this.#source.idOf(row);
      if (!this.isAtTop.value) {
        if (this.rows.indexInHead(id) < 0) this.pending.value++;
        continue;
      }
      const at = this.rows.insert(row);
      if (at === undefined) {
        // Further down: the service knows whether it was counted already.
        if (this.rows.indexInHead(id) < 0) this.#refreshSoon();
        continue;
      }
      if (this.selected.value >= at) this.selected.value++;
      if (rows.length <= FRESH_ROWS_MAX) this.#pointOut(id);
    }
  }

  #pointOut(id: string): void {
    clearTimeout(this.#fresh.get(id));
    this.#fresh.set(
      id,
      setTimeout(() => this.#fresh.delete(id), FRESH_MS),
    );
  }

  #refreshSoon(): void {
    const waitMs = Math.max(GATHER_MS, this.#refreshedAt + REFRESH_MS - now());
    this.#refreshing ??= setTimeout(() => void this.#refresh(), waitMs);
  }

  async #refresh(): Promise<void> {
    // What is heard from now on may not be in what is read.
    clearTimeout(this.#refreshing);
    this.#refreshing = undefined;
    this.#refreshedAt = now();
    if (this.isAtTop.value) return this.reload();
    const more = await this.rows.countNew().catch(() => undefined);
    if (this.#isClosed) return;
    if (more === undefined) return this.#refreshSoon();
    // An earlier answer may come later.
    this.pending.value = Math.max(this.pending.value, more);
    // Who went to the top meanwhile is shown them.
    if (this.isAtTop.value && this.pending.value > 0) await this.toTop();
  }
}
