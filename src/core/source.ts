/**
 * What Postern asks of a source: tell whether a request proves its origin, and turn its bytes into
 * what is stored.
 */
import type { FieldError } from "./field-errors.ts";
import type { Message } from "./message.ts";
import type { KeptHeaders } from "./parsed-body.ts";
import type { Intake } from "./store.ts";

/** What a verified body held: an intake, or every mistake that was found in it. */
export type Normalised = { readonly intake: Intake } | { readonly errors: readonly FieldError[] };

/** The native source's name, which no other source can have. */
export const NATIVE = "native";

/** The native source, whose rules are ours. */
export interface Source {
  /** The name under which it is logged and counted. */
  readonly name: string;
  /** Any of which may have signed; for verifying in another thread. */
  readonly secrets: readonly string[];
  /**
   * The proof that the headers carry, or undefined when it is missing or malformed: then the
   * request is refused without reading its body.
   */
  proof(headers: Headers): string | undefined;
  /** Whether the proof holds for the body, byte for byte as received; in constant time. */
  verify(proof: string, body: Uint8Array): boolean;
  /** Why a request with these headers was refused, for the operator's eyes. */
  whyRefused(headers: Headers): string;
  /** Only for a body that was verified. */
  normalise(body: Uint8Array): Normalised;
  /** What another thread normalised, by what is known here alone: the ranges of other sources. */
  admit(normalised: Normalised): Normalised;
  /** A request that it accepts. */
  trial(message: Message): Trial;
}

/** What a sender signed, as far as it is known before the body is read. */
export interface RequestHead {
  /** In upper case. */
  readonly method: string;
  readonly headers: Headers;
  /**
   * The full URL as the sender knows it, with the query as received: never taken from `Host` or
   * forwarded headers.
   */
  readonly url: string;
  /** The address of whoever sent it, in canonical text; undefined when nobody knows it. */
  readonly client?: string;
}

/** A request as its sender signed it. */
export interface SignedRequest extends RequestHead {
  /** Byte for byte as received. */
  readonly body: Uint8Array;
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

/** What remains of a proof once the head was looked at. */
export type BodyCheck = (body: Uint8Array) => Verdict;

/** An answer in the words of a provider. */
export interface ProviderAnswer {
  readonly status: number;
  /** Of the body. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that asks whether the address is the operator's. */
export interface Handshake {
  /** Whether it must prove its origin before it is answered. */
  readonly signed: boolean;
  /** Whether it is stored as an event too. */
  readonly keep: boolean;
  readonly answer: ProviderAnswer;
}

/** What a request is: no proof, a handshake, what it brought, or both of these. */
export type Inspected =
  | { readonly refusal: Refusal }
  | { readonly answer: ProviderAnswer }
  | {
      readonly intake: Intake;
      /** Why the body wasn't taken apart and is one event, when it is too much of something. */
      readonly keptWhole?: string;
      /** Names of the fields whose time was there and couldn't be read. */
      readonly unreadTimes?: readonly string[];
      /** In place of the source's own. */
      readonly answer?: ProviderAnswer;
    };

/**
 * As a configuration says it; checked by its kind's schema before. `kind`'s own options stand
 * beside these.
 */
export interface SourceConfig {
  readonly kind: string;
  /** Several while one is being rotated. */
  readonly secret: string | readonly string[];
  /** The URL as the provider knows it. */
  readonly public_url?: string;
  /** Names of headers that are kept beside those of the kind; one may end with `*`. */
  readonly keep_headers?: readonly string[];
  readonly [option: string]: unknown;
}

/** What a source does, in words for whoever configures it; a list has a line for each thing. */
export interface Explanation {
  readonly proof: string;
  /** What is signed, where the configuration says it as a template. */
  readonly signed?: string | undefined;
  /** What nobody can change on the way. */
  readonly covers: string;
  readonly replay: string;
  /** Which requests are answered without being stored, and how. */
  readonly handshakes: readonly string[];
  /** What becomes a message, and from which fields. */
  readonly messages: readonly string[];
  /** What becomes an event, and where its key and type stand. */
  readonly events: readonly string[];
}

/** How its provider is told of a source. */
export interface Setup {
  /** The provider's name. */
  readonly title: string;
  /** Its page about that; undefined where nobody knows who sends. */
  readonly page?: string | undefined;
  /** What is done in its console, one thing after the other. */
  readonly steps: readonly string[];
}

/** A request as a provider would send it. */
export interface Trial {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Belongs behind the URL's query. */
  readonly query?: string;
  /** The header that holds the secret as it is, and must be shown to nobody. */
  readonly secretHeader?: string;
  /** How it holds it, where HTTP's own authentication is written around it. */
  readonly secretWritten?: "basic" | "bearer";
  /** In words, where else the secret stands as it is. */
  readonly secretIn?: string;
}

/** A provider's POST as it was kept. */
export interface KeptPost {
  readonly body: Uint8Array;
  readonly headers?: KeptHeaders;
}

/** A provider's request as it is made anew; names of headers in lower case. */
export interface OriginalRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Belongs behind the URL's query. */
  readonly query?: string;
}

/** What makes requests of a source anew, to a URL, signed now by the secret of `config`. */
export type OpenOriginal = (
  name: string,
  config: SourceConfig,
) => (post: KeptPost, url: string, now: number) => OriginalRequest;

/** A configured source: a provider's webhook, with its rules. */
export interface ProviderSource {
  /** As configured; it stands before every identifier that is stored. */
  readonly name: string;
  /** With its secrets: for opening it anew in another thread. */
  readonly config: SourceConfig;
  /** Whether what a GET's query says is proven with it, so that it may be kept. */
  readonly takesGet: boolean;
  /** The refusal of a client that is in none of `networks`; undefined when it may send. */
  refusalOf(client: string | undefined): Refusal | undefined;
  /** The handshake that a request without a body is; undefined when it is none. */
  handshake(request: SignedRequest): Handshake | undefined;
  /**
   * What the head alone tells: a refusal, for which no body need be read, or what the body is to be
   * inspected by. `head.url` holds path and query only when the source has no public URL. `now` in
   * milliseconds since 1970.
   */
  begin(head: RequestHead, now: number): Refusal | ((body: Uint8Array) => Inspected);
  /**
   * Of sources whose keys are fetched: has them at hand; awaited before a body is inspected. Throws
   * `KeysUnavailable`. The others have none, and wait for nothing.
   */
  readonly prepare: ((request: SignedRequest, now: number) => Promise<void>) | undefined;
  /**
   * Of sources whose sender wants a verified request confirmed before it is answered: does that.
   * Throws `KeysUnavailable` when it can't be done now.
   */
  readonly confirm: ((request: SignedRequest) => Promise<void>) | undefined;
  /** Once what it brought is on stable storage. */
  readonly accepted: ProviderAnswer;
  /** To a request that is no proof. */
  readonly refusedStatus: 401 | 403;
  /** Whether its signatures cover the URL, so that a wrong one may be why a request is refused. */
  readonly signsUrl: boolean;
  /** The URL that the provider signs, with the query as received. */
  signedUrl(path: string, query: string): string;
  readonly kind: string;
  /** Up to the query, which may hold a secret; undefined where the configuration doesn't say it. */
  readonly publicUrl: string | undefined;
  /** Networks that alone may send; empty when all may. */
  readonly networks: readonly string[];
  /** An address of one of them. */
  readonly knownClient: string | undefined;
  /** Names of the headers that are kept; one may end with `*`. */
  readonly headersKept: readonly string[];
  /** What it doesn't prove, and a reader of its configuration may not expect; each a sentence. */
  readonly weaknesses: readonly string[];
  /** Whether a trial can be signed: not where only the sender has the key. */
  readonly canSign: boolean;
  explain(): Explanation;
  setup(): Setup;
  /** A request that this very source accepts; undefined when its form or key isn't known. */
  trial(message: Message, url: string, now: number): Trial | undefined;
}

/** A larger body is inspected in another thread: there nobody waits for it, whatever it holds. */
export const INLINE_BYTES_MAX = 16 * 1024;

/**
 * Inspects large bodies elsewhere, one after the other. A body's buffer is given away, and comes
 * back with the result. Throws `Overloaded` when that ended by itself.
 */
export interface Inspector {
  provider(
    source: ProviderSource,
    head: RequestHead,
    body: Uint8Array,
    now: number,
  ): Promise<{ readonly inspected: Inspected; readonly body: Uint8Array }>;
  /** Nothing is normalised of a body that isn't proven. */
  native(
    source: Source,
    proof: string,
    body: Uint8Array,
  ): Promise<{ readonly normalised: Normalised | undefined; readonly body: Uint8Array }>;
}
