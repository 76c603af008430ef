/**
 * The log as records: what an export writes and an import takes. A provider's POST comes as one record with its bytes,
 * right before the messages and events that are parts of them.
 */
import type { EventKind } from "./intake.ts";
import type { LoggedMessage } from "./message.ts";

/** A message; of a provider's with the part of a POST that it is. */
export type MessageRecord = LoggedMessage | ProviderMessageRecord;

export interface ProviderMessageRecord extends LoggedMessage, PartOfPost {
  readonly source: string;
  readonly type: string;
}

/** The bytes of `delivery` from `start` up to, not including, `stop`. */
export interface PartOfPost {
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export interface EventRecord extends PartOfPost {
  readonly seq: number;
  readonly source: string;
  readonly kind: EventKind;
  readonly event_key: string;
  readonly message_id: string | null;
  readonly ts: string;
  readonly created_at: string;
}

export interface DeliveryRecord {
  readonly delivery: number;
  readonly body_base64: string;
}

export type LogRecord = MessageRecord | EventRecord | DeliveryRecord;
