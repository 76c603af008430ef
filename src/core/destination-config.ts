/** What a configuration says of the destinations that records are handed on to. */
import type { ChangesFilter, RecordKind } from "./changes.ts";
import type { SourceConfig } from "./source.ts";

export const DESTINATIONS_MAX = 100;
/** Attempts under way to one destination. */
export const CONCURRENCY_MAX = 256;

/** With every reference put in and every default in its place. It holds secrets. */
export interface DestinationConfig {
  /** As names of sources are; its state is kept under it. */
  readonly name: string;
  /** Its scheme says what takes the records. A broker's may hold credentials. */
  readonly url: string;
  /** Of which `signingKey` makes keys; each signs. None where nothing is signed. */
  readonly secrets: readonly string[];
  /** At least one. */
  readonly kinds: readonly RecordKind[];
  /** `native` is one; undefined: all. */
  readonly sources: readonly string[] | undefined;
  /** Exact; undefined: anybody. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Whether what one sender sent is handed on one after the other. */
  readonly order: "sender" | "none";
  /** 1 to `CONCURRENCY_MAX`. */
  readonly concurrency: number;
  /** May be below 1; undefined: as fast as it goes. */
  readonly ratePerS: number | undefined;
  /** Of an attempt. */
  readonly timeoutMs: number;
  /** Before each attempt but the first; at least one. */
  readonly retryMs: readonly number[];
  /** `now`, `start` or an instant (grammar of `ts`): counts once, when the name is first seen. */
  readonly start: string;
  /** Whether the URL may lead to addresses that aren't public. */
  readonly allowPrivate: boolean;
  /**
   * Where providers' own requests are handed on: of each source what signs them, with the
   * destination's secret in place of the source's.
   */
  readonly originals?: Readonly<Record<string, SourceConfig>>;
  /** What its kind alone knows, by the names of the file. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What the destination wants of the log. */
export function filterOf({ kinds, sources, from, to }: DestinationConfig): ChangesFilter {
  return {
    kinds,
    ...(sources !== undefined && { sources }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

/** Whoever hands records on. */
export interface Destinations {
  /**
   * Hands on to these destinations, and no others, from now on. What that changes is on stable
   * storage when it resolves. Changes nothing when it throws: `StartRefused` when they can't be
   * served.
   */
  replace(configs: readonly DestinationConfig[]): Promise<void>;
  /** Begins nothing more and lets go of what is under way, so that the store may be closed. */
  close(): Promise<void>;
}
