/**
 * How bytes are signed, by which algorithm and key. The configuration chooses the algorithm, and
 * nothing in a request does; a public key never counts as a shared secret.
 */
import { createVerify, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { type PublicKeyType, readPublicKey } from "../../lib/public-key.ts";
import { SchemeError, type SecretEncoding, secretBytes } from "./proof.ts";
import type { Pieces } from "./template.ts";

/** What one secret proves. */
export interface Key {
  /** Whether one of the signatures is of what is signed, which may hold the secret itself. */
  holds(pieces: (secret: Uint8Array) => Pieces, signatures: readonly Uint8Array[]): boolean;
  /** Undefined when only the sender can sign. */
  readonly sign: ((pieces: (secret: Uint8Array) => Pieces) => Uint8Array) | undefined;
}

type Digest = "md5" | "sha1" | "sha256" | "sha384" | "sha512";
const SIZES: Readonly<Record<Digest, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

interface Rules {
  /** `hash` takes the secret from the template, `public` the sender's public key. */
  readonly family: "hmac" | "hash" | "public";
  /** Bytes of a signature; undefined where the key or the sender decides. */
  readonly size: number | undefined;
  readonly weak: boolean;
  key(secret: string, encoding: SecretEncoding | undefined, prefix: readonly string[]): Key;
}

export const ALGORITHMS = {
  "hmac-md5": hmac("md5"),
  "hmac-sha1": hmac("sha1"),
  "hmac-sha256": hmac("sha256"),
  "hmac-sha384": hmac("sha384"),
  "hmac-sha512": hmac("sha512"),
  md5: hash("md5"),
  sha1: hash("sha1"),
  sha256: hash("sha256"),
  sha384: hash("sha384"),
  sha512: hash("sha512"),
  ed25519: publicKey("ed25519", 64, holdsEd25519),
  "ecdsa-p256-sha256": publicKey("ec", undefined, holdsEcdsa),
  "rsa-sha256": publicKey("rsa", undefined, (key, pieces, signature) =>
    verifier("RSA-SHA256", pieces).verify(key, signature),
  ),
  "rsa-sha1": publicKey(
    "rsa",
    undefined,
    (key, pieces, signature) => verifier("RSA-SHA1", pieces).verify(key, signature),
    true,
  ),
} as const satisfies Readonly<Record<string, Rules>>;
export type SignatureAlgorithm = keyof typeof ALGORITHMS;

export function rulesOf(algorithm: SignatureAlgorithm): Rules {
  return ALGORITHMS[algorithm];
}

function hmac(digest: Digest): Rules {
  return shared("hmac", digest, digest === "md5", (secret) => new Bun.CryptoHasher(digest, secret));
}

function hash(digest: Digest): Rules {
  const weak = digest === "md5" || digest === "sha1";
  return shared("hash", digest, weak, () => new Bun.CryptoHasher(digest));
}

function shared(
  family: "hmac" | "hash",
  digest: Digest,
  weak: boolean,
  hasher: (secret: Uint8Array) => Bun.CryptoHasher,
): Rules {
  return {
    family,
    size: SIZES[digest],
    weak,
    key(given, encoding, prefix) {
      const secret = secretBytes(given, encoding, prefix);
      const sign = (pieces: (secret: Uint8Array) => Pieces): Uint8Array => {
        const signature = hasher(secret);
        for (const piece of pieces(secret)) signature.update(piece);
        return signature.digest();
      };
      return {
        sign,
        holds(pieces, signatures) {
          const expected = sign(pieces);
          let proven = false;
          for (const signature of signatures)
            if (signature.length === expected.length) proven = timingSafeEqual(signature, expected) || proven;
          return proven;
        },
      };
    },
  };
}

function publicKey(
  type: PublicKeyType,
  size: number | undefined,
  holds: (key: KeyObject, pieces: Pieces, signature: Uint8Array) => boolean,
  weak = false,
): Rules {
  return {
    family: "public",
    size,
    weak,
    key(given) {
      const key = readPublicKey(given, type);
      if (typeof key === "string") throw new SchemeError(key, "secret");
      return keyOf(key, holds);
    },
  };
}

function keyOf(
  key: KeyObject,
  holds: (key: KeyObject, pieces: Pieces, signature: Uint8Array) => boolean,
): Key {
  return {
    sign: undefined,
    holds(pieces, signatures) {
      const signed = signatures.length === 0 ? [] : pieces(NO_SECRET);
      return signatures.some((signature) => holds(key, signed, signature));
    },
  };
}

/** A key whose certificate was fetched: what is signed may hold the source's secret. */
export function certifiedKey(algorithm: "rsa-sha256" | "rsa-sha1", key: KeyObject, secret: string): Key {
  const bytes = Buffer.from(secret);
  return {
    sign: undefined,
    holds(pieces, signatures) {
      const signed = pieces(bytes);
      return signatures.some((signature) => verifier(algorithm.toUpperCase(), signed).verify(key, signature));
    },
  };
}

const NO_SECRET = new Uint8Array();

/** It is signed in one piece (RFC 8032 hashes it twice), so what has several is put together. */
function holdsEd25519(key: KeyObject, pieces: Pieces, signature: Uint8Array): boolean {
  const [only, ...others] = pieces;
  const whole =
    typeof only === "object" && others.length === 0
      ? only
      : Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)));
  return verify(null, whole, key, signature);
}

const RAW_BYTES = 64;

/**
 * DER as most write it or, of 64 bytes, r and s one behind the other (JOSE). Both are tried where
 * the length doesn't tell: neither holds without the key.
 */
function holdsEcdsa(key: KeyObject, pieces: Pieces, signature: Uint8Array): boolean {
  const holds = (dsaEncoding: "der" | "ieee-p1363") =>
    verifier("SHA256", pieces).verify({ key, dsaEncoding }, signature);
  return (signature.length === RAW_BYTES && holds("ieee-p1363")) || holds("der");
}

function verifier(algorithm: string, pieces: Pieces) {
  const made = createVerify(algorithm);
  for (const piece of pieces) made.update(piece);
  return made;
}
