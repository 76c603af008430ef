/**
 * Handshakes as a configuration says them: which requests ask whether this address is the
 * operator's, and what they are answered. What anybody may send is never stored, and its answer is
 * short, plain and bounded; why, and which HMAC may stand in it, is said in
 * `docs/decisions/0029-…`.
 */
import { type Static, Type } from "typebox";
import type { BodyCheck, Handshake, ProviderAnswer, SignedRequest } from "../core/source.ts";
import { equalInConstantTime } from "../lib/constant-time.ts";
import { fieldNameMistake, isFieldValue } from "../lib/header-field.ts";
import { answerTemplate, jsonTemplate, type TemplateContext } from "./answer-template.ts";
import { Conditions, textsOf } from "./conditions.ts";
import { HANDSHAKE_BYTES_MAX, JSON_TYPE } from "./kind.ts";
import { type Place, parsePlace, RequestParts } from "./places.ts";
import { Draft } from "./schemes/draft.ts";
import { defineScheme, refused, type Scheme, SchemeError } from "./schemes/proof.ts";

const METHODS = ["GET", "POST", "HEAD", "OPTIONS"] as const;
const PLACES = ["header", "query", "form", "json"] as const;
/** Stands for whatever is there. */
const ANYTHING = "*";

const MediaType = (description: string) =>
  Type.Optional(
    Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[ -~]*[!-~]$", maxLength: 200, description }),
  );

const HandshakeOptions = Type.Object(
  {
    match: Type.Object(
      {
        method: Type.Optional(
          Type.Enum([...METHODS], { description: "By which method it comes (default: GET or POST)." }),
        ),
        header: Conditions("Headers, each with the value that it must have."),
        query: Conditions("Parameters of the query, each with the value that it must have."),
        form: Conditions("Parameters of a form in the body, each with the value that it must have."),
        json: Conditions("Paths into the JSON body, each with the value that must stand there."),
      },
      {
        description:
          'What makes a request this handshake. A value is a text, a number, a boolean or a list of them; "*" is whatever is there.',
      },
    ),
    signed: Type.Optional(
      Type.Boolean({
        description:
          "Whether it must prove its origin first (default: true by POST, false by other methods).",
      }),
    ),
    answer: Type.Object(
      {
        status: Type.Optional(
          Type.Integer({ minimum: 200, maximum: 299, description: "200 unless it is said." }),
        ),
        type: MediaType("Of the body; by default text/plain or application/json."),
        headers: Type.Optional(
          Type.Record(Type.String(), Type.String(), { description: "Further headers, each a template." }),
        ),
        text: Type.Optional(
          Type.String({
            description:
              "The body: a template such as {query.challenge} or {hmac-sha256(json.payload.plainToken)}.",
          }),
        ),
        json: Type.Optional(
          Type.Unknown({ description: "The body as JSON, in whose texts templates may stand." }),
        ),
      },
      { description: "What it is answered." },
    ),
    keep: Type.Optional(
      Type.Boolean({ description: "Whether a signed one is stored as an event too (default false)." }),
    ),
  },
  { description: "A request that asks whether this address is yours, and its answer." },
);
type HandshakeOptions = Static<typeof HandshakeOptions>;

export const Handshakes = Type.Array(HandshakeOptions, {
  description: "Requests that ask whether this address is yours; of several that match the first counts.",
});
export type Handshakes = Static<typeof Handshakes>;

export const SuccessAnswer = Type.Object(
  {
    status: Type.Optional(
      Type.Integer({ minimum: 200, maximum: 299, description: "200 unless it is said." }),
    ),
    type: MediaType("Of the body; text/plain unless it is said, and none without a body."),
    body: Type.Optional(Type.String({ maxLength: 1024, description: "Empty unless it is said." })),
  },
  { description: "What a request is answered that was stored." },
);
export type SuccessAnswer = Static<typeof SuccessAnswer>;

/** Of an answer to what anybody may have sent, headers included. */
const UNSIGNED_ANSWER_BYTES_MAX = 1024;
const HEADER_CHARS_MAX = 1024;
const PLAIN_TEXT = "text/plain; charset=utf-8";
/** What a browser shows as nothing but text. */
const PLAIN_TYPE = /^(text\/plain|application\/json)(; ?charset=utf-8)?$/i;
/** What a browser remembers or follows. */
const FORBIDDEN_HEADERS = new Set(["set-cookie", "set-cookie2", "refresh", "location", "clear-site-data"]);
/**
 * What an HMAC may be made of for anybody: the value of a query's parameter, so short, and without
 * what stands in each JSON object, form of two parameters and URL.
 */
const OPEN_VALUE = /^[A-Za-z0-9_=-]{0,128}$/;
const SHARED_SECRET = /^(hmac-|jwt-hs|(token|bearer|basic|md5|sha[0-9]+)$)/;

/** How the source signs, as far as an HMAC in an answer depends on it. */
interface Signing {
  readonly algorithm: string;
  /** The template of what is signed. */
  readonly signed: string;
  /** Whether it signs the query, and so proves what comes by GET. */
  readonly coversQuery: boolean;
  /** By which an HMAC is made. */
  readonly key: () => Uint8Array;
}

interface CompiledHandshakes {
  /** The first that the request is; undefined when it is none. */
  readonly find: (request: SignedRequest) => Handshake | undefined;
  /** Whether one comes by POST and proves nothing. */
  readonly unsignedPosts: boolean;
  /** Whether anybody gets an HMAC of what they send. */
  readonly signsForAnybody: boolean;
}

/** Throws `SchemeError` for what can't be, or must not. */
export function compileHandshakes(all: Handshakes, signing: Signing): CompiledHandshakes {
  const compiled = all.map((each, index) => compile(each, `handshakes/${index}`, signing));
  return {
    find(request) {
      if (request.body.length > HANDSHAKE_BYTES_MAX) return undefined;
      const parts = new RequestParts(request);
      for (const { handshake } of compiled) {
        const found = handshake(parts);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    unsignedPosts: compiled.some((each) => each.unsignedPosts),
    signsForAnybody: compiled.some((each) => each.signsForAnybody),
  };
}

function compile({ match, signed, answer, keep = false }: HandshakeOptions, at: string, signing: Signing) {
  const { method } = match;
  const mayBe = (each: string) => (method === undefined ? ["GET", "POST"].includes(each) : method === each);
  const isSigned = (each: string) => signed ?? each === "POST";
  const unsigned = METHODS.filter((each) => mayBe(each) && !isSigned(each));
  const conditions = PLACES.flatMap((place) =>
    Object.entries(match[place] ?? {}).map(([name, accepted]) => {
      const { read } = parsePlace(`${place} ${name}`, `${at}/match`);
      const holds =
        accepted === ANYTHING
          ? (found?: string) => found !== undefined && found !== ""
          : equalsAny(textsOf(accepted));
      return (request: RequestParts) => holds(read(request));
    }),
  );
  const wrong = (what: string, why: string) => new SchemeError(why, `${at}/${what}`);
  if (method !== undefined && method !== "POST" && (match.form ?? match.json) !== undefined)
    throw wrong("match", `a ${method} has no body, so this never matches`);
  if (unsigned.includes("POST") && conditions.length === 0)
    throw wrong(
      "match",
      "every POST would be answered by this, and none be stored: say what tells it from others",
    );
  if (signed === true && (method === "HEAD" || method === "OPTIONS"))
    throw wrong("signed", `nobody signs a request by ${method}`);
  if (signed === true && method === "GET" && !signing.coversQuery)
    throw wrong("signed", "by GET nothing is proven here: the scheme doesn't sign the query");
  if (keep && !METHODS.some((each) => mayBe(each) && isSigned(each)))
    throw wrong("keep", "nothing is stored of what proves no origin");
  if (unsigned.length > 0 && answer.type !== undefined && !PLAIN_TYPE.test(answer.type))
    throw wrong("answer/type", "what anybody may send is answered as text/plain or application/json alone");
  const openValues = unsigned.includes("GET") && method === "GET";
  const { fill, keyed } = answering(answer, {
    option: `${at}/answer`,
    key: SHARED_SECRET.test(signing.algorithm)
      ? signing.key()
      : `there is no secret to make an HMAC by: the algorithm is ${signing.algorithm}`,
    mayBeKeyed: (value) => !openValues || OPEN_VALUE.test(value),
  });
  const signsForAnybody =
    unsigned.length > 0 && keyed.some(({ inBody }) => !inBody || unsigned.includes("POST"));
  if (signsForAnybody) {
    if (method !== "GET" || keyed.some(({ text }) => !text.startsWith("query")))
      throw wrong(
        "answer",
        "an HMAC of what anybody sends could be a signature: it is for method: GET and values of the query, or for signed: true",
      );
    if (signing.algorithm.startsWith("hmac-") && !signing.signed.includes("{body}"))
      throw wrong(
        "answer",
        "an HMAC of what anybody sends would be a signature here, because the body itself isn't signed",
      );
  }
  return {
    unsignedPosts: unsigned.includes("POST"),
    signsForAnybody,
    handshake(request: RequestParts): Handshake | undefined {
      const { method: sent } = request.request;
      if (!mayBe(sent) || !conditions.every((holds) => holds(request))) return undefined;
      const proven = isSigned(sent);
      const filled = fill(request, proven ? HANDSHAKE_BYTES_MAX : UNSIGNED_ANSWER_BYTES_MAX);
      return filled === undefined ? undefined : { signed: proven, keep: proven && keep, answer: filled };
    },
  };
}

/** What is compared may be a token. A missing value is an empty text. */
function equalsAny(texts: readonly string[]): (found?: string) => boolean {
  return (found = "") => texts.filter((text) => equalInConstantTime(text, found)).length > 0;
}

function answering(
  { status = 200, type, headers = {}, text, json }: HandshakeOptions["answer"],
  context: TemplateContext,
) {
  const { option } = context;
  if ((text === undefined) === (json === undefined))
    throw new SchemeError("an answer has either text, which may be empty, or json", option);
  checkBody(status, text ?? "JSON", option);
  const body = json === undefined ? answerTemplate(text ?? "", context) : jsonTemplate(json, context);
  const fields = Object.entries(headers).map(([name, value]) => {
    const mistake = FORBIDDEN_HEADERS.has(name.toLowerCase())
      ? `${name} is more than an answer to a handshake may say`
      : fieldNameMistake(name);
    if (mistake !== undefined) throw new SchemeError(mistake, `${option}/headers`);
    return [name, answerTemplate(value, { ...context, option: `${option}/headers` })] as const;
  });
  const usual = json === undefined ? PLAIN_TEXT : JSON_TYPE;
  return {
    keyed: [body, ...fields.map(([, value]) => value)].flatMap(({ keyed }) => keyed),
    /** Undefined where something is missing, is too much, or can't stand in a header. */
    fill(request: RequestParts, bytesMax: number): ProviderAnswer | undefined {
      const filled = body.fill(request);
      if (filled === undefined) return undefined;
      const filledHeaders: Record<string, string> = {};
      let bytes = Buffer.byteLength(filled);
      for (const [name, value] of fields) {
        const field = value.fill(request);
        if (field === undefined || !isFieldValue(field) || field.length > HEADER_CHARS_MAX) return undefined;
        filledHeaders[name] = field;
        bytes += name.length + field.length;
      }
      if (bytes > bytesMax) return undefined;
      return answerOf(status, type, usual, filled, filledHeaders);
    },
  };
}

/** Where an answer takes something from, as its templates write it. */
const TAKEN = /[{(](header|query|form|json)[. ]([^\s{}()]+)/g;

/**
 * A request for each handshake, made of what it must hold and of what its answer takes: the
 * challenge. Whether it is one is for `find` to say.
 */
export function handshakeRequests(all: Handshakes, url: string, challenge: string): SignedRequest[] {
  return all.map(({ match, answer }) => {
    const draft = new Draft({ body: new Uint8Array(), url });
    const wanted = PLACES.flatMap((place) =>
      Object.entries(match[place] ?? {}).map(([name, accepted]) => ({
        place: parsePlace(`${place} ${name}`, "match"),
        value: accepted === ANYTHING ? challenge : (textsOf(accepted)[0] ?? ""),
      })),
    );
    const said = JSON.stringify(answer);
    const taken = [...said.matchAll(TAKEN)].map(([, place, name]) =>
      parsePlace(`${place} ${name}`, "answer"),
    );
    const isNew = ({ kind, name }: Place) =>
      !wanted.some(({ place }) => place.kind === kind && place.name === name);
    for (const place of taken.filter(isNew)) draft.put(place, challenge);
    for (const { place, value } of wanted) draft.put(place, value);
    const { request } = draft.parts;
    const hasBody =
      match.json !== undefined || match.form !== undefined || taken.some(({ inBody }) => inBody);
    return { ...request, method: match.method ?? (hasBody ? "POST" : "GET") };
  });
}

/** Throws `SchemeError` for a status that goes without the body. */
export function successAnswer({ status = 200, type, body = "" }: SuccessAnswer): ProviderAnswer {
  checkBody(status, body, "answer");
  return answerOf(status, type, PLAIN_TEXT, body, {});
}

/** Of RFC 9110, sections 15.3.5 and 15.3.6. */
function checkBody(status: number, body: string, option: string): void {
  if (body !== "" && (status === 204 || status === 205))
    throw new SchemeError(`an answer ${status} has no body`, option);
}

/** Without a body there is no type of it, unless somebody says one. */
function answerOf(
  status: number,
  type: string | undefined,
  usualType: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): ProviderAnswer {
  const ofBody = type ?? (body === "" ? undefined : usualType);
  return { status, body, headers, ...(ofBody !== undefined && { type: ofBody }) };
}

/**
 * The scheme without the signatures that anybody could have asked for: a body that may have been
 * the whole or a part of what an HMAC was made of proves nothing.
 */
export function withoutOpenBodies(scheme: Scheme): Scheme {
  const check =
    (begun: BodyCheck): BodyCheck =>
    (body) =>
      OPEN_VALUE.test(Buffer.from(body.subarray(0, 129)).toString("latin1"))
        ? refused("such a short body could be signed by anybody, by way of the handshake")
        : begun(body);
  return defineScheme({
    ...scheme,
    begin(head, now) {
      const begun = scheme.begin(head, now);
      return typeof begun !== "function" || head.method !== "POST" ? begun : check(begun);
    },
  });
}
