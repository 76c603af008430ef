/** A page of messages from rows that an engine has read in the order of pages. */
import type { Message } from "../core/message.ts";
import type { Page } from "../core/store.ts";

export interface KeyedMessage extends Message {
  readonly ts_key: string;
}

/**
 * Of rows of which one more than `limit` was asked for: whether it is there tells whether a page
 * follows.
 */
export function pageOfRows(rows: readonly KeyedMessage[], total: number, limit: number): Page {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    data: rows
      .slice(0, limit)
      .map(({ message_id, from, to, ts, text }) => ({ message_id, from, to, ts, text })),
    total,
    ...(last !== undefined && { next: { tsKey: last.ts_key, messageId: last.message_id } }),
  };
}
