/**
 * What the name and the value of an HTTP header may be (RFC 9110, sections 5.1 and 5.5), told
 * before one is sent.
 */

/** A token of section 5.6.2, as a pattern. */
export const FIELD_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/**
 * Bun's parser takes no more than 16 KiB of headers together; the request line and `Host` are among
 * them.
 */
export const FIELD_CHARS_MAX = 16_000;

const NAME = new RegExp(`^${FIELD_NAME}$`);
/**
 * Bytes from 0x80 on are obs-text, which parsers give us as Latin-1. White space around a value is
 * no part of it.
 */
const VALUE = /^(?![ \t])[\t\x20-\x7e\x80-\xff]+$/;

/**
 * Names whose values HTTP's own machinery reads, changes or takes away on the way (section 7.6.1,
 * and what frames a message).
 */
const TAKEN = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["content-length", "content-type", "expect", "host"],
]);

/** Why no sender's header can have this name and hold a value of ours; undefined when it can. */
export function fieldNameMistake(name: string): string | undefined {
  if (!NAME.test(name) || name.length > FIELD_CHARS_MAX)
    return "this is no name of a header: it takes letters, digits and - without spaces, such as X-Signature";
  return TAKEN.has(name.toLowerCase())
    ? "HTTP itself uses this header: no sender can put something else into it"
    : undefined;
}

/** Whether a header can carry the text so that it arrives as it is. */
export function isFieldValue(text: string): boolean {
  return text.length <= FIELD_CHARS_MAX && VALUE.test(text) && !/[ \t]$/.test(text);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** HTTP's parsers give bytes as Latin-1; where they are UTF-8 that is what was meant. */
export function fieldText(received: string): string {
  try {
    return utf8.decode(Buffer.from(received, "latin1"));
  } catch {
    return received;
  }
}
