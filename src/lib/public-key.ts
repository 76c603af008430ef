/**
 * Public keys as senders publish them: PEM, base64 of DER (SPKI), and of Ed25519 the 32 bytes in
 * hexadecimal or base64, also after `whpk_` (Standard Webhooks).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { bytesOfBase64 } from "./base64.ts";

export type PublicKeyType = "ed25519" | "ec" | "rsa";

const WORDS: Readonly<Record<PublicKeyType, string>> = {
  ed25519: "Ed25519",
  ec: "ECDSA on P-256",
  rsa: "RSA",
};
const RSA_BITS_MIN = 1024;
const RAW_BYTES = 32;
const PREFIX = "whpk_";
const PEM = /^-----BEGIN ([A-Z0-9 ]+)-----/;

/** The key, or in words what the text is instead; the words repeat nothing of it. */
export function readPublicKey(text: string, type: PublicKeyType): KeyObject | string {
  const given = text.trim().replaceAll("\\n", "\n");
  const [, label = ""] = PEM.exec(given) ?? [];
  if (label.includes("PRIVATE") || given.startsWith("whsk_") || isPrivateDer(given))
    return "this is a private key, which nobody but the sender may have: it takes the public one";
  if (given.startsWith("whsec_")) return "this is a shared secret (whsec_…): it takes a public key";
  if (/^[0-9]{15,20}$/.test(given))
    return "this is an identifier, such as that of an application: it takes the public key";
  if (type !== "ed25519" && /^(?:[0-9a-f]{2}){32,}$/i.test(given))
    return "this is hexadecimal: it takes base64 of DER (SPKI), or PEM";
  if (label !== "" && !label.endsWith("PUBLIC KEY"))
    return `this is PEM of ${label}: it takes the public key`;
  const key = label === "" ? keyOfText(given, type) : attempt(() => createPublicKey(given));
  if (key === undefined)
    return `this is no public key in PEM or in base64 of DER (SPKI)${type === "ed25519" ? ", nor 32 bytes in hex or base64" : ""}; is it cut?`;
  const known = typeOf(key);
  if (known !== type)
    return `this is a public key of ${known === undefined ? otherType(key) : WORDS[known]}: it takes one of ${WORDS[type]}`;
  if (type === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS_MIN)
    return `this is an RSA key of fewer than ${RSA_BITS_MIN} bits`;
  return key;
}

/** Whether the text can't be anything but a public key or a certificate, known to everybody. */
export function isPublicKey(text: string): boolean {
  const given = text.trim();
  if (given.startsWith(PREFIX)) return true;
  const [, label] = PEM.exec(given) ?? [];
  return label === undefined ? derKey(given) !== undefined : /(PUBLIC KEY|CERTIFICATE)$/.test(label);
}

function typeOf(key: KeyObject): PublicKeyType | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === "ed25519" || asymmetricKeyType === "rsa") return asymmetricKeyType;
  return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ec" : undefined;
}

function otherType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  return [asymmetricKeyType, asymmetricKeyDetails?.namedCurve].filter((part) => part !== undefined).join(" ");
}

function keyOfText(text: string, type: PublicKeyType): KeyObject | undefined {
  if (type !== "ed25519") return derKey(text);
  const bare = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  const bytes = /^[0-9a-f]{64}$/i.test(bare) ? Buffer.from(bare, "hex") : bytesOf(bare);
  if (bytes?.length !== RAW_BYTES) return derKey(bare);
  const x = Buffer.from(bytes).toString("base64url");
  return attempt(() => createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }));
}

function derKey(text: string): KeyObject | undefined {
  const bytes = bytesOf(text);
  if (!isDer(bytes)) return undefined;
  return attempt(() => createPublicKey({ key: Buffer.from(bytes), format: "der", type: "spki" }));
}

function isPrivateDer(text: string): boolean {
  const bytes = bytesOf(text);
  if (!isDer(bytes)) return false;
  return (
    attempt(() => createPrivateKey({ key: Buffer.from(bytes), format: "der", type: "pkcs8" })) !== undefined
  );
}

/** Keys are sequences, and longer than any raw one. */
function isDer(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes !== undefined && bytes.length > RAW_BYTES && bytes[0] === 0x30;
}

/** Of base64 or base64url, also in lines. */
function bytesOf(text: string): Uint8Array | undefined {
  return bytesOfBase64(text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/"));
}

function attempt(make: () => KeyObject): KeyObject | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
