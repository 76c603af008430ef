/**
 * Which records an export holds when it is asked for some of them. The bytes of a POST come with
 * the first of its parts that is wanted, and never alone.
 */
import { instantKey } from "../core/instant.ts";
import { lets } from "../core/lets.ts";
import type { BodyRecord, EventRecord, LogRecord, MessageRecord } from "../core/log-record.ts";
import { filterOf, type LogFilter } from "./flags.ts";

export interface ExportFilter extends LogFilter {
  /** Instants, by `ts`: `since` is included, `until` is not. */
  readonly since?: string;
  readonly until?: string;
}

/** The slices as they are when nothing is asked. */
export function filtered(
  slices: AsyncIterable<readonly LogRecord[]>,
  filter: ExportFilter,
): AsyncIterable<readonly LogRecord[]> {
  const { source, ...others } = filterOf(filter);
  const wanted = { ...others, ...(source !== undefined && { sources: [source] }) };
  const { since, until } = filter;
  if (Object.keys(wanted).length === 0 && since === undefined && until === undefined) return slices;
  const [first, end] = [since, until].map((instant) => instant && instantKey(instant));
  return onlyWanted(slices, (record) => {
    const key = instantKey(record.ts);
    return (first === undefined || key >= first) && (end === undefined || key < end) && lets(wanted, record);
  });
}

async function* onlyWanted(
  slices: AsyncIterable<readonly LogRecord[]>,
  isWanted: (record: MessageRecord | EventRecord) => boolean,
): AsyncGenerator<readonly LogRecord[]> {
  /** Of the POST whose parts come, until one of them is wanted. */
  let body: BodyRecord | undefined;
  for await (const slice of slices) {
    const wanted: LogRecord[] = [];
    for (const record of slice) {
      if ("body_base64" in record) body = record;
      else if (isWanted(record)) {
        if (body !== undefined && "delivery" in record && record.delivery === body.delivery) {
          wanted.push(body);
          body = undefined;
        }
        wanted.push(record);
      }
    }
    if (wanted.length > 0) yield wanted;
  }
}
