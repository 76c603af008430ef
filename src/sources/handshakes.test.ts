/** Handshakes of a configuration: what matches, what is answered, and what must not be said. */
import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { fc } from "../../tests/property.ts";
import { signedCase } from "../../tests/providers/own-cases.ts";
import { AT, HOOK, Rig } from "../../tests/sources.ts";
import { PRESET_NAMES, PRESETS } from "./presets.ts";
import { SchemeError } from "./schemes/proof.ts";

const SECRET = "secret of the handshakes";
const SCHEME = { algorithm: "hmac-sha256", encoding: "hex", header: "X-Sig", signed: "{body}" };
const rigOf = (handshakes: readonly object[], scheme: object = SCHEME) =>
  new Rig("generic", { secret: SECRET, scheme, handshakes });

interface Sent {
  readonly method?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
const requestOf = ({ method = "POST", query = "", headers = {}, body = "" }: Sent) => ({
  method,
  headers: new Headers(headers),
  body: Buffer.from(body),
  url: query === "" ? HOOK : `${HOOK}?${query}`,
});
const greet = (handshake: object, sent: Sent, scheme: object = SCHEME) =>
  rigOf([handshake], scheme).source.handshake(requestOf(sent));
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

/** The option that a mistake is about. */
function mistake(handshake: object, scheme: object = SCHEME): string | undefined {
  try {
    rigOf([handshake], scheme);
  } catch (error) {
    if (error instanceof SchemeError) return error.option?.replace("handshakes/0/", "");
    throw error;
  }
  return "none";
}

describe("what a handshake matches", () => {
  const text = { answer: { text: "yes" }, signed: false };
  test.each<[what: string, match: object, sent: Sent, matches: boolean]>([
    ["a parameter's value", { query: { a: "1" } }, { query: "a=1" }, true],
    ["a number as a parameter", { query: { a: 1 } }, { query: "a=1" }, true],
    ["another value", { query: { a: "1" } }, { query: "a=2" }, false],
    ["one of a list", { query: { a: ["1", 2] } }, { query: "a=2" }, true],
    ["whatever is there", { query: { a: "*" } }, { query: "a=x" }, true],
    ["an empty value, which is nothing", { query: { a: "*" } }, { query: "a=" }, false],
    ["a missing parameter", { query: { a: "*" } }, { query: "b=1" }, false],
    ["a boolean of JSON", { json: { "a.b": true } }, { body: '{"a":{"b":true}}' }, true],
    ["the text of a boolean", { json: { a: "false" } }, { body: '{"a":false}' }, true],
    ["a number of JSON", { json: { a: 1 } }, { body: '{"a":1}' }, true],
    ["an object, which is no value", { json: { a: "*" } }, { body: '{"a":{}}' }, false],
    ["no JSON", { json: { a: "*" } }, { body: "a" }, false],
    ["a form", { form: { webhook_id: "*" } }, { body: "webhook_id=5", headers: FORM }, true],
    ["a form that says it is none", { form: { webhook_id: "*" } }, { body: "webhook_id=5" }, false],
    ["a header", { header: { "x-a": "1" } }, { headers: { "X-A": "1" } }, true],
    ["all of them", { header: { "x-a": "1" }, query: { a: "1" } }, { query: "a=1" }, false],
    ["another method", { method: "GET", query: { a: "1" } }, { query: "a=1" }, false],
    ["OPTIONS without saying so", { query: { a: "1" } }, { method: "OPTIONS", query: "a=1" }, false],
    ["OPTIONS", { method: "OPTIONS" }, { method: "OPTIONS" }, true],
    ["GET by default", { query: { a: "1" } }, { method: "GET", query: "a=1" }, true],
  ])("a handshake matches all that it says: %s", (_, match, sent, matches) => {
    expect(greet({ match, ...text }, sent) !== undefined).toBe(matches);
  });

  test("of several that match the first counts, and by default what comes by POST is signed", () => {
    const first = { match: { query: { a: "1" } }, answer: { text: "first" } };
    const rig = rigOf([first, { match: { query: { a: "*" } }, answer: { text: "second" } }]);
    const found = (sent: Sent) => rig.source.handshake(requestOf(sent));
    expect(found({ method: "GET", query: "a=1" })).toMatchObject({
      signed: false,
      answer: { body: "first" },
    });
    expect(found({ query: "a=1" })).toMatchObject({ signed: true, answer: { body: "first" } });
    expect(found({ query: "a=2" })).toMatchObject({ signed: true, answer: { body: "second" } });
  });

  test("a body of more than 64 KiB is no handshake", () => {
    const of = (length: number) =>
      greet({ match: { json: { a: "1" } }, ...text }, { body: `{"a":"1"}${" ".repeat(length)}` });
    expect(of(64 * 1024 - 9)).toBeDefined();
    expect(of(64 * 1024 - 8)).toBeUndefined();
  });
});

describe("what is answered", () => {
  const answerTo = (answer: object, sent: Sent, match: object = { query: { a: "*" } }) =>
    greet({ match, answer }, { method: "GET", query: "a=x", ...sent })?.answer;

  test("a text is plain, JSON is JSON, and an empty one has no type", () => {
    expect(answerTo({ text: "{query.a}!" }, {})).toEqual({
      status: 200,
      type: "text/plain; charset=utf-8",
      headers: {},
      body: "x!",
    });
    const json = { "hub.challenge": "{query.a}", list: [1, "{{{query.a}}}", { deep: true }] };
    expect(answerTo({ status: 201, json }, { query: "a=%22x" })).toEqual({
      status: 201,
      type: "application/json",
      headers: {},
      body: '{"hub.challenge":"\\"x","list":[1,"{\\"x}",{"deep":true}]}',
    });
    expect(answerTo({ text: "" }, {})).toEqual({ status: 200, headers: {}, body: "" });
    expect(answerTo({ text: "", type: "text/plain" }, {})).toMatchObject({ type: "text/plain" });
  });

  test("hashes and HMACs are by the first secret, in hex or base64", () => {
    const hmac = createHmac("sha256", SECRET).update("x");
    const text = "{hmac-sha256(query.a)} {hmac-sha512(query.a) base64} {sha256(query.a)}";
    expect(answerTo({ text }, {}, { method: "GET" })?.body).toBe(
      [
        hmac.digest("hex"),
        createHmac("sha512", SECRET).update("x").digest("base64"),
        createHash("sha256").update("x").digest("hex"),
      ].join(" "),
    );
  });

  test("where something is missing there is no answer, and so no handshake", () => {
    expect(answerTo({ text: "{query.b}" }, {})).toBeUndefined();
    expect(answerTo({ json: { a: ["{query.b}"] } }, {})).toBeUndefined();
    expect(answerTo({ text: "", headers: { "X-A": "{header.X-B}" } }, {})).toBeUndefined();
  });

  test("whatever anybody sends, an answer has at most 1 KiB and its headers are headers", () => {
    const handshake = {
      match: { method: "GET", query: { a: "*" } },
      answer: { text: "<{query.a}{query.a}>", headers: { "X-Echo": "{query.a}", "X-Two": "{header.X-B}" } },
    };
    const rig = rigOf([handshake]);
    let answered = 0;
    const value = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 400 }),
      fc.string({ unit: fc.constantFrom("a", "\r", "\n", "é", "\0", " ", ":"), maxLength: 8 }),
      fc.string({ unit: fc.constantFrom(..."abc"), minLength: 200, maxLength: 1200 }),
    );
    fc.assert(
      fc.property(value, fc.string({ unit: fc.constantFrom(..."ab-"), maxLength: 1100 }), (a, b) => {
        const found = rig.source.handshake(
          requestOf({ method: "GET", query: `a=${encodeURIComponent(a)}`, headers: { "X-B": b } }),
        );
        if (found === undefined) return;
        answered++;
        const { headers = {}, body } = found.answer;
        const bytes = Object.entries(headers).flat().concat(body).join("");
        expect(Buffer.byteLength(bytes)).toBeLessThanOrEqual(1024);
        for (const text of Object.values(headers)) expect(text).not.toMatch(/[\r\n]/);
        // The platform's own judgement of them.
        expect(new Headers(headers).get("X-Echo")).toBe(a);
      }),
    );
    expect(answered).toBeGreaterThan(0);
  });

  test("a template has no way to the secret", () => {
    for (const text of ["{secret}", "{header.secret}x{secret}", "{hmac-sha256(secret)}"])
      expect(mistake({ match: { query: { a: "*" } }, answer: { text } })).toBe("answer");
  });
});

describe("a mistake is told with its option:", () => {
  const query = { query: { a: "*" } };
  const answer = { text: "x" };
  test.each<[what: string, option: string, handshake: object]>([
    ["a body of a GET", "match", { match: { method: "GET", json: { a: "*" } }, answer }],
    ["a form of OPTIONS", "match", { match: { method: "OPTIONS", form: { a: "*" } }, answer }],
    ["every unsigned POST", "match", { match: { method: "POST" }, signed: false, answer }],
    ["every unsigned request", "match", { match: {}, signed: false, answer }],
    ["a path that is none", "match", { match: { json: { "a..b": "1" } }, answer }],
    ["a header that is none", "match", { match: { header: { "a b": "1" } }, answer }],
    ["a signed OPTIONS", "signed", { match: { method: "OPTIONS" }, signed: true, answer }],
    ["a GET whose query isn't signed", "signed", { match: { method: "GET" }, signed: true, answer }],
    ["an unsigned one that is kept", "keep", { match: query, signed: false, keep: true, answer }],
    ["a GET that is kept", "keep", { match: { ...query, method: "GET" }, keep: true, answer }],
    ["HTML for anybody", "answer/type", { match: query, answer: { ...answer, type: "text/html" } }],
    [
      "a type that goes on",
      "answer/type",
      { match: query, answer: { ...answer, type: "text/plain; charset=utf-7" } },
    ],
    ["no body", "answer", { match: query, answer: {} }],
    ["two bodies", "answer", { match: query, answer: { text: "", json: 1 } }],
    ["a body with 204", "answer", { match: query, answer: { status: 204, text: "x" } }],
    ["a brace", "answer", { match: query, answer: { text: "{" } }],
    ["another brace", "answer", { match: query, answer: { text: "a}" } }],
    ["no place", "answer", { match: query, answer: { text: "{body}" } }],
    ["a cookie", "answer/headers", { match: query, answer: { ...answer, headers: { "Set-Cookie": "a" } } }],
    [
      "a length",
      "answer/headers",
      { match: query, answer: { ...answer, headers: { "Content-Length": "1" } } },
    ],
  ])("a mistake is told with its option: %s", (_, option, handshake) => {
    expect(mistake(handshake)).toBe(option);
  });
});

describe("an HMAC of what anybody sends", () => {
  const open = (place: string, match: object, more: object = {}) => ({
    match,
    answer: { text: `sha256={hmac-sha256(${place})}` },
    ...more,
  });
  const byGet = open("query.crc", { method: "GET", query: { crc: "*" } });

  test("an HMAC of what anybody sends is for a query by GET alone", () => {
    expect(mistake(byGet)).toBe("none");
    for (const wrong of [
      open("query.crc", { query: { crc: "*" } }),
      open("query.crc", { method: "POST", query: { crc: "*" } }, { signed: false }),
      open("json.crc", { method: "POST", json: { crc: "*" } }, { signed: false }),
      open("json.crc", { json: { crc: "*" } }, { signed: false }),
      open("header.crc", { method: "GET", query: { crc: "*" } }),
      open("header.crc", { query: { crc: "*" } }),
      open("header.crc", { method: "OPTIONS" }),
      open("query.crc", { method: "HEAD" }),
    ])
      expect(mistake(wrong)).toBe("answer");
    expect(mistake(open("json.crc", { json: { crc: "*" } }))).toBe("none");
    expect(mistake(open("json.crc", { method: "POST", json: { crc: "*" } }))).toBe("none");
  });

  test("an HMAC of what anybody sends isn't for a source whose signature is one of a hash", () => {
    expect(mistake(byGet, { ...SCHEME, signed: "{sha256(body)}" })).toBe("answer");
    const jwt = { algorithm: "jwt-hs256", header: "Authorization", payload_hash: true };
    expect(mistake(byGet, jwt)).toBe("none");
  });

  test("it is made of at most 128 characters that stand in no JSON object", () => {
    const found = (crc: string) =>
      greet(byGet, { method: "GET", query: `crc=${encodeURIComponent(crc)}` })?.answer.body;
    const hmac = createHmac("sha256", SECRET).update("a_B-9=").digest("hex");
    expect(found("a_B-9=")).toBe(`sha256=${hmac}`);
    expect(found("a".repeat(128))).toBeDefined();
    for (const crc of ["a".repeat(129), "{}", "a b", "a.b", "a&b", "é", '"a"'])
      expect(found(crc)).toBeUndefined();
  });

  test("nothing that anybody got an HMAC of is a proof, by any template with the body", () => {
    const token = fc.string({
      unit: fc.constantFrom(..."abzAZ019_=-"),
      minLength: 1,
      maxLength: 128,
    });
    const seconds = String(AT / 1000);
    const timed = { ...SCHEME, timestamp_header: "X-Time" };
    for (const [scheme, before] of [
      [SCHEME, ""],
      [{ ...timed, signed: "{timestamp}{body}" }, seconds],
      [{ ...timed, signed: "{body}{timestamp}" }, ""],
    ] as const) {
      const rig = rigOf([byGet], scheme);
      fc.assert(
        fc.property(token, fc.nat(), (text, at) => {
          const after = scheme.signed.endsWith("{timestamp}") ? seconds : "";
          const body = text.slice(0, at % (text.length + 1));
          const crc = `${before}${body}${after}`;
          const answer = rig.source.handshake(requestOf({ method: "GET", query: `crc=${crc}` }));
          if (answer === undefined) return;
          const signature = answer.answer.body.replace("sha256=", "");
          const request = requestOf({ body, headers: { "X-Sig": signature, "X-Time": seconds } });
          expect(rig.source.verify(request, AT).proven).toBe(false);
          expect(rig.source.begin(request, AT)).toBeFunction();
        }),
      );
      expect(rig.proves(rig.signed('{"a":1}'))).toBe(true);
    }
  });
});

/** The secret of those whose keys are fetched, and which have no cases. */
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders";

test.each([...PRESET_NAMES])("no request by GET or POST that says nothing is a handshake by %s", (name) => {
  const rig = new Rig("generic", { preset: name, secret: signedCase(name)?.secret ?? TOPIC });
  for (const method of ["GET", "POST", "HEAD", "OPTIONS"])
    expect(rig.source.handshake(requestOf({ method }))).toBeUndefined();
});

test("a source that signs as a preset does gives its provider's answers, unless it says others", () => {
  const spelled = (name: "zoom" | "xero" | "woocommerce", more: object = {}, scheme: object = {}) =>
    new Rig("generic", { secret: SECRET, scheme: { ...PRESETS[name].options.scheme, ...scheme }, ...more })
      .source;
  const validation = requestOf({
    headers: { "Content-Type": "application/json" },
    body: '{"event":"endpoint.url_validation","payload":{"plainToken":"t"}}',
  });
  expect(spelled("zoom").handshake(validation)).toMatchObject({ signed: true, answer: { status: 200 } });
  expect(spelled("zoom").hints).toEqual([]);
  expect(spelled("zoom").explain().handshakes).toHaveLength(1);
  const ping = requestOf({ headers: FORM, body: "webhook_id=5" });
  expect(spelled("woocommerce").handshake(ping)).toMatchObject({ signed: false, answer: { body: "" } });
  expect(spelled("xero").accepted).toMatchObject({ status: 200, body: "" });
  expect(spelled("zoom", { handshakes: [] }).handshake(validation)).toBeUndefined();
  expect(spelled("xero", { answer: { body: "ok" } }).accepted).toMatchObject({ body: "ok" });
  // Another one's requests under the same header.
  const otherwise = spelled("zoom", {}, { signed: "{timestamp}.{body}" });
  expect(otherwise.handshake(validation)).toBeUndefined();
  expect(otherwise.hints).toHaveLength(1);
});
