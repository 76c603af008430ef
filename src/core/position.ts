/**
 * Positions as clients hold them: `LOG.SEQ`, opaque text that says where somebody is in the log and
 * which record stands there, so that a log that was rewound is noticed.
 */
import { bytesChecksum } from "../lib/bytes-checksum.ts";
import type { EventRecord, MessageRecord } from "./log-record.ts";

const PARTS = /^([0-9A-Za-z]{1,64})\.([0-9]{1,19})$/;
const NO_RECORD = "00000000";
const NUL = "\0";

/** What tells a record from another one that stands at its number later. */
export type Marked =
  | Pick<MessageRecord, "seq" | "message_id" | "created_at">
  | Pick<EventRecord, "seq" | "source" | "event_key" | "created_at">;

interface PositionParts {
  /** The log's identity and a fingerprint of the record. */
  readonly mark: string;
  /** Number of the last record that is known; 0 before the first. Beyond 2^53 it isn't exact. */
  readonly seq: number;
}

/** Undefined when the text is no position of anybody's. */
export function parsePosition(text: string): PositionParts | undefined {
  const [, mark, digits] = PARTS.exec(text) ?? [];
  return mark === undefined || digits === undefined ? undefined : { mark, seq: Number(digits) };
}

/** The number in a position; 0 for a text that is none. */
export function seqOf(position: string): number {
  return parsePosition(position)?.seq ?? 0;
}

/** The record's position in the log with this identity (8 hex digits). */
export function positionOf(log: string, record: Marked): string {
  return `${log}${fingerprint(record)}.${record.seq}`;
}

/** The position before the first record. */
export function startOf(log: string): string {
  return `${log}${NO_RECORD}.0`;
}

/**
 * The identity that positions carry, of the name that a log gave itself: 16 bytes in hexadecimal.
 */
export function identityOf(log: string): string {
  return log.slice(0, 8);
}

/** 8 hex digits. */
function fingerprint(record: Marked): string {
  const key = "event_key" in record ? `${record.source}${NUL}${record.event_key}` : record.message_id;
  return (bytesChecksum(`${key}${NUL}${record.created_at}`) >>> 0).toString(16).padStart(8, "0");
}
