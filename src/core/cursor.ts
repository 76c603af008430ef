/**
 * Cursors: where a page ended in the order of a list, as opaque text that needs no escaping in a
 * URL.
 */
import { instantKey, isInstant } from "./instant.ts";
import type { EventKey, SortKey } from "./store.ts";

export function encodeMessageCursor({ tsKey, messageId }: SortKey): string {
  return encode([tsKey, messageId]);
}

/** Undefined when the text is no cursor of ours. */
export function decodeMessageCursor(text: string): SortKey | undefined {
  const [tsKey, messageId] = decode(text) ?? [];
  if (tsKey === undefined || typeof messageId !== "string") return undefined;
  return messageId.isWellFormed() && !messageId.includes("\0") ? { tsKey, messageId } : undefined;
}

export function encodeEventCursor({ tsKey, seq }: EventKey): string {
  return encode([tsKey, seq]);
}

/** Undefined when the text is no cursor of ours. */
export function decodeEventCursor(text: string): EventKey | undefined {
  const [tsKey, seq] = decode(text) ?? [];
  if (tsKey === undefined || typeof seq !== "number") return undefined;
  return Number.isSafeInteger(seq) && seq >= 0 ? { tsKey, seq } : undefined;
}

function encode(key: readonly [string, string | number]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** An instant's key and what tells its rows apart. */
function decode(text: string): readonly [tsKey: string, rest: unknown] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [tsKey, rest] = value as readonly unknown[];
  if (typeof tsKey !== "string") return undefined;
  const instant = `${tsKey}Z`;
  return isInstant(instant) && instantKey(instant) === tsKey ? [tsKey, rest] : undefined;
}
