/** Cursors: a place in the order of messages as opaque text. */
import { instantKey, isInstant } from "../../core/instant.ts";
import type { SortKey } from "../../core/store.ts";

export function encodeCursor(position: SortKey): string {
  return Buffer.from(JSON.stringify([position.tsKey, position.messageId])).toString("base64url");
}

/** The place that a cursor names; undefined when the text is no cursor of ours. */
export function decodeCursor(text: string): SortKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [tsKey, messageId] = value as readonly unknown[];
  if (typeof tsKey !== "string" || typeof messageId !== "string" || messageId.includes("\0"))
    return undefined;
  const instant = `${tsKey}Z`;
  return isInstant(instant) && instantKey(instant) === tsKey && messageId.isWellFormed()
    ? { tsKey, messageId }
    : undefined;
}
