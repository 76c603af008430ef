/**
 * What Postern asks of a storage engine. Every engine gives the same answers, byte for byte; the
 * suite in `tests/contract` holds each to it.
 */

import type { Beginning, Changes, ChangesQuery, ChangesText, Lag, LagQuery } from "./changes.ts";
import type { ConsumerStore } from "./consumers.ts";
import type { DeliveryStore } from "./deliveries.ts";
import type { LoggedMessage, Message } from "./message.ts";
import type { EventKind, KeptHeaders, Span } from "./parsed-body.ts";
import type { ChangesCounts, SeriesStore } from "./series.ts";

/** What one POST holds; stored as a whole or not at all. */
export interface Intake {
  readonly messages: readonly Message[];
  /** What a provider's POST holds besides; the native source has no more than its message. */
  readonly post?: Post;
}

export interface Post {
  /** The name of the source. */
  readonly source: string;
  /** Byte for byte as received; kept once, if anything in it is new. */
  readonly body: Uint8Array;
  /** Those that are kept; absent where there are none. */
  readonly headers?: KeptHeaders;
  /** One for each message. */
  readonly details: readonly MessageDetail[];
  readonly events: readonly NewEvent[];
}

export interface MessageDetail {
  /** The provider's word for what it is: `text`, `image`, … */
  readonly type: string;
  /** The provider's own form of it, within the body. */
  readonly span: Span;
}

/**
 * Something that happened and is no message. Of one key there is one event within its source; other
 * content under it is kept under the first of its further keys that is free, or has that content.
 */
export interface NewEvent {
  readonly kind: EventKind;
  /** The provider's own name of it; null where it has none. */
  readonly type: string | null;
  readonly key: string;
  /**
   * There is no other content under this key: it is a hash of the content, or a retry has other
   * bytes, because it is signed anew within them.
   */
  readonly keyDecides?: true;
  /** The message that it is about. */
  readonly messageId: string | null;
  readonly ts: string;
  readonly span: Span;
}

/**
 * What became of one message: new, already there with the same content, or already there with other
 * content (the first write stays); `conflict`, when what is there came from another source. An
 * event that differs is new too: it is kept under a further key.
 */
export type Outcome = "created" | "duplicate" | "differs" | "conflict";

/** Where a message stands in the order of pages: by instant, then by identifier. */
export interface SortKey {
  readonly tsKey: string;
  readonly messageId: string;
}

/**
 * Filters of messages are combined with AND; one that is absent, or empty, lets everything through.
 */
export interface MessageFilters {
  readonly from?: string;
  readonly to?: string;
  readonly messageId?: string;
  /** The name of the source; `native` for messages of the native one. */
  readonly source?: string;
  /** Instants (grammar of `ts`): `since` is included, `until` is not. */
  readonly since?: string;
  readonly until?: string;
  /** The provider's word for what it is; messages of the native source have none. */
  readonly type?: string;
  /** A literal part of the text, in any case. */
  readonly q?: string;
}

/** Of a whole list; `asc` where none is given. */
export type Order = "asc" | "desc";

/** One entry for each filter: a filter that is forgotten somewhere doesn't compile. */
export type ByFilter<Filters, Entry> = { readonly [Name in keyof Filters]-?: Entry };

/** The names of the filters that are given, of those that the table has. */
export function givenFilters<Filters extends object>(
  query: Filters,
  table: ByFilter<Filters, unknown>,
): (keyof Filters)[] {
  const names = Object.keys(table) as (keyof Filters)[];
  return names.filter((name) => query[name] !== undefined && query[name] !== "");
}

export interface MessageQuery extends MessageFilters {
  readonly limit: number;
  readonly offset: number;
  readonly order?: Order;
  /** Rows that come behind this one in the order; `total` does not depend on it. */
  readonly after?: SortKey;
}

export interface Page {
  readonly data: readonly Message[];
  /**
   * Every stored message that the filters match, counted in the snapshot that `data` comes from.
   */
  readonly total: number;
  /** Where the next page starts; absent when this is the last one. */
  readonly next?: SortKey;
}

/** Filters of events, as those of messages. */
export interface EventFilters {
  readonly source?: string;
  readonly kind?: EventKind;
  /** The provider's own name of it; exact. */
  readonly type?: string;
  readonly messageId?: string;
  /** Instants (grammar of `ts`): `since` is included, `until` is not. */
  readonly since?: string;
  readonly until?: string;
  /** A literal part of its body, in any case (see `bodySearch`). */
  readonly q?: string;
}

/** Where an event stands in the order of pages: by instant, then by `seq`. */
export interface EventKey {
  readonly tsKey: string;
  readonly seq: number;
}

export interface EventQuery extends EventFilters {
  readonly limit: number;
  readonly offset: number;
  readonly order?: Order;
  /** Events that come behind this one in the order; `total` does not depend on it. */
  readonly after?: EventKey;
}

/** An event as it is kept. `body` is the provider's own form of it. */
export interface StoredEvent {
  readonly seq: number;
  readonly source: string;
  readonly kind: EventKind;
  readonly type: string | null;
  readonly event_key: string;
  readonly message_id: string | null;
  readonly ts: string;
  /** When it was received (ISO 8601, UTC, milliseconds). */
  readonly created_at: string;
  /** Of its POST; null where none are known, and where `body` is. */
  readonly headers: KeptHeaders | null;
  /** Null beyond `BODIES_BYTES_MAX` of one page: a smaller page has it. */
  readonly body: Uint8Array | null;
}

/**
 * Bytes of all the bodies that one read gives; the first is always given. A page of large ones
 * would not fit into memory.
 */
export const BODIES_BYTES_MAX = 16 * 1024 * 1024;

export interface EventPage {
  /** By instant, then by `seq`. */
  readonly data: readonly StoredEvent[];
  /** Every stored event that the filters match, counted in the snapshot that `data` comes from. */
  readonly total: number;
  /** Where the next page starts; absent when this is the last one. */
  readonly next?: EventKey;
}

/** Events that are shown with the message that they are about. */
export const EVENTS_WITH_MESSAGE_MAX = 100;

/** A message with all that is known of it. */
export interface StoredMessage extends LoggedMessage {
  readonly source: string;
  /** Of a provider's message alone. */
  readonly type: string | null;
  /** Of its POST; null where none are known, as of the native source's. */
  readonly headers: KeptHeaders | null;
  /**
   * The provider's own form of it; null for the native source's, which has no more than its fields.
   */
  readonly body: Uint8Array | null;
  /**
   * The latest of those that are about it, up to `EVENTS_WITH_MESSAGE_MAX`, by instant, then by
   * `seq`.
   */
  readonly events: readonly StoredEvent[];
}

/** What is asked of senders, who stand in the order of pages of their last messages. */
export interface SenderQuery {
  readonly limit: number;
  readonly offset: number;
  /** `desc`: whoever wrote last comes first. */
  readonly order: Order;
  /** Those whose last message comes behind this place; `total` does not depend on it. */
  readonly after?: SortKey;
  /** A literal part of the sender; of A to Z in either case. */
  readonly q?: string;
}

export interface SenderRow {
  readonly from: string;
  /** Of all the sender's messages. */
  readonly count: number;
  /** The one that comes last in the order of pages. */
  readonly last_message: LastMessage;
}

export interface LastMessage extends Omit<Message, "from"> {
  readonly source: string;
  /** Of a provider's message alone. */
  readonly type: string | null;
}

export interface SenderPage {
  readonly data: readonly SenderRow[];
  /** All senders that match, counted in the snapshot that `data` comes from. */
  readonly total: number;
  /** Where the next page starts; absent when this is the last one. */
  readonly next?: SortKey;
}

/** Senders that `/stats` names. */
export const TOP_SENDERS = 10;

export interface Stats {
  readonly total_messages: number;
  readonly senders_count: number;
  readonly messages_per_sender: readonly { readonly from: string; readonly count: number }[];
  readonly first_message_ts: string | null;
  readonly last_message_ts: string | null;
}

/**
 * What a scrape may ask for at any moment; no figure costs a scan. Undefined is what has not been
 * counted yet.
 */
export interface StoreFigures {
  readonly storedMessages: number | undefined;
  readonly storedEvents: number | undefined;
  readonly queueRows: number;
  /** Beyond these a message is refused. */
  readonly queueRowsMax: number;
  /** Of the file system that holds the database; undefined where it is another machine's. */
  readonly disk: { readonly bytes: number; readonly freeBytes: number } | undefined;
  readonly databaseBytes: number | undefined;
  readonly walBytes: number;
  readonly indexBytes: number;
  /**
   * Stored messages, or events, that a follower has not taken yet, by its name; reads look at them
   * one by one.
   */
  readonly followerLagRows: Readonly<Record<string, number>>;
  /** How old the state is that reads show; 0 where that is no other than what is stored. */
  readonly readLagSeconds: number;
}

export interface Store {
  /**
   * Stores an intake and resolves, with one outcome a message and then one an event, only after the
   * commit that holds it is on stable storage; a duplicate waits for the commit of its first copy.
   * Throws `Overloaded` before anything is queued, `StorageUnavailable` when the engine can't tell
   * whether it was stored, and `IntakeRejected` when the engine refuses the data itself.
   */
  append(intake: Intake): Promise<readonly Outcome[]>;
  /** Throws `QueryTimeout` rather than answering late or wrong. */
  list(query: MessageQuery): Promise<Page>;
  /** Throws `QueryTimeout` rather than answering late or wrong. */
  stats(): Promise<Stats>;
  /**
   * Senders by their last messages: a page costs what it shows, not what is stored. A sender who
   * writes between two pages comes to the front. Throws `QueryTimeout`.
   */
  listSenders(query: SenderQuery): Promise<SenderPage>;
  /** Throws `QueryTimeout` rather than answering late or wrong. */
  events(query: EventQuery): Promise<EventPage>;
  /** Undefined when there is no such message. Throws `QueryTimeout`. */
  message(messageId: string): Promise<StoredMessage | undefined>;
  /**
   * What is in the log after a position, each record once and in its order; everything that was
   * acknowledged before this was asked is there. Throws `QueryTimeout` rather than answering late
   * or wrong.
   */
  changes(query: ChangesQuery): Promise<Changes>;
  /** The same, with its records as text: for pages, which are long. */
  changesText(query: ChangesQuery): Promise<ChangesText>;
  /** The same, counted; so many records at once as the engine likes, `LOOKED_AT_MAX` at most. */
  changesCounts(query: Pick<ChangesQuery, "after" | "mark">): Promise<ChangesCounts>;
  /**
   * The position from which one follows from there on; of an instant it is the one before the
   * lowest number whose `created_at` is not before it. Throws `QueryTimeout`.
   */
  positionAt(beginning: Beginning): Promise<string>;
  /**
   * What there is after a position; undefined where the position is lost. Throws `QueryTimeout`.
   */
  lag(query: LagQuery): Promise<Lag | undefined>;
  /**
   * Calls `listener`, which must not throw, whenever `changes` may have more than before, also what
   * other replicas have stored; several at once are one call. Whoever listens before it reads
   * misses nothing. Returns what ends that.
   */
  onChanges(listener: () => void): () => void;
  readonly consumers: ConsumerStore;
  readonly deliveries: DeliveryStore;
  readonly series: SeriesStore;
  /**
   * By `message_id`, whose messages these are: of those that are stored. Throws `QueryTimeout`.
   */
  senders(
    messageIds: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly source: string; readonly from: string }>>;
  /**
   * Notes which names of sources are in use from now on, and resolves with those that can't be:
   * their range of identifiers (`NAME:…`) holds messages of the native source. Then nothing is
   * noted.
   */
  claimSources(names: readonly string[]): Promise<readonly string[]>;
  /**
   * Resolves when the engine can commit: a recent commit proves it, else a probe write. Throws
   * otherwise.
   */
  ping(): Promise<void>;
  figures(): StoreFigures;
  /**
   * Derives everything anew from the log, beside what is in use, and resolves when that has taken
   * its place.
   */
  rebuildIndex(): Promise<void>;
  /** Commits what was accepted and closes; idempotent. */
  close(): Promise<void>;
}
