/** What Postern asks of a source: tell whether a request proves its origin, and turn its bytes into what is stored. */
import type { FieldError } from "./field-errors.ts";
import type { Delivery } from "./store.ts";

/** What a verified body held: a delivery, or every mistake that was found in it. */
export type Normalised = { readonly delivery: Delivery } | { readonly errors: readonly FieldError[] };

/** The native source's name, which no other source can have. */
export const NATIVE = "native";

/** The native source, whose rules are ours. */
export interface Source {
  /** The name under which it is logged and counted. */
  readonly name: string;
  /**
   * The proof that the headers carry, or undefined when it is missing or malformed: then the request is refused
   * without reading its body.
   */
  proof(headers: Headers): string | undefined;
  /** Whether the proof holds for the body, byte for byte as received; in constant time. */
  verify(proof: string, body: Uint8Array): boolean;
  /** Why a request with these headers was refused, for the operator's eyes. */
  whyRefused(headers: Headers): string;
  /** Only for a body that was verified. */
  normalise(body: Uint8Array): Normalised;
}

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

/** A proof may come with claims: what the token says that is one. */
export interface Proof {
  readonly proven: true;
  readonly claims?: Readonly<Record<string, unknown>>;
}

export type Verdict = Proof | Refusal;

/** An answer in the words of a provider. */
export interface ProviderAnswer {
  readonly status: number;
  /** Of the body. */
  readonly type: string;
  readonly body: string;
}

/** A configured source: a provider's webhook, with its rules. */
export interface ProviderSource {
  /** As configured; it stands before every identifier that is stored. */
  readonly name: string;
  readonly kind: string;
  /** The answer to a handshake by GET; undefined when the query is none. */
  handshake(query: string): ProviderAnswer | undefined;
  /** `request.url` holds path and query only when the source has no public URL. `now` in milliseconds since 1970. */
  verify(request: SignedRequest, now: number): Verdict;
  /** The answer to a verified POST that is a handshake; undefined when it is none. */
  challenge(body: Uint8Array): ProviderAnswer | undefined;
  /** What a verified request brought; there is always something. */
  deliver(request: SignedRequest, proof: Proof, now: number): Delivery;
  /** Once what it brought is on stable storage. */
  readonly accepted: ProviderAnswer;
  /** To a request that is no proof. */
  readonly refusedStatus: 401 | 403;
  /** Whether its signatures cover the URL, so that a wrong one may be why a request is refused. */
  readonly signsUrl: boolean;
  /** The URL that the provider signs, with the query as received. */
  signedUrl(path: string, query: string): string;
}
