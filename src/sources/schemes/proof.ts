/** What a scheme is asked: whether a request proves that whoever knows a secret has sent it. */
import type { BodyCheck, Refusal, RequestHead, SignedRequest, Verdict } from "../../core/source.ts";
import { bytesOfBase64 } from "../../lib/base64.ts";

interface SchemeRules {
  /** Whether the signature of a request without a body covers its query. */
  readonly coversQuery: boolean;
  /**
   * What the head tells: a refusal, or what remains to be checked with the body. It takes no longer
   * for what a stranger wrote. `now` in milliseconds since 1970. Constant in time as to secrets and
   * signatures.
   */
  begin(head: RequestHead, now: number): Refusal | BodyCheck;
  /** What makes a request pass `verify`, by the first secret; for trials. */
  sign(request: Omit<SignedRequest, "headers">, now: number): Signature;
}

export interface Scheme extends SchemeRules {
  /** Both steps at once. */
  verify(request: SignedRequest, now: number): Verdict;
}

export function defineScheme(rules: SchemeRules): Scheme {
  return {
    ...rules,
    verify(request, now) {
      const begun = rules.begin(request, now);
      return typeof begun === "function" ? begun(request.body) : begun;
    },
  };
}

export interface Signature {
  readonly headers: Readonly<Record<string, string>>;
  /** In place of the body that was given, where the signature is a part of it. */
  readonly body?: Uint8Array;
  /** The header that holds the secret as it is, and must be shown to nobody. */
  readonly secretHeader?: string;
}

/** What is said at most of what would have been signed. */
export const SHOWN_BYTES_MAX = 64 * 1024;

export function refused(why: string, signed?: readonly string[]): Refusal {
  return { proven: false, why, ...(signed !== undefined && { signed }) };
}

/** A scheme or a secret that can't be used as it is configured. */
export class SchemeError extends Error {
  override readonly name = "SchemeError";
  /**
   * The option that it is about, as a path such as `scheme/signed`; undefined when it is about the
   * whole.
   */
  readonly option: string | undefined;

  constructor(message: string, option?: string) {
    super(message);
    this.option = option;
  }
}

export type SecretEncoding = "utf8" | "base64" | "hex";

/**
 * The key of a configured secret, which may begin with a prefix that is no part of it. Throws
 * `SchemeError`.
 */
export function secretBytes(secret: string, encoding: SecretEncoding = "utf8", prefix = ""): Uint8Array {
  const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : secret;
  if (text.trim() === "") throw new SchemeError("the secret is blank");
  const bytes = encoding === "base64" ? bytesOfBase64(text) : Buffer.from(text, encoding);
  if (bytes === undefined) throw new SchemeError("the secret is no base64");
  if (encoding === "hex" && Buffer.from(bytes).toString("hex") !== text.toLowerCase())
    throw new SchemeError("the secret is no hexadecimal");
  if (bytes.length === 0) throw new SchemeError("the secret is blank");
  return bytes;
}
