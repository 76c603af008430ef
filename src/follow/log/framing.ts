/** How a stream of the log is written: as Server-Sent Events, or as lines of JSON. */
import type { FollowedRecord } from "../followed-record.ts";

/** Milliseconds after which a browser connects again. */
const RETRY_MS = 2000;

export interface Framing {
  readonly type: string;
  /** What a client is told at first, with the position at which it begins unless it knows that. */
  readonly begin: (position: string | undefined) => string;
  readonly record: (followed: FollowedRecord) => string;
  /** That the connection lives; `moved` is the position where that has changed without a record. */
  readonly heartbeat: (moved: string | undefined) => string;
  /** The position didn't hold: from here on comes everything behind this one. */
  readonly reset: (start: string) => string;
}

/** WHATWG HTML, "Server-sent events". An `id` alone makes no event, and is kept by the browser. */
export const EVENT_STREAM: Framing = {
  type: "text/event-stream",
  begin: (position) => `retry: ${RETRY_MS}\n${position === undefined ? "" : `id: ${position}\n`}\n`,
  record: ({ position, isEvent, text }) =>
    `id: ${position}\nevent: ${isEvent ? "event" : "message"}\ndata: ${text}\n\n`,
  heartbeat: (moved) => (moved === undefined ? ":\n\n" : `:\nid: ${moved}\n\n`),
  reset: (start) => `id: ${start}\nevent: reset\ndata: ${JSON.stringify({ start })}\n\n`,
};

export const JSON_LINES: Framing = {
  type: "application/x-ndjson",
  begin: () => "\n",
  record: ({ text }) => `${text}\n`,
  heartbeat: () => "\n",
  reset: (start) => `${JSON.stringify({ reset: { start } })}\n`,
};
