/** Base64 (RFC 4648) as people paste it: with padding or without, and nothing but base64. */

/** Undefined when the text is none; Node's decoder would leave out what it doesn't know. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return unpadded(bytes.toString("base64")) === unpadded(text) ? bytes : undefined;
}

/**
 * Without the signs at the end, by steps: a regular expression would try each of a long run of
 * them.
 */
function unpadded(base64: string): string {
  let end = base64.length;
  while (base64[end - 1] === "=") end--;
  return base64.slice(0, end);
}
