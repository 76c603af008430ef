/**
 * A configured source: its kind's rules under its name. Whatever was verified becomes something
 * that is stored; what doesn't fit a message's columns becomes an event, whose bytes are kept
 * whole.
 */

import { isBlank, type Message } from "../core/message.ts";
import type { IncomingEvent, IncomingMessage, ParsedBody, Span } from "../core/parsed-body.ts";
import type {
  Inspected,
  Proof,
  ProviderAnswer,
  ProviderSource,
  Refusal,
  RequestHead,
  SignedRequest,
  SourceConfig,
  Verdict,
} from "../core/source.ts";
import type { Intake, MessageDetail, NewEvent } from "../core/store.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import { Form } from "../lib/form.ts";
import { storable, wholeSeconds } from "./fields.ts";
import { type Composed, contentOf, JSON_TYPE, type Provider } from "./kind.ts";
import type { Signature } from "./schemes/proof.ts";

/** In UTF-8, the source's name before it included. */
const MESSAGE_ID_BYTES_MAX = 640;
const PARTY_BYTES_MAX = 256;
/**
 * Ten times what any provider puts into one POST; what holds more is no batch of theirs, and is
 * kept whole.
 */
const ITEMS_MAX = 10_000;

/** A handshake is short. */
const CHALLENGE_BYTES_MAX = 64 * 1024;

const ACCEPTED: ProviderAnswer = { status: 200, type: JSON_TYPE, body: JSON.stringify({ status: "ok" }) };

/** A request as a provider would send it. */
export interface Trial {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The header that holds the secret as it is, and must be shown to nobody. */
  readonly secretHeader?: string;
}

export class ConfiguredSource implements ProviderSource {
  readonly name: string;
  readonly config: SourceConfig;
  readonly accepted: ProviderAnswer;
  readonly refusedStatus: 401 | 403;
  readonly takesGet: boolean;
  readonly signsUrl: boolean;
  readonly #provider: Provider;
  /** Up to the query. */
  readonly #publicUrl: string | undefined;

  constructor(name: string, config: SourceConfig, provider: Provider, signsUrl: boolean) {
    this.name = name;
    this.config = config;
    this.accepted = provider.accepted ?? ACCEPTED;
    this.refusedStatus = provider.refusedStatus ?? 401;
    this.takesGet = provider.scheme.coversQuery;
    this.signsUrl = signsUrl;
    this.#provider = provider;
    this.#publicUrl = config.public_url?.split("?")[0];
  }

  get kind(): string {
    return this.config.kind;
  }

  signedUrl(path: string, query: string): string {
    const url = this.#publicUrl ?? path;
    return query === "" ? url : `${url}?${query}`;
  }

  handshake(query: string): ProviderAnswer | undefined {
    return this.#provider.handshake?.(Form.parse(Buffer.from(query)));
  }

  begin(head: RequestHead, now: number): Refusal | ((body: Uint8Array) => Inspected) {
    const begun = this.#provider.scheme.begin(head, now);
    return typeof begun === "function" ? (body) => this.#inspect({ ...head, body }, begun(body), now) : begun;
  }

  #inspect(request: SignedRequest, verdict: Verdict, now: number): Inspected {
    if (!verdict.proven) return { refusal: verdict };
    const answer = this.challenge(request.body);
    return answer === undefined ? this.intakeOf(request, verdict, now) : { answer };
  }

  verify(request: SignedRequest, now: number): Verdict {
    return this.#provider.scheme.verify(request, now);
  }

  /** The answer to a verified body that is a handshake; undefined when it is none. */
  challenge(body: Uint8Array): ProviderAnswer | undefined {
    if (body.length > CHALLENGE_BYTES_MAX) return undefined;
    return unlessBeyond(() => this.#provider.challenge?.(body)).value;
  }

  /** What a verified request brought; there is always something. */
  intakeOf(
    request: SignedRequest,
    proof: Proof,
    now: number,
  ): { readonly intake: Intake; readonly keptWhole?: string } {
    const { body, contentType } = contentOf(request);
    const ts = wholeSeconds(now);
    const messages: Message[] = [];
    const details: MessageDetail[] = [];
    const events: NewEvent[] = [];
    const addEvent = (event: IncomingEvent) => events.push(this.#event(event, body, ts));
    const { value: split, beyond: keptWhole } = unlessBeyond(() =>
      boundedBody(this.#provider.normalise(body, { now, contentType })),
    );
    const parsed = this.#parsed(split, request, proof, body);
    for (const message of parsed.messages) {
      const stored = this.#message(message);
      if (stored === undefined) {
        addEvent({ kind: "other", ts: message.ts, span: message.span });
        continue;
      }
      messages.push(stored);
      details.push({ type: message.type, span: message.span });
    }
    for (const event of parsed.events) addEvent(event);
    const intake = { messages, post: { source: this.name, body, details, events } };
    return { intake, ...(keptWhole !== undefined && { keptWhole }) };
  }

  /** A request that this very source accepts; undefined when its form isn't known. */
  trial(message: Message, url: string, now: number): Trial | undefined {
    const composed: Composed | undefined = this.#provider.compose(message);
    if (composed === undefined) return undefined;
    const body = Buffer.from(composed.body);
    const signature: Signature = this.#provider.scheme.sign({ body, url }, now);
    return {
      headers: { "Content-Type": composed.type, ...signature.headers },
      body: signature.body ?? body,
      ...(signature.secretHeader !== undefined && { secretHeader: signature.secretHeader }),
    };
  }

  /**
   * Never empty: what can't be split is one event. An intake that is one event may lend it its
   * identifier.
   */
  #parsed(split: ParsedBody | undefined, request: SignedRequest, proof: Proof, body: Uint8Array): ParsedBody {
    const whole: ParsedBody = {
      messages: [],
      events: [{ kind: "other", span: { start: 0, end: body.length } }],
    };
    const { messages, events } = split === undefined || itemsOf(split) === 0 ? whole : split;
    const [event] = events;
    if (event === undefined || event.key !== undefined || messages.length + events.length > 1)
      return { messages, events };
    const key = this.#provider.postKey?.(request, proof) ?? "";
    return { messages, events: isBlank(key) ? events : [{ ...event, key }] };
  }

  /** Under the source's name; undefined when it doesn't fit its columns. */
  #message({ message_id, from, to, ts, text }: IncomingMessage): Message | undefined {
    const id = this.#named(message_id);
    const fits = id !== null && [from, to].every((party) => Buffer.byteLength(party) <= PARTY_BYTES_MAX);
    return fits ? { message_id: id, from, to, ts, text } : undefined;
  }

  #event(
    { kind, type, key, salt = "", messageId, ts, span }: IncomingEvent,
    body: Uint8Array,
    now: string,
  ): NewEvent {
    const known = key !== undefined && Buffer.byteLength(key) <= MESSAGE_ID_BYTES_MAX;
    return {
      kind,
      type: type ?? null,
      key: known ? storable(key) : hashOf(salt, body, span),
      messageId: messageId === undefined ? null : this.#named(messageId),
      ts: ts ?? now,
      span,
    };
  }

  #named(id: string): string | null {
    const named = `${this.name}:${id}`;
    return Buffer.byteLength(named) <= MESSAGE_ID_BYTES_MAX ? named : null;
  }
}

function itemsOf({ messages, events }: ParsedBody): number {
  return messages.length + events.length;
}

function boundedBody(split: ParsedBody | undefined): ParsedBody | undefined {
  if (split !== undefined && itemsOf(split) > ITEMS_MAX)
    throw new BeyondBounds(`more than ${ITEMS_MAX} parts`);
  return split;
}

/**
 * What is made of a body; of one that is too much of something, what of. A defect of ours in a
 * normaliser costs the split, not the intake.
 */
function unlessBeyond<T>(make: () => T | undefined): {
  readonly value?: T | undefined;
  readonly beyond?: string;
} {
  try {
    return { value: make() };
  } catch (error) {
    return error instanceof BeyondBounds ? { beyond: error.message } : {};
  }
}

function hashOf(salt: string, body: Uint8Array, { start, end }: Span): string {
  return new Bun.CryptoHasher("sha256").update(salt).update(body.subarray(start, end)).digest("hex");
}
