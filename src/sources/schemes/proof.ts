/** What a scheme is asked: whether a request proves that whoever knows a secret has sent it. */

/** A request as its sender signed it. */
export interface SignedRequest {
  readonly headers: Headers;
  /** Byte for byte as received. */
  readonly body: Uint8Array;
  /** The full URL as the sender knows it, with the query as received: never taken from `Host` or forwarded headers. */
  readonly url: string;
}

/** Why a request is no proof, for the operator's eyes: the sender is told nothing of it. */
export interface Refusal {
  readonly proven: false;
  readonly why: string;
  /** The strings whose signature would have been a proof; they hold no secret. */
  readonly signed?: readonly string[];
}

export type Verdict =
  | { readonly proven: true; readonly claims?: Readonly<Record<string, unknown>> }
  | Refusal;

export interface Scheme {
  /** `now` in milliseconds since 1970. Constant in time as to secrets and signatures. */
  verify(request: SignedRequest, now: number): Verdict;
}

export function refused(why: string, signed?: readonly string[]): Refusal {
  return { proven: false, why, ...(signed !== undefined && { signed }) };
}

/** A scheme or a secret that can't be used as it is configured. */
export class SchemeError extends Error {
  override readonly name = "SchemeError";
}

export type SecretEncoding = "utf8" | "base64" | "hex";

/** The key of a configured secret, which may begin with a prefix that is no part of it. Throws `SchemeError`. */
export function secretBytes(secret: string, encoding: SecretEncoding = "utf8", prefix = ""): Uint8Array {
  const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : secret;
  if (text.trim() === "") throw new SchemeError("the secret is blank");
  const bytes = Buffer.from(text, encoding);
  const unpadded = text.replace(/=+$/, "");
  if (encoding === "base64" && bytes.toString("base64").replace(/=+$/, "") !== unpadded)
    throw new SchemeError("the secret is no base64");
  if (encoding === "hex" && bytes.toString("hex") !== text.toLowerCase())
    throw new SchemeError("the secret is no hexadecimal");
  return bytes;
}
