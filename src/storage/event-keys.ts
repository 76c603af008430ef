/**
 * Under which keys an event is kept whose own key has other content already, on every engine.
 * Whoever stores it takes the first that is free, unless one before it has the same content: so
 * neither is it lost, nor is a retry of it kept again.
 */

/** `KEY#2`, `KEY#3`, … up to this: where a whole POST has one key, each of them is one more try. */
export const NUMBERED_KEYS_MAX = 20;

/** What tells events of one key apart, beside their types. */
export function contentDigest(kind: string, own: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(`${kind}\0`).update(own).digest("hex");
}

/** Whether the provider calls both the same, as far as that is known of both. */
export function areOneType(one: string | null, other: string | null): boolean {
  return one === other || one === null || other === null;
}

/**
 * `KEY#2` up to `KEY#20`, then `KEY#DIGEST`; should somebody have given that name to other
 * content, what is further of it.
 */
export function* furtherKeys(key: string, digest: string): Generator<string, never> {
  for (let base = key; ; ) {
    for (let number = 2; number <= NUMBERED_KEYS_MAX; number++) yield `${base}#${number}`;
    base = `${base}#${digest}`;
    yield base;
  }
}
