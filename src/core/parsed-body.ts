/**
 * What a provider's POST holds, once it is verified: messages, and everything else that happened.
 */
import type { Message } from "./message.ts";

/** A part of the POST's own bytes: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Headers of a provider's POST by their names in lower case, sorted by them; of several of one name
 * the values are joined by `, `.
 */
export type KeptHeaders = Readonly<Record<string, string>>;

/** A message, still without its source's name before its identifier. */
export interface IncomingMessage extends Message {
  /** The provider's word for what it is: `text`, `image`, … */
  readonly type: string;
  /** The provider's own form of it. */
  readonly span: Span;
}

export const EVENT_KINDS = [
  "status",
  "reaction",
  "edit",
  "delete",
  "echo",
  "callback",
  "system",
  "other",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Whatever is verified and no message; it is kept too. */
export interface IncomingEvent {
  readonly kind: EventKind;
  /** The provider's own name of it. */
  readonly type?: string;
  /** The provider's own identifier of the event; without one its bytes tell it from others. */
  readonly key?: string;
  /** Whether the key is one event's, whatever comes under it: a retry has other bytes. */
  readonly keyDecides?: true;
  /** What tells events of equal bytes apart, such as the time of the envelope that they came in. */
  readonly salt?: string;
  /** The message that it is about, without the source's name. */
  readonly messageId?: string;
  /** When it happened; without it, when it was received. */
  readonly ts?: string;
  readonly span: Span;
}

export interface ParsedBody {
  readonly messages: readonly IncomingMessage[];
  readonly events: readonly IncomingEvent[];
}
