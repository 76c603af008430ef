/**
 * Signatures of Standard Webhooks, as a sender makes them
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 */
import { bytesOfBase64 } from "./base64.ts";

const ENCODED = "whsec_";

/**
 * What follows `whsec_` is base64; any other text is its UTF-8 bytes. Undefined when it should be
 * base64 and isn't.
 */
export function signingKey(secret: string): Uint8Array | undefined {
  return secret.startsWith(ENCODED) ? bytesOfBase64(secret.slice(ENCODED.length)) : Buffer.from(secret);
}

/** `timestamp` in whole seconds since 1970. */
export function webhookSignature(key: Uint8Array, id: string, timestamp: number, body: string): string {
  const hash = new Bun.CryptoHasher("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${hash.digest("base64")}`;
}
