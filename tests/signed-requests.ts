/** Requests that tests of signatures show to a scheme. */
import type { SignedRequest } from "../src/core/source.ts";
import type { Scheme } from "../src/sources/schemes/proof.ts";

export const HOOK = "https://hooks.example.com/in";
export const AT = 1_600_000_000_000;

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly url?: string;
}

export function request({ method = "POST", headers = {}, body = "", url = HOOK }: Sent): SignedRequest {
  return { method, headers: new Headers(headers), body: Buffer.from(body as string), url };
}

/** "proven", or why it is none. */
export function whyOf(scheme: Scheme, sent: Sent, now = AT): string {
  const verdict = scheme.verify(request(sent), now);
  return verdict.proven ? "proven" : verdict.why;
}

export const HMAC = {
  header: "X-Signature",
  algorithm: "hmac-sha256",
  encoding: "hex",
  signed: "{body}",
} as const;
export const hmac = (text: string | Uint8Array, secret = "s", algorithm: "sha256" | "sha384" = "sha256") =>
  new Bun.CryptoHasher(algorithm, secret).update(text).digest("hex");
export const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
