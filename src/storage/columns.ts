/**
 * Which column keeps which field of a stored row, on every engine: a field without its column
 * doesn't compile. Whatever else a table holds is its engine's own.
 */

import type { Failure } from "../core/deliveries.ts";
import type { EventRecord, ProviderMessageRecord } from "../core/log-record.ts";
import type { LoggedMessage } from "../core/message.ts";
import type { KeptHeaders } from "../core/parsed-body.ts";

/** A column for each field of `Row`. */
type Columns<Row> = { readonly [Field in keyof Row]-?: string };

/** Of `messages`, but for `seq`, which PostgreSQL works out. */
export const MESSAGE_COLUMNS: Columns<Omit<LoggedMessage, "seq">> = {
  message_id: "message_id",
  from: "from_msisdn",
  to: "to_msisdn",
  ts: "ts",
  text: "text",
  created_at: "created_at",
};

/** What stands beside a provider's message. */
export const DETAIL_COLUMNS: Columns<Omit<ProviderMessageRecord, keyof LoggedMessage>> = {
  source: "source",
  type: "type",
  delivery: "delivery",
  start: "start",
  stop: "stop",
};

/** Of `events`, but for `seq`. */
export const EVENT_COLUMNS: Columns<Omit<EventRecord, "seq">> = {
  source: "source",
  kind: "kind",
  type: "type",
  event_key: "event_key",
  message_id: "message_id",
  ts: "ts",
  created_at: "created_at",
  delivery: "delivery",
  start: "start",
  stop: "stop",
};

/** Of `failures`, but for the destination's name. */
export const FAILURE_COLUMNS: Columns<Failure> = {
  seq: "seq",
  replay: "replay",
  position: "position",
  kind: "kind",
  source: "source",
  message_id: "message_id",
  from: "from_msisdn",
  sender: "sender",
  state: "state",
  attempts: "attempts",
  last_status: "last_status",
  cause: "cause",
  excerpt: "excerpt",
  first_at: "first_at",
  last_at: "last_at",
  next_at: "next_at",
};

const { created_at: _, ...SHOWN } = MESSAGE_COLUMNS;
/** What a list shows of a message. */
export const SHOWN_COLUMNS: Columns<Omit<LoggedMessage, "seq" | "created_at">> = SHOWN;

/**
 * What is kept of a POST's headers, which a column has as JSON; null where it has none, or what the
 * disk has made no JSON.
 */
export function headersOf(column: string | null): KeptHeaders | null {
  try {
    return column === null ? null : (JSON.parse(column) as KeptHeaders);
  } catch {
    return null;
  }
}

/**
 * What a `select` reads to give these fields under their names; `table` stands before each column.
 */
export function selected(columns: Readonly<Record<string, string>>, table = ""): string {
  const of = table === "" ? "" : `${table}.`;
  return Object.entries(columns)
    .map(([field, column]) => (field === column ? `${of}${column}` : `${of}${column} as "${field}"`))
    .join(", ");
}
