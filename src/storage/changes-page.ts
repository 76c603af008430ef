/** How much of the log goes into one page of changes, whatever engine it was read from. */
import type { EventRecord, MessageRecord } from "../core/log-record.ts";
import { BODIES_BYTES_MAX } from "../core/store.ts";

type LogRow = MessageRecord | EventRecord;

/**
 * The number of the POST that a record is a part of; undefined for the native source's, which have
 * none.
 */
export function deliveryOf(record: LogRow): number | undefined {
  return "delivery" in record ? record.delivery : undefined;
}

/**
 * As many of the first records as have room together with the bytes of their POSTs; at least one,
 * if there is any.
 */
export function withRoom(
  records: readonly LogRow[],
  bytesOf: (delivery: number) => number,
): readonly LogRow[] {
  const counted = new Set<number>();
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const delivery = deliveryOf(record);
    if (delivery === undefined || counted.has(delivery)) continue;
    bytes += bytesOf(delivery);
    if (bytes > BODIES_BYTES_MAX && counted.size > 0) return records.slice(0, index);
    counted.add(delivery);
  }
  return records;
}
