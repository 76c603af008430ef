/** The part of a store that its readers' threads answer by themselves. */
import type { Beginning, Changes, ChangesQuery, ChangesText, Lag, LagQuery } from "../../../core/changes.ts";
import type { ChangesCounts } from "../../../core/series.ts";
import type {
  EventPage,
  EventQuery,
  MessageQuery,
  Page,
  SenderPage,
  SenderQuery,
  Stats,
  StoredMessage,
} from "../../../core/store.ts";
import { looksAtEach } from "../derived/event-order.ts";
import { isSearch } from "./filter.ts";
import type { Sender } from "./senders.ts";
import type { TimedReads } from "./timed-reads.ts";

/** Senders that a page may skip without being a search. */
const SKIPPED_MAX = 1000;

export class StoreReads {
  readonly #reads: TimedReads;

  constructor(reads: TimedReads) {
    this.#reads = reads;
  }

  list(query: MessageQuery): Promise<Page> {
    const kind = isSearch(query) ? "search" : "lookup";
    return this.#reads.ask(kind, (deadline) => ({ do: "list", query, deadline }));
  }

  stats(): Promise<Stats> {
    return this.#reads.ask("lookup", (deadline) => ({ do: "stats", deadline }));
  }

  /** `q` looks at every sender, and an offset at those that it skips. */
  listSenders(query: SenderQuery): Promise<SenderPage> {
    const kind = query.q || query.offset > SKIPPED_MAX ? "search" : "lookup";
    return this.#reads.ask(kind, (deadline) => ({ do: "list-senders", query, deadline }));
  }

  events(query: EventQuery): Promise<EventPage> {
    const kind = looksAtEach(query) ? "search" : "lookup";
    return this.#reads.ask(kind, (deadline) => ({ do: "events", query, deadline }));
  }

  async message(messageId: string): Promise<StoredMessage | undefined> {
    const found = await this.#reads.ask<StoredMessage | null>("lookup", (deadline) => ({
      do: "message",
      messageId,
      deadline,
    }));
    return found ?? undefined;
  }

  changes(query: ChangesQuery): Promise<Changes> {
    return this.#reads.ask("lookup", (deadline) => ({ do: "changes", query, deadline }));
  }

  changesText(query: ChangesQuery): Promise<ChangesText> {
    return this.#reads.ask("lookup", (deadline) => ({ do: "changes-text", query, deadline }));
  }

  changesCounts(query: Pick<ChangesQuery, "after" | "mark">): Promise<ChangesCounts> {
    return this.#reads.ask("lookup", (deadline) => ({ do: "changes-counts", query, deadline }));
  }

  positionAt(beginning: Beginning): Promise<string> {
    const kind = typeof beginning === "string" ? "lookup" : "search";
    return this.#reads.ask(kind, (deadline) => ({ do: "position", beginning, deadline }));
  }

  async lag(query: LagQuery): Promise<Lag | undefined> {
    const kind = "search";
    const found = await this.#reads.ask<Lag | null>(kind, (deadline) => ({
      do: "lag",
      query,
      deadline,
    }));
    return found ?? undefined;
  }

  senders(messageIds: readonly string[]): Promise<ReadonlyMap<string, Sender>> {
    return this.#reads.ask("lookup", (deadline) => ({ do: "senders", messageIds, deadline }));
  }
}
