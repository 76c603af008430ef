/** Positions that the service keeps, each under a name, with what its holder wants of the log. */
import type { ChangesFilter, RecordKind } from "./changes.ts";

export const CONSUMERS_MAX = 1000;

/** As a consumer keeps it; what is absent is not filtered. */
export interface ConsumerFilter extends ChangesFilter {
  readonly kinds: readonly RecordKind[];
}

export interface NewConsumer {
  /** As names of sources are. */
  readonly name: string;
  readonly filter: ConsumerFilter;
  /** Everything up to it has been taken. */
  readonly position: string;
}

export interface Consumer extends NewConsumer {
  /** ISO 8601, UTC, milliseconds; null before the first acknowledgement. */
  readonly acknowledgedAt: string | null;
}

/** Each change is on stable storage when it resolves. */
export interface ConsumerStore {
  /** All of them, by name (bytes). Throws `QueryTimeout`, `StorageUnavailable`. */
  list(): Promise<readonly Consumer[]>;
  find(name: string): Promise<Consumer | undefined>;
  /**
   * Makes a consumer, unless one of this name is there, which is then returned as it is; undefined
   * when there are `CONSUMERS_MAX` already.
   */
  create(
    consumer: NewConsumer,
  ): Promise<{ readonly created: boolean; readonly consumer: Consumer } | undefined>;
  /**
   * Moves a consumer on to a position that holds; never back. Resolves with what is kept then;
   * undefined when there is none of this name.
   */
  acknowledge(name: string, position: string, at: string): Promise<Consumer | undefined>;
  /** Puts a consumer anywhere. Undefined when there is none of this name. */
  seek(name: string, position: string): Promise<Consumer | undefined>;
  /** Whether there was one. */
  delete(name: string): Promise<boolean>;
}
