/** Keys that a test publishes: what would be fetched is in a map, and what was is noted. */
import { constants, type KeyObject, sign } from "node:crypto";
import { DocumentUnavailable } from "../../src/lib/fetch-document.ts";
import { PublishedKeys } from "../../src/sources/schemes/published-keys.ts";
import { steeredClock } from "../steered-clock.ts";

export function newPublisher() {
  const clock = steeredClock();
  const documents = new Map<string, string | object>();
  /** URLs, in the order in which they were asked for; behind a private one `private`. */
  const asked: string[] = [];
  const keys = new PublishedKeys(clock, async (url, allowPrivate) => {
    asked.push(`${url.href}${allowPrivate ? " private" : ""}`);
    const document = documents.get(url.href);
    if (document === undefined) throw new DocumentUnavailable(`${url.host} answered 404, not 200`);
    return Buffer.from(typeof document === "string" ? document : JSON.stringify(document));
  });
  return { keys, clock, documents, asked };
}

/** As it stands in a set of keys. */
export function jwkOf(key: KeyObject, members: object = {}): object {
  return { ...key.export({ format: "jwk" }), use: "sig", ...members };
}

/** A token by any of the algorithms with a public key (RFC 7518), whatever the key is. */
export function tokenBy(key: KeyObject, header: { readonly alg: string }, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part(header)}.${part(claims)}`;
  const { alg } = header;
  const hash = `sha${alg.slice(2)}`;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  const isPss = alg.startsWith("PS");
  const isEc = key.asymmetricKeyType === "ec";
  const signature = sign(hash, Buffer.from(text), {
    key,
    ...(isPss && !isEc && { padding, saltLength }),
    ...(isEc && { dsaEncoding: "ieee-p1363" as const }),
  });
  return `${text}.${signature.toString("base64url")}`;
}
