/**
 * What a kind of source is: how its requests prove their origin, and what they hold. A kind is one
 * file beside these and one line in `kinds.ts`.
 */
import type { Static, TObject } from "typebox";
import type { Message } from "../core/message.ts";
import type { ParsedBody } from "../core/parsed-body.ts";
import type { Explanation, Handshake, Proof, ProviderAnswer, Setup, SignedRequest } from "../core/source.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import { Form } from "../lib/form.ts";
import { boundaryOf, type MultipartField, multipartFields } from "../lib/multipart.ts";
import type { Scheme } from "./schemes/proof.ts";
import type { PublishedKeys } from "./schemes/published-keys.ts";

/** What a normaliser may know besides the body. */
export interface Surroundings {
  /** Milliseconds since 1970; it stands in where a message has no time. */
  readonly now: number;
  /** Of the body. */
  readonly contentType: string;
}

/** What a kind makes of a source's configuration. */
export interface Provider {
  readonly scheme: Scheme;
  /** Headers that are kept besides those of every source; a name may end with `*`. */
  readonly keptHeaders: readonly string[];
  /** Headers with the proof, where a configuration names them; they are never kept. */
  readonly proofHeaders?: readonly string[];
  /**
   * Messages and events of a verified body; undefined when it can't be split: it is then one event.
   */
  normalise(body: Uint8Array, surroundings: Surroundings): ParsedBody | undefined;
  /** The provider's own identifier of an intake that is one event; undefined when it has none. */
  postKey?(request: SignedRequest, proof: Proof): string | undefined;
  /** Whether a provider's key is one event's, whatever comes under it. */
  readonly keyDecides?: boolean;
  /**
   * Tells of an event's own bytes the type that it has when `normalise` says none; undefined for
   * nothing. Throws `BeyondBounds`.
   */
  eventType?(request: SignedRequest): (own: Uint8Array) => string | undefined;
  /** The handshake that a request is, whether it is proven or not; undefined when it is none. */
  handshake?(request: SignedRequest): Handshake | undefined;
  /** Requests that may be handshakes, with the challenge in them; not signed. */
  handshakeRequests?(url: string, challenge: string): readonly SignedRequest[];
  /** Whether a handshake by POST may come unsigned, so that every body has to be read. */
  readonly unsignedPosts?: boolean;
  /** What whoever wrote the configuration may have overlooked; each a sentence. */
  readonly hints?: readonly string[];
  readonly accepted?: ProviderAnswer;
  readonly refusedStatus?: 401 | 403;
  /** A body as the provider would send it, for trials; undefined when its form isn't known. */
  compose(message: Message): Composed | undefined;
}

export interface Composed {
  readonly type: string;
  readonly body: string;
}

export interface Kind<Options extends TObject = TObject> {
  /** One line for whoever writes a configuration. */
  readonly summary: string;
  readonly explain: (options: Static<Options>) => Explanation;
  readonly setup: (options: Static<Options>) => Setup;
  /** What a source of this kind may say beside `kind`, `secret` and `public_url`. */
  readonly options: Options;
  /** Whether the provider signs its URL, so that `public_url` must be there. */
  readonly needsPublicUrl?: (options: Static<Options>) => boolean;
  /** Whether a source must say a secret, as all must where this isn't said; takes any options. */
  readonly needsSecret?: (options: Static<Options>) => boolean;
  /**
   * Throws `SchemeError` when the options or a secret can't be used. `name` is the source's; `keys`
   * are those that others publish, as this thread knows them unless others are given.
   */
  open(options: Static<Options>, secrets: readonly string[], name: string, keys?: PublishedKeys): Provider;
}

/** Keeps the options' type while it is forgotten in the table of kinds. */
export function defineKind<Options extends TObject>(kind: Kind<Options>): Kind {
  return kind as unknown as Kind;
}

export function plainText(status: number, body: string): ProviderAnswer {
  return { status, type: "text/plain; charset=utf-8", body };
}

/** Of the body of a handshake: it is short. */
export const HANDSHAKE_BYTES_MAX = 64 * 1024;

/** The handshake that is answered so; none when there is no answer. */
export function handshakeOf(answer: ProviderAnswer | undefined, signed: boolean): Handshake | undefined {
  return answer === undefined ? undefined : { signed, keep: false, answer };
}

/** The pattern of a token: a blank one would let everyone in. */
export const NOT_BLANK = "\\S";

export const JSON_TYPE = "application/json";
export const FORM_TYPE = "application/x-www-form-urlencoded";

/** Parameters of a form: ten times what any provider sends. */
const FORM_PARAMETERS_MAX = 1000;

/** The form that a body is; throws `BeyondBounds` for one with far too many parameters. */
export function boundedForm(body: Uint8Array): Form {
  if (Form.pairsMax(body) > FORM_PARAMETERS_MAX) throw tooManyParameters();
  return Form.parse(body);
}

/**
 * The fields of a multipart form, files left out; undefined for another type, and for a body that
 * isn't whole. Throws `BeyondBounds` for far too many parts.
 */
export function boundedFields(body: Uint8Array, contentType: string): readonly MultipartField[] | undefined {
  const boundary = boundaryOf(contentType);
  const fields = boundary === undefined ? undefined : multipartFields(body, boundary, FORM_PARAMETERS_MAX);
  if (fields === "too many") throw tooManyParameters();
  return fields;
}

/** Throws `BeyondBounds` when there are far too many. */
export function checkParameters({ size }: Form): void {
  if (size > FORM_PARAMETERS_MAX) throw tooManyParameters();
}

function tooManyParameters(): BeyondBounds {
  return new BeyondBounds(`more than ${FORM_PARAMETERS_MAX} parameters`);
}

/** What was sent: the body or, where there is none (a GET), the query. */
export function contentOf({ headers, body, url }: SignedRequest) {
  const query = queryOf(url);
  if (body.length > 0 || query === undefined) return { body, contentType: headers.get("content-type") ?? "" };
  return { body: Buffer.from(query), contentType: FORM_TYPE };
}

/** What stands behind a URL's `?`; undefined when it has none. */
export function queryOf(url: string): string | undefined {
  const at = url.indexOf("?");
  return at < 0 ? undefined : url.slice(at + 1);
}

/** A URL's path, which is all of one that has no scheme and host; without the query. */
export function pathOf(url: string): string {
  return (url.split("?")[0] ?? "").replace(/^[a-z]+:\/\/[^/]*/i, "") || "/";
}
