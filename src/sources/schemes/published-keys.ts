/**
 * Keys that others publish: sets of JSON Web Keys (RFC 7517) and certificates. They are fetched
 * before a request is verified, and remembered for the process; verifying only reads them.
 */
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { KeysUnavailable } from "../../core/errors.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { DocumentUnavailable, documentFetcher, type FetchDocument } from "../../lib/fetch-document.ts";
import { Remembered } from "../../lib/remembered.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A key set's keys count so long when nobody can be asked for newer ones. */
const KEY_SET_FRESH_MS = 10 * MINUTE_MS;
const KEYS_OF_SET_MAX = 100;
const CERTIFICATES_MAX = 64;
/** Requests name their certificate: so many are asked for within a minute. */
const CERTIFICATES_PER_MINUTE = 30;
/** Bits of an RSA key; longer ones cost more than a signature is worth. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const PRIVATE_PARTS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** At its URL, or where the issuer says (OpenID Connect Discovery 1.0, section 4). */
export interface KeySetPlace {
  readonly from: { readonly jwksUrl: string } | { readonly issuer: string };
  readonly allowPrivate: boolean;
}

export interface PublishedKey {
  readonly kid: string | undefined;
  /** The only algorithm that it is for; undefined for any that fits. */
  readonly alg: string | undefined;
  /** `RSA`, or the curve. */
  readonly type: string;
  readonly key: KeyObject;
}

export class PublishedKeys {
  readonly #clock: Clock;
  readonly #fetchDocument: FetchDocument;
  /** As many as configurations name. */
  readonly #keySets = new Map<string, Remembered<readonly PublishedKey[]>>();
  readonly #certificates = new Map<string, Remembered<X509Certificate>>();
  #certificatesAsked = 0;
  #minuteEndsAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, fetchDocument: FetchDocument) {
    this.#clock = clock;
    this.#fetchDocument = fetchDocument;
  }

  /** The keys that are known now. */
  keySet(place: KeySetPlace): readonly PublishedKey[] | undefined {
    return this.#keySetAt(place).value;
  }

  /** The certificate, as far as it is known now. */
  certificate(url: URL): X509Certificate | undefined {
    return this.#certificates.get(url.href)?.value;
  }

  /** Until the set is known and, if it ever will, holds the key `kid`. Throws `KeysUnavailable`. */
  async wantKeySet(place: KeySetPlace, kid: string | undefined): Promise<void> {
    const isEnough = (keys: readonly PublishedKey[]) =>
      kid === undefined || keys.some((key) => key.kid === kid);
    await orUnavailable(this.#keySetAt(place).want(isEnough));
  }

  /** Until it is known. Throws `KeysUnavailable`. */
  async wantCertificate(url: URL, allowPrivate: boolean): Promise<void> {
    const remembered = this.#certificates.get(url.href) ?? this.#newCertificate(url, allowPrivate);
    await orUnavailable(remembered.want());
  }

  /** Fetches what only has to be fetched. Throws `KeysUnavailable`. */
  async visit(url: URL, allowPrivate: boolean): Promise<void> {
    await orUnavailable(this.#fetchDocument(url, allowPrivate));
  }

  #keySetAt(place: KeySetPlace): Remembered<readonly PublishedKey[]> {
    const key = JSON.stringify([place.from, place.allowPrivate]);
    const known = this.#keySets.get(key);
    if (known !== undefined) return known;
    const remembered = new Remembered({
      fetch: async () => keysOf(await this.#json(await this.#keySetUrl(place), place.allowPrivate)),
      freshMs: KEY_SET_FRESH_MS,
      usableMs: DAY_MS,
      clock: this.#clock,
    });
    this.#keySets.set(key, remembered);
    return remembered;
  }

  async #keySetUrl({ from, allowPrivate }: KeySetPlace): Promise<URL> {
    if ("jwksUrl" in from) return new URL(from.jwksUrl);
    const base = withoutSlash(from.issuer);
    const document = await this.#json(new URL(`${base}/.well-known/openid-configuration`), allowPrivate);
    const { issuer, jwks_uri } = document as { issuer?: unknown; jwks_uri?: unknown };
    if (typeof issuer !== "string" || !isSameIssuer(issuer, base))
      throw new DocumentUnavailable(`the configuration at ${base} is another issuer's`);
    if (typeof jwks_uri !== "string" || !URL.canParse(jwks_uri))
      throw new DocumentUnavailable(`the configuration at ${base} names no keys`);
    return new URL(jwks_uri);
  }

  /** What it names is fetched from nowhere else, and by https alone, as everything is. */
  async #json(url: URL, allowPrivate: boolean): Promise<object> {
    const text = Buffer.from(await this.#fetchDocument(url, allowPrivate)).toString();
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value;
    } catch {}
    throw new DocumentUnavailable(`what ${url.host} sends is no JSON object`);
  }

  #newCertificate(url: URL, allowPrivate: boolean): Remembered<X509Certificate> {
    const remembered = new Remembered({
      fetch: async () => {
        this.#countCertificate();
        return certificateOf(await this.#fetchDocument(url, allowPrivate), url.host);
      },
      freshMs: DAY_MS,
      usableMs: DAY_MS,
      clock: this.#clock,
    });
    if (this.#certificates.size >= CERTIFICATES_MAX) this.#certificates.delete(this.#leastOfUse());
    this.#certificates.set(url.href, remembered);
    return remembered;
  }

  /** Throws `DocumentUnavailable` when too many are asked for. */
  #countCertificate(): void {
    const now = this.#clock.elapsed();
    if (now >= this.#minuteEndsAt) {
      this.#minuteEndsAt = now + MINUTE_MS;
      this.#certificatesAsked = 0;
    }
    if (++this.#certificatesAsked > CERTIFICATES_PER_MINUTE)
      throw new DocumentUnavailable("too many certificates that aren't known are asked for");
  }

  /** One that was never had, else the oldest: what strangers make up drives out no other. */
  #leastOfUse(): string {
    const all = [...this.#certificates];
    const never = all.find(([, { value, isUnderway }]) => value === undefined && !isUnderway);
    return (never ?? all[0])?.[0] ?? "";
  }
}

/** Those of this thread. */
export const publishedKeys = new PublishedKeys(systemClock, documentFetcher({ clock: systemClock }));

/** It is the same with and without a slash behind it. */
export function isSameIssuer(one: string, other: string): boolean {
  return withoutSlash(one) === withoutSlash(other);
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, "");
}

async function orUnavailable(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof DocumentUnavailable ? new KeysUnavailable(error.message) : error;
  }
}

/** Those for signatures that can be used. */
function keysOf(document: object): readonly PublishedKey[] {
  const { keys } = document as { keys?: unknown };
  const found = (Array.isArray(keys) ? keys : []).slice(0, KEYS_OF_SET_MAX).flatMap(keyOf);
  if (found.length === 0) throw new DocumentUnavailable("the set of keys holds none that can be used");
  return found;
}

function keyOf(jwk: unknown): PublishedKey[] {
  if (typeof jwk !== "object" || jwk === null) return [];
  const { kty, crv, kid, alg, use, key_ops } = jwk as Record<string, unknown>;
  const isForSignatures = use === undefined || use === "sig";
  const isForVerifying = !Array.isArray(key_ops) || key_ops.includes("verify");
  // A set that gives a private key away proves nothing.
  if (!isForSignatures || !isForVerifying || PRIVATE_PARTS.some((part) => part in jwk)) return [];
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    if (kty === "RSA" ? !isLongEnough(key) : kty !== "EC") return [];
    return [{ kid: textOr(kid), alg: textOr(alg), type: kty === "RSA" ? "RSA" : String(crv), key }];
  } catch {
    return [];
  }
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isLongEnough(key: KeyObject): boolean {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX;
}

/** Of several in PEM the first, which is the signer's. */
function certificateOf(bytes: Uint8Array, host: string): X509Certificate {
  try {
    const certificate = new X509Certificate(bytes);
    const { asymmetricKeyType } = certificate.publicKey;
    if (asymmetricKeyType === "rsa" && isLongEnough(certificate.publicKey)) return certificate;
  } catch {}
  throw new DocumentUnavailable(
    `what ${host} sends is no certificate with an RSA key of ${RSA_BITS_MIN} bits`,
  );
}
