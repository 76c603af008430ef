/**
 * Which headers of a provider's request are kept beside its body: those that are named, and never
 * one that could prove who sent it, whoever names it.
 */
import type { KeptHeaders } from "../core/parsed-body.ts";
import { FIELD_NAME, fieldText } from "../lib/header-field.ts";
import { storable } from "./fields.ts";
import { SchemeError } from "./schemes/proof.ts";

/** Of one request; what is beyond isn't kept. */
const HEADERS_MAX = 64;
/** Of names and values together, in UTF-8. */
const HEADERS_BYTES_MAX = 8 * 1024;

/** Kept of every configured source. */
export const ALWAYS_KEPT = ["content-type", "user-agent"];

/** A name, or the beginning of names, with `*` behind it. */
const NAMES = new RegExp(`^(${FIELD_NAME})$`);

/** In any place of a name, in lower case and with `-` for `_`, `.` and the like. */
const DENIED_PARTS = [
  ...["authorization", "authentication", "cookie", "credential", "signature", "secret", "token", "hmac"],
  ...["password", "passwd", "passphrase", "jwt", "api-key", "apikey", "access-key", "private-key"],
  ...[
    "sas-key",
    "webhook-key",
    "client-cert",
    "account-key",
    "functions-key",
    "master-key",
    "shared-key",
    "signing-key",
    "subscription-key",
  ],
];
/** As a whole word of a name. */
const DENIED_WORD = /(^|-)(auth|sig|sign|session|bearer|otp|pin|pass|pwd|csrf|xsrf|saml)(-|$)/;
/** Tells retries apart and proves nothing. */
const IDEMPOTENCY_TOKEN = /idempotency-token/g;
/** Who was connected: kept only where somebody says so, not by `x-*`. */
const CLIENT_NAMES =
  /^(forwarded|via|client-ip|.*-connecting-ip|true-client-ip|x-(real|client)-ip|x-forwarded)/;

/** Whether a header with this name may hold what proves who sent a request. */
function mayProve(name: string): boolean {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "-")
    .replace(IDEMPOTENCY_TOKEN, "");
  return DENIED_PARTS.some((part) => plain.includes(part)) || DENIED_WORD.test(plain);
}

interface HeaderRules {
  /** Of the kind or its preset. */
  readonly ofKind: readonly string[];
  /** Of the source's `keep_headers`. */
  readonly ofSource: readonly string[];
  /** Those in which the scheme looks for its proof. */
  readonly proofs: readonly string[];
  /** A header that says one of these isn't kept, whatever its name. */
  readonly secrets: readonly string[];
}

/**
 * Reads what is kept of a request's headers; undefined when there are none. Throws `SchemeError`
 * when the source names a header that never is, or what can't be one's name.
 */
export function headerKeeper(rules: HeaderRules): (headers: Headers) => KeptHeaders | undefined {
  const { ofKind, ofSource } = rules;
  const secrets = rules.secrets.flatMap(spellings);
  const proofs = new Set(rules.proofs.map((name) => name.toLowerCase()));
  const isNever = (name: string) => mayProve(name) || proofs.has(name);
  for (const [index, name] of ofSource.entries()) {
    const option = `keep_headers/${index}`;
    if (!NAMES.test(name) || /\*./.test(name))
      throw new SchemeError("this is no name of a header, nor the beginning of one with * behind it", option);
    if (isNever(name.toLowerCase().replace(/\*$/, "")))
      throw new SchemeError("a header that may prove who sent a request is never kept", option);
  }
  const wanted = [...ALWAYS_KEPT, ...ofKind, ...ofSource].map((name) => name.toLowerCase());
  const exact = new Set(wanted);
  const beginnings = wanted.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  const isWanted = (name: string) =>
    exact.has(name) ||
    beginnings.some(
      (beginning) => name.startsWith(beginning) && (!CLIENT_NAMES.test(name) || CLIENT_NAMES.test(beginning)),
    );
  return (headers) => {
    const kept: [name: string, value: string][] = [];
    let bytes = 0;
    for (const [name, received] of headers) {
      if (!isWanted(name) || isNever(name)) continue;
      const value = storable(fieldText(received));
      if (secrets.some((secret) => says(value, secret) || says(received, secret))) continue;
      const more = Buffer.byteLength(name) + Buffer.byteLength(value);
      if (kept.length === HEADERS_MAX || bytes + more > HEADERS_BYTES_MAX) continue;
      bytes += more;
      kept.push([name, value]);
    }
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  };
}

/** Shorter ones may stand in any text by chance. */
const SECRET_CHARS_MIN = 8;

/** As it is, as Basic authentication writes it, and as a URL does. */
function spellings(secret: string): readonly string[] {
  return [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret.toWellFormed())];
}

function says(value: string, secret: string): boolean {
  return secret.length < SECRET_CHARS_MIN ? value === secret : value.includes(secret);
}
