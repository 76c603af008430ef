/**
 * What there is to know of the sinks of some schemes of URLs: what a configuration may say of one,
 * what of it may be shown, and how it is opened. `sinks.ts` lists them.
 */
import type { DestinationConfig } from "../../core/destination-config.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Cause, Sink } from "./sink.ts";

/** JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

/** What a configuration says of a destination, as far as the schema finds nothing wrong with it. */
export type SaidOfSink = Readonly<Record<string, unknown>> & { readonly url?: string };

/** Words behind the path of a member, such as ` is too short`; they repeat no value. */
export interface SinkFinding {
  readonly member: string;
  /** Where the member is a list. */
  readonly index?: number;
  readonly words: string;
}

export interface Surroundings {
  /** Postern's. */
  readonly version: string;
  readonly clock: Clock;
  /** Whether the service may be handing on to the same place meanwhile. */
  readonly isGuest?: true;
}

export interface SinkKind {
  /** As `URL` has them, with the colon. */
  readonly schemes: readonly string[];
  /** What a URL of it has to be; the description says so in words. */
  readonly url: Schema;
  /** Members that no other destinations have, with their defaults, if there are any. */
  readonly members: Readonly<Record<string, Schema>>;
  /** Of these members. */
  readonly required: readonly string[];
  /** What no schema tells. */
  readonly mistakes: (said: SaidOfSink) => readonly SinkFinding[];
  /** What may be meant, and hardly ever is. */
  readonly warnings: (said: SaidOfSink) => readonly SinkFinding[];
  /** Where records go, without anything that may be secret. */
  readonly shown: (url: string) => string;
  /** Whether no two destinations may lead to the same place, however their URLs are written. */
  readonly isSole?: true;
  /** Whether each attempt is one of the requests that the runtime makes at a time. */
  readonly isRequest?: true;
  /** What to do about a failure, where that isn't what it is of HTTP. */
  readonly advice: Partial<Readonly<Record<Cause, string>>>;
  /** Connects when there is something to send, and loads its library then. */
  readonly open: (config: DestinationConfig, surroundings: Surroundings) => Sink;
}
