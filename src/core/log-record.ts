/**
 * The log as records: what an export writes and an import takes. A provider's POST comes as one
 * record with its bytes, right before the messages and events that are parts of them.
 */

import type { LoggedMessage } from "./message.ts";
import type { EventKind, KeptHeaders } from "./parsed-body.ts";

/** A message; of a provider's with the part of a POST that it is. */
export type MessageRecord = LoggedMessage | ProviderMessageRecord;

export interface ProviderMessageRecord extends LoggedMessage, BodySpan {
  readonly source: string;
  readonly type: string;
}

/** The bytes of `delivery` from `start` up to, not including, `stop`. */
export interface BodySpan {
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export interface EventRecord extends BodySpan {
  readonly seq: number;
  readonly source: string;
  readonly kind: EventKind;
  readonly type: string | null;
  readonly event_key: string;
  readonly message_id: string | null;
  readonly ts: string;
  readonly created_at: string;
}

export interface BodyRecord {
  readonly delivery: number;
  readonly body_base64: string;
  /** Absent where none are known. */
  readonly headers?: KeptHeaders;
}

export type LogRecord = MessageRecord | EventRecord | BodyRecord;
