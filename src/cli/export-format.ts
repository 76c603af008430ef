/** The forms of an export: whole records as JSON, or a table without the bytes of POSTs. */
import { stringify } from "csv-stringify/sync";
import type { EventRecord, LogRecord, MessageRecord } from "../core/log-record.ts";
import { NATIVE } from "../core/source.ts";

interface Writer {
  /** What stands before the first record. */
  readonly head: string;
  readonly lines: (records: readonly LogRecord[]) => string;
}

const COLUMNS = [
  ...["seq", "kind", "source", "message_id", "from", "to"],
  ...["ts", "text", "type", "event_key", "created_at"],
];
const CSV_OPTIONS = {
  columns: COLUMNS,
  /** Tells an empty text from none. */
  quoted_match: /^$/,
};

export const WRITERS = {
  ndjson: {
    head: "",
    lines: (records) => records.map((record) => `${JSON.stringify(record)}\n`).join(""),
  },
  csv: {
    head: stringify([COLUMNS]),
    lines: (records) =>
      stringify(
        records.flatMap((record) => ("body_base64" in record ? [] : [rowOf(record)])),
        CSV_OPTIONS,
      ),
  },
} as const satisfies Readonly<Record<string, Writer>>;
export type Format = keyof typeof WRITERS;

function rowOf(record: MessageRecord | EventRecord): object {
  return { kind: "message", source: NATIVE, ...record };
}
