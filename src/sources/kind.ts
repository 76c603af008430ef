/**
 * What a kind of source is: how its requests prove their origin, and what they hold. A kind is one
 * file beside these and one line in `kinds.ts`.
 */
import type { Static, TObject } from "typebox";
import type { Message } from "../core/message.ts";
import type { ParsedBody } from "../core/parsed-body.ts";
import type { Proof, ProviderAnswer, SignedRequest } from "../core/source.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import { Form } from "../lib/form.ts";
import type { Scheme } from "./schemes/proof.ts";

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
  /**
   * Messages and events of a verified body; undefined when it can't be split: it is then one event.
   */
  normalise(body: Uint8Array, surroundings: Surroundings): ParsedBody | undefined;
  /** The provider's own identifier of an intake that is one event; undefined when it has none. */
  postKey?(request: SignedRequest, proof: Proof): string | undefined;
  /** The answer to a GET that is a handshake; it is not signed. */
  handshake?(query: Form): ProviderAnswer | undefined;
  /** The answer to a verified POST that is a handshake. */
  challenge?(body: Uint8Array): ProviderAnswer | undefined;
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
  /** What a source of this kind may say beside `kind`, `secret` and `public_url`. */
  readonly options: Options;
  /** Whether the provider signs its URL, so that `public_url` must be there. */
  readonly needsPublicUrl?: (options: Static<Options>) => boolean;
  /** Throws `SchemeError` when the options or a secret can't be used. `name` is the source's. */
  open(options: Static<Options>, secrets: readonly string[], name: string): Provider;
}

/** Keeps the options' type while it is forgotten in the table of kinds. */
export function defineKind<Options extends TObject>(kind: Kind<Options>): Kind {
  return kind as unknown as Kind;
}

export function plainText(status: number, body: string): ProviderAnswer {
  return { status, type: "text/plain; charset=utf-8", body };
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

/** Throws `BeyondBounds` when there are far too many. */
export function checkParameters({ size }: Form): void {
  if (size > FORM_PARAMETERS_MAX) throw tooManyParameters();
}

function tooManyParameters(): BeyondBounds {
  return new BeyondBounds(`more than ${FORM_PARAMETERS_MAX} parameters`);
}

/** What was sent: the body or, where there is none (a GET), the query. */
export function contentOf({ headers, body, url }: SignedRequest) {
  const query = url.indexOf("?");
  if (body.length > 0 || query < 0) return { body, contentType: headers.get("content-type") ?? "" };
  return { body: Buffer.from(url.slice(query + 1)), contentType: FORM_TYPE };
}
