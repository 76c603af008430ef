/**
 * Signatures of Standard Webhooks, as a sender makes them
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 */

/** `whsec_` and base64 is decoded; any other text is its UTF-8 bytes. Of a text, never empty. */
export function signingKey(secret: string): Uint8Array {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]{2,}={0,2})$/.exec(secret) ?? [];
  return Buffer.from(encoded ?? secret, encoded === undefined ? "utf8" : "base64");
}

/** `timestamp` in whole seconds since 1970. */
export function webhookSignature(key: Uint8Array, id: string, timestamp: number, body: string): string {
  const hash = new Bun.CryptoHasher("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${hash.digest("base64")}`;
}
