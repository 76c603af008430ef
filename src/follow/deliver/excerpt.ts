/** What is kept of an answer or a failure: one short line that any database and terminal takes. */
import { visibleText } from "../../lib/visible-text.ts";

const EXCERPT_BYTES_MAX = 1024;

/** At most 1 KiB of UTF-8, white space as single spaces, control characters as escapes. */
export function excerptOf(text: string): string {
  const line = Buffer.from(visibleText(text.replace(/\s+/g, " ").trim()));
  if (line.length <= EXCERPT_BYTES_MAX) return line.toString();
  // As a stream it leaves out a character that isn't whole.
  return new TextDecoder().decode(line.subarray(0, EXCERPT_BYTES_MAX), { stream: true });
}
