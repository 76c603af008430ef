/**
 * Twilio's webhooks for SMS, WhatsApp and the other channels of its Messages API: forms, signed
 * together with the URL as Twilio knows it. Answered with empty TwiML, so that Twilio sends nothing
 * back to whoever wrote. Source of the scheme: Twilio's "Validating requests" page and the
 * published vectors of its libraries.
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { ParsedBody } from "../../core/parsed-body.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { Form } from "../../lib/form.ts";
import {
  eventOf,
  firstText,
  intakeOf,
  messageOf,
  phoneOr,
  statusKey,
  storable,
  wholeSeconds,
} from "../fields.ts";
import { boundedForm, type Composed, defineKind, FORM_TYPE } from "../kind.ts";
import { defineScheme, refused, type Scheme, SHOWN_BYTES_MAX, secretBytes } from "../schemes/proof.ts";
import { sha256Hex } from "../schemes/template.ts";

const SIGNATURE = "X-Twilio-Signature";
const SHA1_BASE64 = /^[A-Za-z0-9+/]{27}=$/;
/**
 * Names and values are signed without anything between them, so one signature holds for
 * `MessageSid=SM1&NumMedia=0` and for `MessageSid=SM1NumMedia0`: an identifier that has swallowed
 * what comes behind it isn't of this form.
 */
const SID = /^(SM|MM)[0-9a-f]{1,32}$/i;

export const twilio = defineKind({
  summary: "Twilio SMS and WhatsApp; the secret is the account's auth token",
  options: Type.Object({}),
  needsPublicUrl: () => true,
  open(_options, secrets) {
    return {
      scheme: twilioScheme(secrets),
      normalise: (body, { now, contentType }) =>
        isForm(contentType) ? normaliseTwilio(body, now) : undefined,
      accepted: { status: 200, type: "text/xml", body: "<Response/>" },
      refusedStatus: 403,
      compose,
    };
  },
});

function isForm(contentType: string): boolean {
  return contentType === "" || contentType.toLowerCase().startsWith(FORM_TYPE);
}

/**
 * The URL and, of a form, its parameters; of anything else the hash of the body stands in the URL.
 */
function twilioScheme(secrets: readonly string[]): Scheme {
  const keys = secrets.map((secret) => secretBytes(secret));
  const signature = (key: Uint8Array, url: string, parameters: Uint8Array) =>
    new Bun.CryptoHasher("sha1", key).update(url).update(parameters).digest("base64");
  return defineScheme({
    coversQuery: true,
    begin({ headers, url }) {
      const given = headers.get(SIGNATURE);
      if (given === null) return refused(`the header ${SIGNATURE} is missing`);
      if (!SHA1_BASE64.test(given))
        return refused(`the header ${SIGNATURE} holds no signature of the right form`);
      const hash = bodyHash(url);
      const form = isForm(headers.get("content-type") ?? "");
      return (body) => {
        if (hash !== undefined && hash.toLowerCase() !== sha256Hex(body))
          return refused("bodySHA256 in the URL is not the body's");
        if (hash === undefined && !form && body.length > 0)
          return refused("the body is no form, and the URL has no bodySHA256");
        const parameters = hash === undefined && form ? signedParameters(body) : Buffer.alloc(0);
        const urls = urlsOf(url);
        let proven = false;
        for (const key of keys)
          for (const each of urls)
            proven = equalInConstantTime(signature(key, each, parameters), given) || proven;
        if (proven) return { proven };
        const parameterText = parameters.toString("utf8", 0, SHOWN_BYTES_MAX);
        return refused(
          "no secret made this signature",
          urls.map((each) => each + parameterText),
        );
      };
    },
    sign: ({ url, body }) => ({
      headers: { [SIGNATURE]: signature(keys[0] as Uint8Array, url, signedParameters(body)) },
    }),
  });
}

function bodyHash(url: string): string | undefined {
  const query = url.indexOf("?");
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get("bodySHA256") ?? undefined);
}

/**
 * Names and values, sorted by name; the values of a name that comes more often sorted too, each
 * once.
 */
function signedParameters(body: Uint8Array): Buffer {
  const form = Form.parse(body);
  const signed = Buffer.allocUnsafe(form.bytes);
  let used = 0;
  const order = form.order({ byValue: true });
  for (let rank = 0; rank < order.length; rank++) {
    const index = order[rank] as number;
    if (rank > 0 && form.areEqual(order[rank - 1] as number, index)) continue;
    used += form.copyPair(index, signed, used);
  }
  return signed.subarray(0, used);
}

const URL_PARTS = /^(https?):\/\/([^/?#]*?)(:[0-9]+)?([/?#].*)?$/i;

/**
 * As given, without its port, with the scheme's port, and each with the apostrophe that some
 * signers escape.
 */
function urlsOf(url: string): string[] {
  const [, protocol = "", authority = "", , rest = ""] = URL_PARTS.exec(url) ?? [];
  const port = protocol.toLowerCase() === "http" ? 80 : 443;
  const bare =
    protocol === ""
      ? [url]
      : [url, `${protocol}://${authority}${rest}`, `${protocol}://${authority}:${port}${rest}`];
  return [...new Set([...bare, ...bare.map((each) => each.replaceAll("'", "%27"))])];
}

/** What a message that comes in has for a status. */
const INCOMING = new Set(["received", "receiving"]);

/** The one message or event of a form. */
function normaliseTwilio(body: Uint8Array, now: number): ParsedBody {
  const form = boundedForm(body);
  const field = (name: string) => form.get(name);
  const span = { start: 0, end: body.length };
  const sid = field("MessageSid") ?? field("SmsSid");
  const id = sid !== undefined && SID.test(sid) ? sid : undefined;
  const status = field("MessageStatus") ?? field("SmsStatus");
  if (status !== undefined && !INCOMING.has(status))
    return intakeOf([eventOf("status", span, { key: statusKey(id, status), messageId: id })]);
  const media = Number(field("NumMedia") ?? 0) > 0;
  if (id === undefined) return intakeOf([eventOf("other", span)]);
  return intakeOf([
    messageOf(span, {
      id,
      from: address(field("From")),
      to: address(field("To")),
      ts: wholeSeconds(now),
      text: firstText(field("Body"), field("ButtonText")),
      type: field("MessageType") || (media ? "media" : "text"),
    }),
  ]);
}

const ADDRESS = /^(?:([a-z][a-z0-9_]*):)?(.*)$/s;

/** Twilio writes numbers with `+`; what has none is a short code or a name. */
function address(text: string | undefined): string | undefined {
  const [, channel = "sms", id = ""] = ADDRESS.exec(text ?? "") ?? [];
  if (id.trim() === "") return undefined;
  return id.startsWith("+") ? phoneOr(channel, id) : storable(`${channel}:${id}`);
}

/** An identifier that is none of theirs becomes one. */
function compose({ message_id, from, to, text }: Message): Composed {
  const form = new URLSearchParams({
    MessageSid: SID.test(message_id) ? message_id : `SM${sha256Hex(Buffer.from(message_id)).slice(0, 32)}`,
    From: from,
    To: to,
    Body: text ?? "",
    NumMedia: "0",
  });
  return { type: FORM_TYPE, body: form.toString() };
}
