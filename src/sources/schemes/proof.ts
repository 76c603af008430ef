/** What a scheme is asked: whether a request proves that whoever knows a secret has sent it. */
import type { KeptHeaders } from "../../core/parsed-body.ts";
import type { BodyCheck, Refusal, RequestHead, SignedRequest, Verdict } from "../../core/source.ts";
import { bytesOfBase64 } from "../../lib/base64.ts";
import { BeyondBounds } from "../../lib/bounds.ts";
import { isPublicKey } from "../../lib/public-key.ts";

export interface SchemeRules {
  /** Whether a request with another body is refused. */
  readonly coversBody: boolean;
  /** Whether it rests on a hash that is known to be weak. */
  readonly weak?: boolean;
  /** Whether the signature of a request without a body covers its query. */
  readonly coversQuery: boolean;
  /**
   * Whether the signature and its time stand in what is stored, so that a retry has other bytes.
   */
  readonly signsWithin?: boolean;
  /**
   * What the head tells: a refusal, or what remains to be checked with the body. It takes no longer
   * for what a stranger wrote. `now` in milliseconds since 1970. Constant in time as to secrets and
   * signatures.
   */
  begin(head: RequestHead, now: number): Refusal | BodyCheck;
  /**
   * Has the keys at hand that `verify` and the check of the body read, where they are fetched from
   * somebody. Throws a `Failure` with 503 when they can't be had.
   */
  prepare?(request: SignedRequest, now: number): Promise<void>;
  /**
   * Does what the sender asks a verified request's receiver to do before it answers. Throws a
   * `Failure` with 503 when that can't be done, so that it is asked again.
   */
  confirm?(request: SignedRequest): Promise<void>;
  /**
   * What makes a POST pass `verify`, by the first secret; for trials. Absent where only the sender
   * can sign.
   */
  sign?(request: Unsigned, now: number): Signature;
}

export interface Scheme extends SchemeRules {
  /** Both steps at once. */
  verify(request: SignedRequest, now: number): Verdict;
}

/** A request that is to be signed. */
export interface Unsigned extends Pick<SignedRequest, "body" | "url"> {
  /** Of the body, where it is known. */
  readonly contentType?: string;
  /** Of a request that came before: what of it is signed stays, but for the time. */
  readonly keptHeaders?: KeptHeaders;
}

/** A request that is too much of something to be looked at is no proof. */
export function defineScheme(rules: SchemeRules): Scheme {
  const begin: SchemeRules["begin"] = (head, now) => {
    const begun = unlessBeyond(() => rules.begin(head, now));
    return typeof begun === "function" ? (body) => unlessBeyond(() => begun(body)) : begun;
  };
  const { prepare } = rules;
  return {
    ...rules,
    begin,
    ...(prepare !== undefined && {
      prepare: async (request, now) => {
        try {
          await prepare(request, now);
        } catch (error) {
          // `begin` refuses it.
          if (!(error instanceof BeyondBounds)) throw error;
        }
      },
    }),
    verify(request, now) {
      const begun = begin(request, now);
      return typeof begun === "function" ? begun(request.body) : begun;
    },
  };
}

function unlessBeyond<T>(look: () => T): T | Refusal {
  try {
    return look();
  } catch (error) {
    if (error instanceof BeyondBounds) return refused(`it is too much to be looked at: ${error.message}`);
    throw error;
  }
}

export interface Signature {
  readonly headers: Readonly<Record<string, string>>;
  /** In place of the body that was given, where the signature is a part of it. */
  readonly body?: Uint8Array;
  /** Behind the URL's query, where the signature or the token is a part of it. */
  readonly query?: string;
  /** The header that holds the secret as it is, and must be shown to nobody. */
  readonly secretHeader?: string;
  /** How it holds it, where HTTP's own authentication is written around it. */
  readonly secretWritten?: "basic" | "bearer";
  /** In words, where else the secret stands as it is. */
  readonly secretIn?: string;
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

/** `base64-or-text` is base64 behind a prefix and where it reads so, else the text itself. */
export type SecretEncoding = "utf8" | "base64" | "hex" | "base64-or-text";

/**
 * The key of a configured secret, which may begin with a prefix that is no part of it: the longest
 * that fits. Throws `SchemeError`, also for a public key: everybody knows it.
 */
export function secretBytes(
  secret: string,
  encoding: SecretEncoding = "utf8",
  prefixes: readonly string[] = [],
): Uint8Array {
  if (isPublicKey(secret))
    throw mistake("this is a public key, which everybody knows: this scheme needs a secret that is shared");
  const prefix = prefixes.reduce(
    (best, each) => (secret.startsWith(each) && each.length > best.length ? each : best),
    "",
  );
  const text = secret.slice(prefix.length);
  if (text.trim() === "") throw mistake("the secret is blank");
  const bytes = bytesOf(text, encoding, prefix !== "");
  if (bytes === undefined) throw mistake("the secret is no base64");
  if (encoding === "hex" && Buffer.from(bytes).toString("hex") !== text.toLowerCase())
    throw mistake("the secret is no hexadecimal");
  if (bytes.length === 0) throw mistake("the secret is blank");
  return bytes;
}

/** Undefined for what isn't written so. */
function bytesOf(text: string, encoding: SecretEncoding, isPrefixed: boolean): Uint8Array | undefined {
  if (encoding === "base64") return bytesOfBase64(text);
  if (encoding !== "base64-or-text") return Buffer.from(text, encoding);
  return bytesOfBase64(text) ?? (isPrefixed ? undefined : Buffer.from(text));
}

function mistake(message: string): SchemeError {
  return new SchemeError(message, SECRET);
}

/** The option of a mistake that is in a secret rather than in what is said of it. */
export const SECRET = "secret";
