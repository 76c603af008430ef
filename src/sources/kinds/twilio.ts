/**
 * Twilio's webhooks for SMS, WhatsApp and the other channels of its Messages API: forms, signed together with the
 * URL as Twilio knows it. Answered with empty TwiML, so that Twilio sends nothing back to whoever wrote.
 * Source of the scheme: Twilio's "Validating requests" page and the published vectors of its libraries.
 */
import { Type } from "typebox";
import type { Intake } from "../../core/intake.ts";
import type { Message } from "../../core/message.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
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
import { type Composed, defineKind, FORM_TYPE } from "../kind.ts";
import { refused, type Scheme, secretBytes } from "../schemes/proof.ts";
import { sha256Hex } from "../schemes/template.ts";

const SIGNATURE = "X-Twilio-Signature";
const utf8 = new TextDecoder();

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

/** The URL and, of a form, its parameters; of anything else the hash of the body stands in the URL. */
function twilioScheme(secrets: readonly string[]): Scheme {
  const keys = secrets.map((secret) => secretBytes(secret));
  const signature = (key: Uint8Array, text: string) =>
    new Bun.CryptoHasher("sha1", key).update(text).digest("base64");
  return {
    verify(request) {
      const given = request.headers.get(SIGNATURE);
      if (given === null) return refused(`the header ${SIGNATURE} is missing`);
      const hash = bodyHash(request.url);
      if (hash !== undefined && hash.toLowerCase() !== sha256Hex(request.body))
        return refused("bodySHA256 in the URL is not the body's");
      const form = isForm(request.headers.get("content-type") ?? "");
      if (hash === undefined && !form && request.body.length > 0)
        return refused("the body is no form, and the URL has no bodySHA256");
      const parameters = hash === undefined && form ? signedParameters(request.body) : "";
      const candidates = urlsOf(request.url).map((url) => url + parameters);
      let proven = false;
      for (const key of keys)
        for (const text of candidates) proven = equalInConstantTime(signature(key, text), given) || proven;
      return proven ? { proven } : refused("no secret made this signature", candidates);
    },
    sign: ({ url, body }) => ({
      headers: { [SIGNATURE]: signature(keys[0] as Uint8Array, url + signedParameters(body)) },
    }),
  };
}

function bodyHash(url: string): string | undefined {
  const query = url.indexOf("?");
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get("bodySHA256") ?? undefined);
}

/** Names and values, sorted by name; the values of a name that comes more often sorted too, each once. */
function signedParameters(body: Uint8Array): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(utf8.decode(body)))
    values.set(name, (values.get(name) ?? new Set()).add(value));
  return [...values.keys()]
    .sort()
    .map((name) =>
      [...(values.get(name) as Set<string>)]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
}

const URL_PARTS = /^(https?):\/\/([^/?#]*?)(:[0-9]+)?([/?#].*)?$/i;

/** As given, without its port, with the scheme's port, and each with the apostrophe that some signers escape. */
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
function normaliseTwilio(body: Uint8Array, now: number): Intake {
  const form = new URLSearchParams(utf8.decode(body));
  const field = (name: string) => form.get(name) ?? undefined;
  const span = { start: 0, end: body.length };
  const id = field("MessageSid") ?? field("SmsSid");
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

function compose({ message_id, from, to, text }: Message): Composed {
  const form = new URLSearchParams({
    MessageSid: message_id,
    From: from,
    To: to,
    Body: text ?? "",
    NumMedia: "0",
  });
  return { type: FORM_TYPE, body: form.toString() };
}
