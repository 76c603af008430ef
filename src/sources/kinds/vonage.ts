/**
 * Vonage's Messages API, proven by a JSON Web Token that names the body's hash, and its older SMS
 * API, whose parameters are signed one by one. Source of the schemes and shapes:
 * developer.vonage.com, "Signed webhooks", "Signing messages", Messages API v1.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { ParsedBody, Span } from "../../core/parsed-body.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { Form } from "../../lib/form.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  channelOr,
  eventOf,
  firstText,
  type Item,
  instantOf,
  intakeOf,
  messageOf,
  ownKey,
  phoneOr,
  statusKey,
  textOf,
  wholeSeconds,
  writtenInstant,
} from "../fields.ts";
import {
  type Composed,
  checkParameters,
  contentOf,
  defineKind,
  FORM_TYPE,
  JSON_TYPE,
  type Provider,
} from "../kind.ts";
import { jwtScheme } from "../schemes/jwt.ts";
import { defineScheme, refused, type Scheme, SHOWN_BYTES_MAX, secretBytes } from "../schemes/proof.ts";
import { checkTimestamp } from "../schemes/timestamp.ts";

/** Of a signature. */
const HEX_CHARS = { sha1: 40, sha256: 64, sha512: 128 } as const;
const METHODS = { sha1hmac: "sha1", sha256hmac: "sha256", sha512hmac: "sha512" } as const;
const TOLERANCE_SECONDS = 300;
const utf8 = new TextDecoder();

const Options = Type.Object({
  scheme: Type.Optional(
    Type.Enum(["jwt", "vonage-sms-params"], {
      description: "`jwt` (default) for the Messages API, `vonage-sms-params` for the older SMS API.",
    }),
  ),
  signature_method: Type.Optional(
    Type.Enum(["sha1hmac", "sha256hmac", "sha512hmac"], {
      description: "How the older SMS API signs, as the account's settings say (default `sha256hmac`).",
    }),
  ),
});

export const vonage = defineKind({
  summary: "Vonage's Messages API and its older SMS API; the secret is the signature secret",
  explain: ({ scheme }) =>
    scheme === "vonage-sms-params"
      ? {
          proof: "HMAC, or a hash, of all parameters by the signature secret, in the parameter sig",
          covers: "every parameter, and the time",
          replay: "refused when its time is more than 300 s from now",
          handshakes: [],
          messages: ["received SMS, by messageId"],
          events: ["delivery receipts, and everything else"],
        }
      : {
          proof: "JWT (HS256) by the signature secret, in the header Authorization",
          covers: "the body, by its hash in the token",
          replay: "refused when the token has expired, or is more than 300 s old",
          handshakes: [],
          messages: ["what people write, by message_uuid"],
          events: ["statuses, reactions, and everything else"],
        },
  setup: () => ({
    title: "Vonage",
    page: "https://developer.vonage.com/en/getting-started/concepts/webhooks",
    steps: [
      "In the API settings of the dashboard: the signature secret of the API key (not the API secret) is this source's secret.",
      "For the Messages API choose it for SMS there, and in the application's Messages capabilities enter the address as inbound URL and status URL.",
      "For the older SMS API choose a signature method that is an HMAC, and enter the address for inbound messages and delivery receipts.",
    ],
  }),
  options: Options,
  open: (options, secrets) =>
    options.scheme === "vonage-sms-params" ? smsProvider(options, secrets) : messagesProvider(secrets),
});

function messagesProvider(secrets: readonly string[]): Provider {
  return {
    scheme: jwtScheme({ header: "Authorization", algorithms: ["HS256"], payload_hash: true }, secrets),
    keptHeaders: [],
    normalise: (body, { now }) => normaliseMessages(body, now),
    postKey: (_request, { claims }) => (typeof claims?.["jti"] === "string" ? claims["jti"] : undefined),
    compose,
  };
}

function normaliseMessages(body: Uint8Array, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const id = document?.get("message_uuid")?.text;
  if (document === undefined || id === undefined) return undefined;
  const ts = writtenInstant(document.get("timestamp")?.text);
  const status = document.get("status")?.text;
  if (status !== undefined) return intakeOf([statusOf(document, status, id, ts)]);
  // Version 0.1 of the API has all that is said in one member.
  const content = document.at("message", "content") ?? document;
  const type = (document.get("message_type") ?? content.get("type"))?.text;
  if (document.get("direction")?.text === "outbound")
    return intakeOf([eventOf("echo", document, { type, key: ownKey(id), messageId: id, ts })]);
  if (type === undefined) return intakeOf([eventOf("other", document, { messageId: id, ts })]);
  if (type === "reaction")
    return intakeOf([
      eventOf("reaction", document, { type, key: ownKey(id), messageId: about(document), ts }),
    ]);
  const channel = channelOr("vonage", (document.get("channel") ?? document.at("from", "type"))?.text);
  return intakeOf([
    messageOf(document, {
      id,
      from: party(channel, document.get("from")),
      to: party(channel, document.get("to")),
      ts: ts ?? wholeSeconds(now),
      text: textOf(
        content.get("text"),
        content.at(type, "caption"),
        content.at("reply", "title"),
        content.at(type, "text"),
        // What was answered in a Flow.
        content.at(type, "nfm_reply", "response_json"),
        ...(document.get("content")?.items ?? []).map((part) => part.get("text")),
      ),
      type,
    }),
  ]);
}

function statusOf(span: Span, status: string, id: string | undefined, ts: string | undefined): Item {
  return eventOf("status", span, { type: `status.${status}`, key: statusKey(id, status), messageId: id, ts });
}

function about(document: JsonTree): string | undefined {
  return (document.at("context", "message_uuid") ?? document.at("reaction", "message_uuid"))?.text;
}

/** Version 0.1 of the API wrapped numbers and identifiers in objects. */
function party(channel: string, value: JsonTree | undefined): string | undefined {
  const id = (value?.isObject === true ? (value.get("number") ?? value.get("id")) : value)?.text;
  return phoneOr(channel, id);
}

function smsProvider(
  { signature_method = "sha256hmac" }: Static<typeof Options>,
  secrets: readonly string[],
): Provider {
  return {
    scheme: parametersScheme(METHODS[signature_method], secrets),
    keptHeaders: [],
    normalise: (body, { now, contentType }) => normaliseSms(body, contentType, now),
    compose: composeSms,
  };
}

/**
 * Over `&name=value` of each parameter but `sig`, by name; `&` and `=` within values are replaced.
 */
function parametersScheme(algorithm: keyof typeof HEX_CHARS, secrets: readonly string[]): Scheme {
  const keys = secrets.map((secret) => secretBytes(secret));
  const signature = (key: Uint8Array, bytes: Uint8Array) =>
    new Bun.CryptoHasher(algorithm, key).update(bytes).digest("hex").toUpperCase();
  return defineScheme({
    coversBody: true,
    coversQuery: true,
    signsWithin: true,
    begin: (head, now) => (body) => {
      const content = contentOf({ ...head, body });
      const parameters = parametersOf(content.body, content.contentType);
      const given = parameters.last("sig");
      if (given === undefined) return refused("the parameter sig is missing");
      if (given.length !== HEX_CHARS[algorithm])
        return refused("the parameter sig is no signature of this method");
      const why = checkTimestamp(parameters.last("timestamp") ?? "", "unix", now, TOLERANCE_SECONDS);
      if (why !== undefined) return refused(why);
      const bytes = signedBytes(parameters);
      // Names aren't replaced when they are signed: one with `=` in it could stand for several
      // parameters.
      if (bytes === undefined) return refused("the name of a parameter holds & or =");
      let proven = false;
      for (const key of keys)
        proven = equalInConstantTime(signature(key, bytes), given.toUpperCase()) || proven;
      if (proven) return { proven };
      return refused("no secret made this signature", [bytes.toString("utf8", 0, SHOWN_BYTES_MAX)]);
    },
    sign({ body }, now) {
      const form = new URLSearchParams(utf8.decode(body));
      form.set("timestamp", String(Math.floor(now / 1000)));
      const bytes = signedBytes(Form.parse(Buffer.from(form.toString()))) as Buffer;
      form.set("sig", signature(keys[0] as Uint8Array, bytes));
      return { headers: { "Content-Type": FORM_TYPE }, body: Buffer.from(form.toString()) };
    },
  });
}

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const UNDERSCORE = 0x5f;
const SIG = Buffer.from("sig");

/** The last of equal names counts; undefined when a name holds `&` or `=`. */
function signedBytes(parameters: Form): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(parameters.bytes + 2 * parameters.size);
  let used = 0;
  const order = parameters.order({ byValue: false });
  for (let rank = 0, last = 0; rank < order.length; rank++) {
    const [index = 0, next] = [order[rank], order[rank + 1]];
    last = Math.max(last, index);
    if (next !== undefined && parameters.hasEqualNames(index, next)) continue;
    const name = parameters.name(index);
    if (name.includes(AMPERSAND) || name.includes(EQUALS)) return undefined;
    const counted = last;
    last = 0;
    if (name.equals(SIG)) continue;
    bytes[used++] = AMPERSAND;
    const start = used;
    used += parameters.copyPair(counted, bytes, start);
    const valueAt = start + name.length;
    for (let at = valueAt; at < used; at++)
      if (bytes[at] === AMPERSAND || bytes[at] === EQUALS) bytes[at] = UNDERSCORE;
    bytes.copyWithin(valueAt + 1, valueAt, used++);
    bytes[valueAt] = EQUALS;
  }
  return bytes.subarray(0, used);
}

/** Of a form, a query string or a flat JSON object; the last of equal names counts. */
function parametersOf(bytes: Uint8Array, contentType: string): Form {
  if (!contentType.toLowerCase().startsWith(JSON_TYPE)) return Form.parse(bytes);
  return Form.of(textsOf(parseJsonTree(bytes)), bytes.length);
}

function* textsOf(document: JsonTree | undefined): Generator<readonly [name: string, text: string]> {
  for (const [name, value] of document?.members() ?? []) yield [name, value.text ?? ""];
}

function normaliseSms(body: Uint8Array, contentType: string, now: number): ParsedBody {
  const form = parametersOf(body, contentType);
  checkParameters(form);
  const parameters = { get: (name: string) => form.last(name) };
  const span = { start: 0, end: body.length };
  const id = parameters.get("messageId");
  const status = parameters.get("status");
  const ts = writtenInstant(parameters.get("message-timestamp")) ?? instantOf(parameters.get("timestamp"));
  if (status !== undefined) return intakeOf([statusOf(span, status, id, ts)]);
  return intakeOf([
    messageOf(span, {
      id,
      from: phoneOr("sms", parameters.get("msisdn")),
      to: phoneOr("sms", parameters.get("to")),
      ts: ts ?? wholeSeconds(now),
      text: firstText(parameters.get("text")),
      type: parameters.get("type") || "text",
    }),
  ]);
}

function compose({ message_id, from, to, ts, text }: Message): Composed {
  const number = (id: string) => id.replace(/^\+/, "");
  const body = {
    message_uuid: message_id,
    from: number(from),
    to: number(to),
    channel: "sms",
    message_type: "text",
    text: text ?? "",
    timestamp: ts,
  };
  return { type: JSON_TYPE, body: JSON.stringify(body) };
}

function composeSms({ message_id, from, to, ts, text }: Message): Composed {
  const form = new URLSearchParams({
    messageId: message_id,
    msisdn: from.replace(/^\+/, ""),
    to: to.replace(/^\+/, ""),
    text: text ?? "",
    type: "text",
    "message-timestamp": ts.slice(0, 19).replace("T", " "),
  });
  return { type: FORM_TYPE, body: form.toString() };
}
