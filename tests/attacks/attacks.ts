/**
 * The worst requests that are known for each kind and route: what a stranger can send, and what one
 * who knows the secret can. Each is the bytes of one request, sent over and over on a few
 * connections.
 */
import { sign } from "../../src/sources/native.ts";
import type { Signature } from "../../src/sources/schemes/proof.ts";
import { NATIVE_SECRET, SOURCES, schemeOf, urlOf } from "./sources.ts";

export interface Attack {
  readonly name: string;
  /** By one who knows the secret. */
  readonly signed: boolean;
  /** Made when it is needed: they are large. */
  readonly request: (now: number) => Buffer;
  /** After it nothing more is sent: the connection waits until it is closed or answered. */
  readonly holds?: true;
}

/** The address that attackers come from, for a service that trusts what stands before it. */
const ATTACKER = "203.0.113.66";

const BODY_BYTES = 4 * 1024 * 1024;
const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

type Headers_ = Readonly<Record<string, string>>;
const FROM: Headers_ = { Host: "postern", "X-Forwarded-For": ATTACKER };

function request(line: string, headers: Headers_, body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body as Uint8Array);
  const lines = Object.entries({ ...FROM, ...headers, "Content-Length": bytes.length });
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`),
    bytes,
  ]);
}

/** A repeatable stream of numbers below 2^31. */
function* numbers(): Generator<number> {
  for (let state = 20250115; ; ) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    yield state;
  }
}

function filled(part: (index: number, number: number) => string, bytes = BODY_BYTES): string {
  const parts: string[] = [];
  let length = 0;
  const source = numbers();
  for (let index = 0; ; index++) {
    const next = part(index, source.next().value as number);
    if (length + next.length > bytes) return parts.join("");
    parts.push(next);
    length += next.length;
  }
}

const word = (number: number) => number.toString(36).slice(-5);

/**
 * Many parameters, long ones, equal ones, long common beginnings; of 16 KiB too, which aren't
 * inspected elsewhere.
 */
const FORMS: Readonly<Record<string, (bytes?: number) => string>> = {
  "many parameters": (bytes) => filled((_, number) => `${word(number)}&`, bytes),
  "two million parameters": (bytes) => filled(() => "a&", bytes),
  "long common names": (bytes) => filled((index) => `${"x".repeat(500)}${index % 50}=${index}&`, bytes),
  escapes: (bytes) => filled((_, number) => `%${(97 + (number % 20)).toString(16)}=%2&`, bytes),
};
const JSONS: Readonly<Record<string, (bytes?: number) => string>> = {
  "empty objects": (bytes = BODY_BYTES) => `{"object":"page","entry":[${filled(() => "{},", bytes - 40)}{}]}`,
  "items of a map": (bytes = BODY_BYTES) =>
    `{"items":[${filled((index) => `{"id":${index}},`, bytes - 40)}{}]}`,
  "many names": (bytes = BODY_BYTES) =>
    `{${filled((_, number) => `"${word(number)}":1,`, bytes - 40)}"update_id":1}`,
  escapes: (bytes = BODY_BYTES) =>
    `{"message":{"text":"${filled(() => "\\u0041", bytes - 80)}"},"update_id":1}`,
  nested: (bytes = BODY_BYTES) => "[".repeat(bytes),
  numbers: (bytes = BODY_BYTES) => `[${filled(() => "1,", bytes - 40)}1]`,
  "long message": (bytes = BODY_BYTES) =>
    `{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"x":{${filled((index) => `"new_${index}":1,`, bytes - 140)}"y":1}}}`,
};

function nativeHeaders(body: string, signed: boolean): Headers_ {
  return { "X-Signature": signed ? sign(NATIVE_SECRET, body) : "0".repeat(64) };
}

/** As the source's own scheme signs; a stranger's is another one of the right form. */
function provider(name: string, type: string, body: string, signed: boolean, now: number): Buffer {
  const bytes = Buffer.from(body);
  const made: Signature = schemeOf(name).sign?.({ body: bytes, url: urlOf(name) }, now) ?? { headers: {} };
  const sent = Buffer.from(made.body ?? bytes);
  const headers = signed
    ? made.headers
    : Object.fromEntries(Object.entries(made.headers).map(([key, value]) => [key, forged(key, value)]));
  if (!signed && made.body !== undefined) {
    // The signature stands in the form: one digit of it is changed.
    const at = sent.lastIndexOf("sig=") + 4;
    sent[at] = sent[at] === 0x41 ? 0x42 : 0x41;
  }
  return request(`POST /webhook/${name}`, { "Content-Type": type, ...headers }, sent);
}

/** One character of a signature changed; identifiers and times stay. */
function forged(header: string, value: string): string {
  if (!/signature|authorization|token/i.test(header) || /timestamp|nonce/i.test(header)) return value;
  const at = value.length - 3;
  return `${value.slice(0, at)}${value[at] === "0" ? "1" : "0"}${value.slice(at + 1)}`;
}

const FORM_SOURCES = ["twilio", "sms", "mapped"];
/** What they sign is parameters. */
const PARAMETERS = new Set(["twilio", "sms"]);

function* ofBodies(): Generator<Attack> {
  for (const signed of [false, true]) {
    const who = signed ? "signed" : "unsigned";
    for (const [what, bodyOf] of Object.entries(JSONS)) {
      yield {
        name: `native, ${who}, JSON: ${what}`,
        signed,
        request: () => request("POST /webhook", nativeHeaders(bodyOf(), signed), bodyOf()),
      };
      // Who isn't believed isn't looked at: one body stands for all.
      if (!signed && what !== "empty objects") continue;
      for (const name of Object.keys(SOURCES).filter((each) => !PARAMETERS.has(each)))
        yield {
          name: `${name}, ${who}, JSON: ${what}`,
          signed,
          request: (now) => provider(name, JSON_TYPE, bodyOf(), signed, now),
        };
    }
    for (const [what, bodyOf] of Object.entries(FORMS))
      for (const name of FORM_SOURCES)
        for (const size of ["4 MiB", "16 KB"])
          yield {
            name: `${name}, ${who}, form of ${size}: ${what}`,
            signed,
            request: (now) => provider(name, FORM, bodyOf(bytesOf(name, size)), signed, now),
          };
  }
}

/** Vonage's forms are written anew with their signature, each parameter with its `=`. */
function bytesOf(source: string, size: string): number {
  return (size === "16 KB" ? 16_000 : BODY_BYTES) / (source === "sms" ? 1.6 : 1) - 200;
}

/** Of so many bytes, each a chunk of its own. */
function chunked(headers: Headers_, path: string, bytes: number): Buffer {
  const lines = Object.entries({ ...FROM, ...headers, "Transfer-Encoding": "chunked" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n${"1\r\na\r\n".repeat(bytes)}0\r\n\r\n`);
}

const OTHERS: readonly Attack[] = [
  {
    name: "native, unsigned, chunks of a byte",
    signed: false,
    request: () => chunked(nativeHeaders("", false), "/webhook", BODY_BYTES),
  },
  {
    name: "meta, unsigned, chunks of a byte",
    signed: false,
    request: () =>
      chunked({ "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` }, "/webhook/meta", BODY_BYTES),
  },
  {
    name: "sms, unsigned, JSON: many names",
    signed: false,
    request: (now) => {
      const names = filled((_, number) => `"${word(number)}":1,`, BODY_BYTES - 200);
      const body = `{${names}"timestamp":${Math.floor(now / 1000)},"sig":"${"A".repeat(64)}"}`;
      return request("POST /webhook/sms", { "Content-Type": JSON_TYPE }, body);
    },
  },
  {
    name: "handshake, unsigned, long query",
    signed: false,
    request: () => request(`GET /webhook/meta?${filled((_, number) => `${word(number)}&`, 12_000)}`, {}, ""),
  },
  {
    name: "jwt, unsigned, long token",
    signed: false,
    request: () => {
      const part = (text: string) => Buffer.from(text).toString("base64url");
      const names = `{${filled((_, number) => `"${word(number)}":1,`, 8000)}"alg":"HS256"}`;
      return request(
        "POST /webhook/vonage",
        { Authorization: `Bearer ${part(names)}.${part("{}")}.x` },
        "{}",
      );
    },
  },
  {
    name: "query, unsigned, many parameters",
    signed: false,
    request: () => request(`GET /messages?${filled((_, number) => `${word(number)}&`, 12_000)}`, {}, ""),
  },
  {
    name: "tokens, unsigned, guessed",
    signed: false,
    request: () => request("GET /stats", { Authorization: "Bearer a-token-that-is-guessed" }, ""),
  },
  {
    name: "nothing, unsigned, 404",
    signed: false,
    request: () => request(`GET /${"x".repeat(12_000)}`, {}, ""),
  },
];

/** A head that declares a body, and nothing or little of the body. */
function promised(headers: Headers_, bytes: number, sent: string): Buffer {
  const whole = request("POST /webhook", headers, "x".repeat(bytes));
  return Buffer.concat([whole.subarray(0, whole.length - bytes), Buffer.from(sent)]);
}

/** Attacks by connections rather than by what they send: many of them do nothing. */
export const HELD: readonly Attack[] = [
  {
    name: "room that is only promised",
    signed: false,
    holds: true,
    request: () => promised(nativeHeaders("", false), 65_536, ""),
  },
  {
    name: "bodies that never end",
    signed: false,
    holds: true,
    request: () => promised(nativeHeaders("", false), BODY_BYTES, "x".repeat(60_000)),
  },
  {
    name: "heads that never end",
    signed: false,
    holds: true,
    request: () => Buffer.from("POST /webhook HTTP/1.1\r\n"),
  },
  { name: "connections that say nothing", signed: false, holds: true, request: () => Buffer.alloc(0) },
];

export const ATTACKS: readonly Attack[] = [...ofBodies(), ...OTHERS];
