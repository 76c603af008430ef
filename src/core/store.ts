/**
 * What Postern asks of a storage engine. Every engine gives the same answers, byte for byte; the suite in
 * `tests/contract` holds each to it.
 */
import type { Message } from "./message.ts";

/** What one POST holds; stored as a whole or not at all. */
export interface Delivery {
  readonly messages: readonly Message[];
}

/**
 * What became of one message: new, already there with the same content, or already there with other content
 * (the first write stays).
 */
export type Outcome = "created" | "duplicate" | "differs";

/** A place in the order of messages: after the message with this key and identifier. */
export interface Position {
  readonly tsKey: string;
  readonly messageId: string;
}

/** Filters are combined with AND; one that is absent lets everything through. */
export interface MessageQuery {
  readonly limit: number;
  readonly offset: number;
  readonly from?: string;
  readonly to?: string;
  readonly messageId?: string;
  /** Instants (grammar of `ts`): `since` is included, `until` is not. */
  readonly since?: string;
  readonly until?: string;
  /** A literal part of the text, in any case. */
  readonly q?: string;
  /** Rows after this place; `total` does not depend on it. */
  readonly after?: Position;
}

export interface Page {
  readonly data: readonly Message[];
  /** Every stored message that the filters match, counted in the snapshot that `data` comes from. */
  readonly total: number;
  /** Where the next page starts; absent when this is the last one. */
  readonly next?: Position;
}

export interface Stats {
  readonly total_messages: number;
  readonly senders_count: number;
  readonly messages_per_sender: readonly { readonly from: string; readonly count: number }[];
  readonly first_message_ts: string | null;
  readonly last_message_ts: string | null;
}

/** What a scrape may ask for at any moment; no figure costs a scan. */
export interface StoreFigures {
  readonly storedMessages: number;
  readonly queueRows: number;
  readonly databaseBytes: number;
  readonly walBytes: number;
  readonly indexBytes: number;
  /** Stored messages that a follower has not taken yet, by its name; reads look at them one by one. */
  readonly followerLagRows: Readonly<Record<string, number>>;
}

export interface Store {
  /**
   * Stores a delivery and resolves, with one outcome a message, only after the commit that holds it is on stable
   * storage; a duplicate waits for the commit of its first copy. Throws `Overloaded` before anything is queued,
   * `StorageUnavailable` when the engine can't tell whether it was stored, and `DeliveryRejected` when the engine
   * refuses the data itself.
   */
  append(delivery: Delivery): Promise<readonly Outcome[]>;
  /** Throws `QueryTimeout` rather than answering late or wrong. */
  list(query: MessageQuery): Promise<Page>;
  /** Throws `QueryTimeout` rather than answering late or wrong. */
  stats(): Promise<Stats>;
  /** Resolves when the engine can commit: a recent commit proves it, else a probe write. Throws otherwise. */
  ping(): Promise<void>;
  figures(): StoreFigures;
  /** Derives everything anew from the log, beside what is in use, and resolves when that has taken its place. */
  rebuildIndex(): Promise<void>;
  /** Commits what was accepted and closes; idempotent. */
  close(): Promise<void>;
}
