/**
 * Checksums of the log's rows, which tell a byte that the disk has changed from one that was
 * stored. They are written with the row and never change; a row of a version before them has none,
 * and counts as sound.
 */

import { bytesChecksum } from "../../../lib/bytes-checksum.ts";

/** Between fields, none of which holds it; twice for a field that is null. */
const NUL = "\0";

interface MessageFields {
  readonly seq: number;
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly ts: string;
  readonly text: string | null;
  readonly created_at: string;
}

export interface DetailFields {
  readonly seq: number;
  readonly source: string;
  readonly type: string;
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export interface EventFields {
  readonly seq: number;
  readonly source: string;
  readonly kind: string;
  readonly type: string | null;
  readonly event_key: string;
  readonly message_id: string | null;
  readonly ts: string;
  readonly created_at: string;
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export function messageChecksum({ seq, message_id, from, to, ts, text, created_at }: MessageFields): number {
  return checksum(
    `${seq}${NUL}${message_id}${NUL}${from}${NUL}${to}${NUL}${ts}${NUL}${text ?? NUL}${NUL}${created_at}`,
  );
}

export function detailChecksum({ seq, source, type, delivery, start, stop }: DetailFields): number {
  return checksum([seq, source, type, delivery, start, stop].join(NUL));
}

/** Without a type it is that of versions before 8, whose events had none. */
export function eventChecksum(event: EventFields): number {
  const { seq, source, kind, type, event_key, message_id, ts, created_at, delivery, start, stop } = event;
  const fields = [seq, source, kind, event_key, message_id ?? NUL, ts, created_at, delivery, start, stop];
  return checksum([...fields, ...(type === null ? [] : [type])].join(NUL));
}

/** Of a POST's bytes, and of its headers as they are stored. */
export function postChecksum(body: Uint8Array, headers: string | null): number {
  return headers === null ? bytesChecksum(body) : bytesChecksum(body, headers);
}

/** Whether what was read is what was written, as far as the stored checksum tells. */
export function isSound(stored: number | null, computed: () => number): boolean {
  return stored === null || stored === computed();
}

/** Signed, so that SQLite stores four bytes. */
function checksum(text: string): number {
  return Bun.hash.crc32(text) | 0;
}
