/**
 * Records of the log as JSON, in the form that whoever follows the log is shown. An engine makes it
 * where it reads them, so that the thread that acknowledges isn't held up by a long page.
 */
import type { Changes, ChangesText } from "./changes.ts";
import { bodyMembers } from "./event-row.ts";
import type { EventRecord, MessageRecord } from "./log-record.ts";
import { positionOf } from "./position.ts";
import { NATIVE } from "./source.ts";

export function changesText(changes: Changes, withBody: boolean): ChangesText {
  const { log, records, bodies, position, more, isLost } = changes;
  const shown = records.map((record) =>
    shownRecord(positionOf(log, record), record, withBody ? bodyOf(record, bodies) : undefined),
  );
  return { text: Buffer.from(JSON.stringify(shown)), isEmpty: shown.length === 0, position, more, isLost };
}

/** With its body, unless that is undefined. */
export function shownRecord(
  position: string,
  record: MessageRecord | EventRecord,
  body: Uint8Array | null | undefined,
) {
  const shownBody = body === undefined ? undefined : bodyMembers(body);
  if ("event_key" in record) {
    const { kind, source, event_key, message_id, ts, type, created_at } = record;
    return { position, kind, source, event_key, message_id, ts, type, created_at, ...shownBody };
  }
  const { message_id, from, to, ts, text, created_at } = record;
  const { source, type } = "source" in record ? record : { source: NATIVE, type: null };
  const kind = "message" as const;
  return { position, kind, source, message_id, from, to, ts, text, type, created_at, ...shownBody };
}

/** Null for the native source's, which have no more than their fields. */
export function bodyOf(
  record: MessageRecord | EventRecord,
  bodies: ReadonlyMap<number, Uint8Array>,
): Uint8Array | null {
  if (!("delivery" in record)) return null;
  return (bodies.get(record.delivery) ?? new Uint8Array()).subarray(record.start, record.stop);
}
