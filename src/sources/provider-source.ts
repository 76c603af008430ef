/**
 * A configured source: its kind's rules under its name. Whatever was verified becomes something
 * that is stored; what doesn't fit a message's columns becomes an event, whose bytes are kept
 * whole.
 */

import { isBlank, type Message } from "../core/message.ts";
import type { IncomingEvent, IncomingMessage, KeptHeaders, ParsedBody, Span } from "../core/parsed-body.ts";
import type {
  Explanation,
  Handshake,
  Inspected,
  Proof,
  ProviderAnswer,
  ProviderSource,
  Refusal,
  RequestHead,
  Setup,
  SignedRequest,
  SourceConfig,
  Trial,
  Verdict,
} from "../core/source.ts";
import type { Intake, MessageDetail, NewEvent } from "../core/store.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import type { AddressRanges } from "../lib/ip-address.ts";
import { storable, typeOrNull, wholeSeconds, withUnreadTimes } from "./fields.ts";
import { ALWAYS_KEPT, headerKeeper } from "./kept-headers.ts";
import { type Composed, contentOf, HANDSHAKE_BYTES_MAX, JSON_TYPE, type Provider } from "./kind.ts";
import { refused, type Signature, type Unsigned } from "./schemes/proof.ts";

/** In UTF-8, the source's name before it included. */
const MESSAGE_ID_BYTES_MAX = 640;
const PARTY_BYTES_MAX = 256;
/**
 * Ten times what any provider puts into one POST; what holds more is no batch of theirs, and is
 * kept whole.
 */
const ITEMS_MAX = 10_000;
/**
 * Beyond the body's own: what stands in a text of JSON has the bytes of all of that text, so that
 * many items may have more than the body, and each is hashed and read again.
 */
const OWN_BYTES_MAX = 64 * 1024 * 1024;

const ACCEPTED: ProviderAnswer = { status: 200, type: JSON_TYPE, body: JSON.stringify({ status: "ok" }) };

export class ConfiguredSource implements ProviderSource {
  readonly name: string;
  readonly config: SourceConfig;
  readonly accepted: ProviderAnswer;
  readonly refusedStatus: 401 | 403;
  readonly takesGet: boolean;
  readonly signsUrl: boolean;
  readonly prepare: ProviderSource["prepare"];
  readonly confirm: ProviderSource["confirm"];
  readonly #provider: Provider;
  readonly #keptHeaders: (headers: Headers) => KeptHeaders | undefined;
  /** Up to the query. */
  readonly publicUrl: string | undefined;
  readonly #allowed: AddressRanges | undefined;
  readonly explain: () => Explanation;
  readonly setup: () => Setup;

  /** Without `allowed` it takes requests from everywhere. */
  constructor(
    name: string,
    config: SourceConfig,
    provider: Provider,
    signsUrl: boolean,
    allowed: AddressRanges | undefined,
    words: Pick<ProviderSource, "explain" | "setup">,
  ) {
    this.name = name;
    this.config = config;
    this.accepted = provider.accepted ?? ACCEPTED;
    this.refusedStatus = provider.refusedStatus ?? 401;
    this.takesGet = provider.scheme.coversQuery;
    this.signsUrl = signsUrl;
    this.prepare = provider.scheme.prepare;
    this.confirm = provider.scheme.confirm;
    this.#provider = provider;
    const { keptHeaders: ofKind, proofHeaders: proofs = [] } = provider;
    this.#keptHeaders = headerKeeper({
      ofKind,
      ofSource: config.keep_headers ?? [],
      proofs,
      // Where the sender's network is the only proof there may be none.
      secrets: [config.secret ?? []].flat(),
    });
    this.publicUrl = config.public_url?.split("?")[0];
    this.#allowed = allowed;
    this.explain = words.explain;
    this.setup = words.setup;
  }

  get kind(): string {
    return this.config.kind;
  }

  get headersKept(): readonly string[] {
    return [...ALWAYS_KEPT, ...this.#provider.keptHeaders, ...(this.config.keep_headers ?? [])];
  }

  signedUrl(path: string, query: string): string {
    const url = this.publicUrl ?? path;
    return query === "" ? url : `${url}?${query}`;
  }

  handshake(request: SignedRequest): Handshake | undefined {
    if (this.refusalOf(request.client) !== undefined) return undefined;
    return unlessBeyond(() => this.#provider.handshake?.(request)).value;
  }

  begin(head: RequestHead, now: number): Refusal | ((body: Uint8Array) => Inspected) {
    const far = this.refusalOf(head.client);
    if (far !== undefined) return far;
    const begun = this.#provider.scheme.begin(head, now);
    if (typeof begun === "function")
      return (body) => this.#inspect({ ...head, body }, () => begun(body), now);
    // What says itself that it is too long for a handshake isn't even read.
    const declared = Number(head.headers.get("content-length") ?? 0);
    const mayGreet =
      this.#provider.unsignedPosts === true && head.method === "POST" && declared <= HANDSHAKE_BYTES_MAX;
    return mayGreet ? (body) => this.#inspect({ ...head, body }, () => begun, now) : begun;
  }

  #inspect(request: SignedRequest, prove: () => Verdict, now: number): Inspected {
    const handshake = this.handshake(request);
    if (handshake?.signed === false) return { answer: handshake.answer };
    const verdict = prove();
    if (!verdict.proven) return { refusal: verdict };
    if (handshake === undefined) return this.intakeOf(request, verdict, now);
    const { keep, answer } = handshake;
    return keep ? this.greetingOf(handshake, request, verdict, now) : { answer };
  }

  /** A handshake that is proven and kept: it is an event, and no message. */
  greetingOf({ answer }: Handshake, request: SignedRequest, proof: Proof, now: number) {
    return { ...this.#intake(undefined, request, proof, now), answer };
  }

  get networks(): readonly string[] {
    const given = this.config["allow_from"];
    return Array.isArray(given) ? given.map(String) : [];
  }

  get knownClient(): string | undefined {
    const [first] = this.networks
      .join(" ")
      .trim()
      .split(/[\s,/]+/);
    return first?.toLowerCase() === "private" ? "127.0.0.1" : first || undefined;
  }

  /** Whether only requests from some networks are taken. */
  get isLimited(): boolean {
    return this.#allowed !== undefined;
  }

  /** The refusal of whoever is in none of the networks; undefined when they are, or all are. */
  refusalOf(client = "unknown"): Refusal | undefined {
    const isFar = this.#allowed?.has(client) === false;
    return isFar ? refused(`it came from ${client}, which is in no network of allow_from`) : undefined;
  }

  get weaknesses(): readonly string[] {
    const { coversBody, weak } = this.#provider.scheme;
    return [
      ...(coversBody
        ? []
        : ["what it is proven by doesn't cover the body: whoever knows one request can make others"]),
      ...(weak === true ? ["it is proven by a hash that is broken (MD5 or SHA-1)"] : []),
    ];
  }

  get hints(): readonly string[] {
    return this.#provider.hints ?? [];
  }

  get canSign(): boolean {
    return this.#provider.scheme.sign !== undefined;
  }

  /** A request that asks whether the address is the operator's, and its answer, if there is one. */
  greeting(url: string, challenge: string): { request: SignedRequest; answer: ProviderAnswer } | undefined {
    for (const request of this.#provider.handshakeRequests?.(url, challenge) ?? []) {
      const found = unlessBeyond(() => this.#provider.handshake?.(request)).value;
      if (found !== undefined) return { request, answer: found.answer };
    }
    return undefined;
  }

  /** What makes a POST pass `verify`; undefined where only the sender can. */
  sign(request: Unsigned, now: number): Signature | undefined {
    return this.#provider.scheme.sign?.(request, now);
  }

  /** Its proof alone: who may send it is for `refusalOf`. */
  verify(request: SignedRequest, now: number): Verdict {
    return this.#provider.scheme.verify(request, now);
  }

  /** What a verified request brought; there is always something. */
  intakeOf(
    request: SignedRequest,
    proof: Proof,
    now: number,
  ): { readonly intake: Intake; readonly keptWhole?: string; readonly unreadTimes?: readonly string[] } {
    const { body, contentType } = contentOf(request);
    const { made, unread: unreadTimes } = withUnreadTimes(() =>
      unlessBeyond(() => boundedBody(this.#provider.normalise(body, { now, contentType }), body.length)),
    );
    const { value: split, beyond: keptWhole } = made;
    return {
      ...this.#intake(split, request, proof, now),
      ...(keptWhole !== undefined && { keptWhole }),
      ...(unreadTimes.length > 0 && { unreadTimes }),
    };
  }

  #intake(
    split: ParsedBody | undefined,
    request: SignedRequest,
    proof: Proof,
    now: number,
  ): { readonly intake: Intake } {
    const { body } = contentOf(request);
    const ts = wholeSeconds(now);
    const messages: Message[] = [];
    const details: MessageDetail[] = [];
    const events: NewEvent[] = [];
    const typeOf = lastKept(this.#provider.eventType?.(request));
    const addEvent = (event: IncomingEvent) => {
      const type = event.type ?? typeOrNull(unlessBeyond(() => typeOf?.(body, event.span)).value);
      events.push({ ...this.#event(event, body, ts), type });
    };
    const parsed = this.#parsed(split, request, proof, body);
    for (const message of parsed.messages) {
      const stored = this.#message(message);
      if (stored === undefined) {
        const { type, ts, span } = message;
        addEvent({ kind: "other", type, ts, span });
        continue;
      }
      messages.push(stored);
      details.push({ type: message.type, span: message.span });
    }
    for (const event of parsed.events) addEvent(event);
    const headers = this.#keptHeaders(request.headers);
    const post = { source: this.name, body, ...(headers !== undefined && { headers }), details, events };
    return { intake: { messages, post } };
  }

  trial(message: Message, url: string, now: number): Trial | undefined {
    const composed: Composed | undefined = this.#provider.compose(message);
    const { scheme } = this.#provider;
    if (composed === undefined || scheme.sign === undefined) return undefined;
    const body = Buffer.from(composed.body);
    const signature: Signature = scheme.sign({ body, url }, now);
    return {
      headers: { "Content-Type": composed.type, ...signature.headers },
      body: signature.body ?? body,
      ...(signature.query !== undefined && { query: signature.query }),
      ...(signature.secretHeader !== undefined && { secretHeader: signature.secretHeader }),
      ...(signature.secretWritten !== undefined && { secretWritten: signature.secretWritten }),
      ...(signature.secretIn !== undefined && { secretIn: signature.secretIn }),
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
    const key = unlessBeyond(() => this.#provider.postKey?.(request, proof)).value ?? "";
    return { messages, events: isBlank(key) ? events : [{ ...event, key }] };
  }

  /** Under the source's name; undefined when it doesn't fit its columns. */
  #message({ message_id, from, to, ts, text }: IncomingMessage): Message | undefined {
    const id = this.#named(message_id);
    const fits = id !== null && [from, to].every((party) => Buffer.byteLength(party) <= PARTY_BYTES_MAX);
    return fits ? { message_id: id, from, to, ts, text } : undefined;
  }

  #event(
    { kind, key, keyDecides, salt = "", messageId, ts, span }: IncomingEvent,
    body: Uint8Array,
    now: string,
  ): Omit<NewEvent, "type"> {
    const { scheme, keyDecides: ofSource } = this.#provider;
    const known = key !== undefined && Buffer.byteLength(key) <= MESSAGE_ID_BYTES_MAX;
    return {
      kind,
      key: known ? storable(key) : hashOf(salt, body, span),
      ...((!known || keyDecides || scheme.signsWithin || ofSource) && { keyDecides: true }),
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

function boundedBody(split: ParsedBody | undefined, bodyBytes: number): ParsedBody | undefined {
  if (split === undefined) return undefined;
  if (itemsOf(split) > ITEMS_MAX) throw new BeyondBounds(`more than ${ITEMS_MAX} parts`);
  const bytes = [...split.messages, ...split.events].reduce(
    (sum, { span }) => sum + span.end - span.start,
    0,
  );
  if (bytes > 4 * bodyBytes + OWN_BYTES_MAX)
    throw new BeyondBounds(`parts of more than ${OWN_BYTES_MAX} bytes together`);
  return split;
}

/** Of parts that have the same bytes the type is read once. */
function lastKept(typeOf: ((own: Uint8Array) => string | undefined) | undefined) {
  let last: { readonly span: Span; readonly type: string | undefined } | undefined;
  return (body: Uint8Array, span: Span): string | undefined => {
    if (last?.span.start !== span.start || last.span.end !== span.end)
      last = { span, type: typeOf?.(body.subarray(span.start, span.end)) };
    return last.type;
  };
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
