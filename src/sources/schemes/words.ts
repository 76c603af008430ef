/** A scheme in words, for people who read or write a configuration. */
import type { GenericScheme } from "./generic.ts";

const TOLERANCE_SECONDS = 300;
const SYMMETRIC = /^(hmac-)?(md5|sha1|sha256|sha384|sha512)$/;
const KEY_PAIR: Readonly<Record<string, string>> = {
  ed25519: "Ed25519",
  "ecdsa-p256-sha256": "ECDSA (P-256, SHA-256)",
  "rsa-sha256": "RSA (SHA-256)",
  "rsa-sha1": "RSA (SHA-1)",
};

/** What proves a request, such as `HMAC-SHA256 in the header X-Signature`. */
export function proofInWords(scheme: GenericScheme): string {
  const others = (scheme.alternatives ?? []).map(
    ({ secret_prefix, algorithm }) =>
      `, ${KEY_PAIR[algorithm] ?? algorithm.toUpperCase()} by a ${secret_prefix}… secret`,
  );
  return `${mainProofInWords(scheme)}${others.join("")}`;
}

function mainProofInWords(scheme: GenericScheme): string {
  const { algorithm = "", issuer, jwks_url, certificate } = scheme;
  const at = placeInWords(scheme);
  if (SYMMETRIC.test(algorithm)) return `${algorithm.toUpperCase()} in ${at}`;
  const pair = KEY_PAIR[algorithm];
  const certified = certificate === undefined ? "" : `, by the certificate that the ${certificate} names`;
  if (pair !== undefined) return `${pair} signature in ${at}${certified}`;
  if (algorithm.startsWith("jwt-hs")) return `JWT (${sizesOf(algorithm)}) by the secret in ${at}`;
  if (algorithm.startsWith("jwt-"))
    return `JWT (${sizesOf(algorithm)}) for the audience that the secret is, by a key of ${jwks_url ?? issuer}, in ${at}`;
  if (algorithm === "basic") return `user and password in ${at}`;
  if (algorithm === "bearer") return `the secret as a bearer token in ${at}`;
  if (algorithm === "sns") return "Amazon SNS's signature, by the certificate that it names";
  return algorithm === "none" ? "nothing but the sender's network" : `the secret itself in ${at}`;
}

function sizesOf(algorithm: string): string {
  return algorithm.slice("jwt-".length).toUpperCase();
}

function placeInWords({ algorithm = "", header, query, form, json, each }: GenericScheme): string {
  const of = each === undefined ? "" : ` of each item of ${each}`;
  if (query !== undefined) return `the parameter ${query} of the address`;
  if (form !== undefined) return `the form's field ${form}`;
  if (json !== undefined) return `${json}${of === "" ? " of the body" : of}`;
  const usual = /^(basic|bearer|jwt-)/.test(algorithm) ? "Authorization" : "";
  return `the header ${[header ?? usual].flat().join(" or ")}`;
}

/** What nobody can change on the way. */
export function coverageInWords(scheme: GenericScheme): string {
  const { algorithm = "", signed = "", payload_hash, url_hash } = scheme;
  if (algorithm === "sns") return "the members of the message";
  if (algorithm.startsWith("jwt-")) {
    const url = isOn(url_hash) ? ", and the URL" : "";
    return isOn(payload_hash) ? `the body, by its hash in the token${url}` : NO_BODY;
  }
  if (/\{(body|(md5|sha1|sha256|sha384|sha512)\(body\)[^}]*)\}/.test(signed)) return "every byte of the body";
  if (signed.includes("{parameters}")) return "every parameter of the form";
  return /\{(json|form)\./.test(signed) ? "of the body what is signed, and nothing else" : NO_BODY;
}

const NO_BODY = "not the body: whoever has a proof can send anything with it";

export function replayInWords(scheme: GenericScheme): string {
  const { algorithm = "", tolerance_seconds = TOLERANCE_SECONDS } = scheme;
  if (algorithm.startsWith("jwt-")) return "as long as the token says";
  return scheme.timestamp === undefined &&
    scheme.timestamp_header === undefined &&
    scheme.timestamp_part === undefined
    ? "the same again is a duplicate, at any time"
    : `refused when its time is more than ${tolerance_seconds} s from now`;
}

function isOn(flag: boolean | string | undefined): boolean {
  return flag !== undefined && flag !== false && flag !== "false";
}
