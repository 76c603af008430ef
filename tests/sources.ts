/**
 * Sources for tests: opened with a secret, fed with bodies that are signed as their provider would
 * sign them.
 */
import { expect } from "bun:test";
import { isInstant } from "../src/core/instant.ts";
import type { Message } from "../src/core/message.ts";
import type { SignedRequest } from "../src/core/source.ts";
import type { NewEvent } from "../src/core/store.ts";
import type { Kind, Provider } from "../src/sources/kind.ts";
import { KINDS } from "../src/sources/kinds.ts";
import { openSource } from "../src/sources/open-source.ts";
import type { ConfiguredSource } from "../src/sources/provider-source.ts";
import type { Signature } from "../src/sources/schemes/proof.ts";
import { fc, storableText } from "./property.ts";

/** When every test's request arrives. */
export const AT = Date.parse("2026-01-15T10:00:00Z");
export const RECEIVED = "2026-01-15T10:00:00Z";
export const HOOK = "https://hooks.example.com/in/src";
export const JSON_HEADERS = { "Content-Type": "application/json" };
export const FORM_HEADERS = { "Content-Type": "application/x-www-form-urlencoded" };

type Headers_ = Readonly<Record<string, string>>;
/** With what the provider itself said of it. */
type KeptMessage = Message & { readonly type: string; readonly own: string };
type KeptEvent = Omit<NewEvent, "span"> & { readonly own: string };

export class Rig {
  readonly source: ConfiguredSource;
  /** What stands behind the source, which would hide a defect of a normaliser. */
  readonly provider: Provider;

  constructor(kind: string, { secret = "a secret for tests", ...options }: Record<string, unknown> = {}) {
    this.source = openSource("src", { kind, secret: secret as string, public_url: HOOK, ...options });
    this.provider = (KINDS[kind] as Kind).open(options, [secret as string], "src");
  }

  signed(content: string | Uint8Array, headers: Headers_ = JSON_HEADERS, url = HOOK): SignedRequest {
    const body = Buffer.from(content as Uint8Array);
    const signature: Signature = this.provider.scheme.sign?.({ body, url }, AT) ?? { headers: {} };
    return {
      method: "POST",
      headers: new Headers({ ...headers, ...signature.headers }),
      body: signature.body ?? body,
      url,
    };
  }

  /** The answer to a handshake: to a GET with this query, or to a POST with this body. */
  greeting(query: string, body?: string | Uint8Array) {
    const method = body === undefined ? "GET" : "POST";
    const url = query === "" ? HOOK : `${HOOK}?${query}`;
    const content = Buffer.from((body ?? "") as Uint8Array);
    return this.source.handshake({ method, headers: new Headers(), body: content, url })?.answer;
  }

  proves(request: SignedRequest): boolean {
    return this.source.verify(request, AT).proven;
  }

  /** What is kept of a request, which has to be proven. */
  kept(request: SignedRequest): { messages: KeptMessage[]; events: KeptEvent[] } {
    const verdict = this.source.verify(request, AT);
    if (!verdict.proven) throw new Error(verdict.why);
    const { messages, post } = this.source.intakeOf(request, verdict, AT).intake;
    if (post === undefined) throw new Error("a provider's delivery has its bytes");
    const own = ({ start, end }: { start: number; end: number }) =>
      Buffer.from(post.body.subarray(start, end)).toString();
    return {
      messages: messages.map((message, index) => {
        const { type = "", span = { start: 0, end: 0 } } = post.details[index] ?? {};
        return { ...message, type, own: own(span) };
      }),
      events: post.events.map(({ span, ...event }) => ({ ...event, own: own(span) })),
    };
  }

  /** The same of an object or a text, signed by the provider. */
  keptOf(content: unknown, headers: Headers_ = JSON_HEADERS) {
    const body =
      typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content);
    return this.kept(this.signed(body, headers));
  }
}

/** The columns of the messages, and kind, key and subject of the events. */
export function columns({ messages, events }: ReturnType<Rig["kept"]>) {
  return {
    messages: messages.map(({ own: _, ...message }) => message),
    events: events.map(({ kind, key, messageId }) => [kind, key, messageId] as const),
  };
}

/** The same in no order: deliveries in other orders or pieces keep the same. */
export function identities(...kept: readonly ReturnType<Rig["kept"]>[]): string[] {
  const all = kept.flatMap((each) => {
    const { messages, events } = columns(each);
    return [
      ...messages.map((message) => JSON.stringify(message)),
      ...events.map((event) => JSON.stringify(event)),
    ];
  });
  return [...new Set(all)].sort();
}

export const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/** Something is kept, and whatever stands in a column fits it. */
export function expectFitting({ messages, events }: ReturnType<Rig["kept"]>): void {
  expect(messages.length + events.length).toBeGreaterThan(0);
  for (const { message_id, from, to, ts, text, type } of messages) {
    expect(message_id).toMatch(/^src:[\s\S]*\S/);
    for (const column of [message_id, from, to, text ?? "-", type]) {
      expect(column).not.toBe("");
      expect([column.isWellFormed(), column.includes("\0")]).toEqual([true, false]);
    }
    expect(Buffer.byteLength(message_id)).toBeLessThanOrEqual(640);
    for (const party of [from, to]) {
      expect(party).toMatch(/^\+[0-9]{6,15}$|^[a-z0-9_ -]+:[\s\S]/);
      expect(Buffer.byteLength(party)).toBeLessThanOrEqual(256);
    }
    expect(isInstant(ts)).toBe(true);
  }
  for (const { key, messageId, ts } of events) {
    expect(key.trim()).not.toBe("");
    expect(Buffer.byteLength(key)).toBeLessThanOrEqual(640);
    expect(messageId === null || (messageId.startsWith("src:") && messageId.isWellFormed())).toBe(true);
    expect(isInstant(ts)).toBe(true);
  }
}

/**
 * Any other byte in the body, and any other character in a header that the provider signs with: no
 * proof.
 */
export function expectEveryByteSigned(rig: Rig, request: SignedRequest, parts = ["body", "headers"]): void {
  expect(rig.proves(request)).toBe(true);
  const names = [...request.headers.keys()].filter((name) => name !== "content-type");
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 7 }), (at, bit) => {
      const body = Uint8Array.from(request.body);
      const index = at % body.length;
      body[index] = (body[index] as number) ^ (1 << bit);
      if (parts.includes("body")) expect(rig.proves({ ...request, body })).toBe(false);
      if (!parts.includes("headers")) return;
      const name = names[at % names.length] as string;
      const value = request.headers.get(name) as string;
      const place = at % value.length;
      const other = value[place] === "7" ? "8" : "7";
      const headers = new Headers(request.headers);
      headers.set(name, value.slice(0, place) + other + value.slice(place + 1));
      expect(rig.proves({ ...request, headers })).toBe(false);
      headers.delete(name);
      expect(rig.proves({ ...request, headers })).toBe(false);
    }),
  );
}

/** A part of a JSON document, by who holds it and under which name. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [{ holder, name }, ...placesIn(holder[name])]);
}

/** Sets a member whatever its name is, `__proto__` too. */
function put({ holder, name }: Place, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

/** A member that nobody knows, in any object of the document, leaves the messages as they were. */
export function expectUnknownFieldsIgnored(rig: Rig, document: unknown): void {
  const expected = columns(rig.keptOf(document)).messages;
  expect(expected.length).toBeGreaterThan(0);
  const name = fc.constantFrom("x_unknown", "__proto__", "constructor", "");
  fc.assert(
    fc.property(fc.nat(), name, fc.jsonValue(), (at, unknown, value) => {
      const root = { document: structuredClone(document) };
      const holders = placesIn(root)
        .map(({ holder, name: member }) => holder[member])
        .filter((each) => typeof each === "object" && each !== null && !Array.isArray(each));
      put({ holder: holders[at % holders.length] as Record<string, unknown>, name: unknown }, value);
      expect(columns(rig.keptOf(root.document)).messages).toEqual(expected);
    }),
  );
}

const JUNK = [null, true, 0, -1, 1e300, 2 ** 60, "", " ", "\0", "\ud800", "x:y", [], {}, [[]], [null], [{}]];

/**
 * Whatever stands in any place of the document, and whatever the bytes are: something is kept, and
 * it fits.
 */
export function expectAnythingKept(rig: Rig, document: unknown, headers: Headers_ = JSON_HEADERS): void {
  const long = "é".repeat(400);
  const junk = fc.oneof(fc.constantFrom<unknown>(...JUNK, long), fc.jsonValue());
  const keep = (content: string | Uint8Array) => {
    const request = rig.signed(content, headers);
    expectFitting(rig.kept(request));
    // The source would keep the whole in place of a defect's parts.
    rig.provider.normalise(request.body, { now: AT, contentType: headers["Content-Type"] ?? "" });
  };
  fc.assert(
    fc.property(fc.nat(), junk, fc.nat(), junk, (at, value, secondAt, second) => {
      const root = { document: structuredClone(document) };
      const place = placesIn(root);
      put(place[at % place.length] as Place, structuredClone(value));
      const left = placesIn(root);
      put(left[secondAt % left.length] as Place, structuredClone(second));
      keep(JSON.stringify(root.document));
    }),
    { numRuns: 1000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => keep(bytes)));
}

const number = fc.bigInt({ min: 10n ** 6n, max: 10n ** 15n - 1n }).map((digits) => `+${digits}`);

const anyMessage: fc.Arbitrary<Message> = fc.record({
  message_id: storableText(20).filter((id) => id.trim() !== ""),
  from: number,
  to: number,
  ts: fc
    .date({
      min: new Date("2000-01-01T00:00:00Z"),
      max: new Date("2100-01-01T00:00:00Z"),
      noInvalidDate: true,
    })
    .map((date) => `${date.toISOString().slice(0, 19)}Z`),
  text: fc.option(storableText(30)),
});

/** From somebody else: what a business sends to itself is an echo. */
export const trialMessage = anyMessage.filter(({ from, to }) => from !== to);

/**
 * What the source itself makes for a trial, it accepts and gives back, the columns as `expected`
 * has them.
 */
export function expectTrialsComeBack(rig: Rig, expected: (message: Message) => Partial<Message>): void {
  fc.assert(
    fc.property(trialMessage, (message) => {
      const trial = rig.source.trial(message, HOOK, AT);
      if (trial === undefined) throw new Error("the source makes no trials");
      const kept = rig.kept({
        method: "POST",
        headers: new Headers(trial.headers),
        body: trial.body,
        url: HOOK,
      });
      expect(kept.events).toEqual([]);
      expect(kept.messages).toMatchObject([
        {
          ...message,
          message_id: `src:${message.message_id}`,
          text: message.text || null,
          ...expected(message),
        },
      ]);
    }),
  );
}
