/**
 * Twilio's webhooks for SMS, WhatsApp and the other channels of its Messages API, for Conversations
 * (forms, signed together with the URL as Twilio knows it) and for Event Streams (JSON, whose hash
 * is in the URL). Answered with empty TwiML, so that Twilio sends nothing back to whoever wrote.
 * Source of the scheme: Twilio's "Validating requests" page and the published vectors of its
 * libraries; of the shapes: twilio.com/docs, "Twilio's request to your webhook URL", "Conversations
 * Webhooks" and the event types "inbound message", "outbound message" and "conversations message".
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody, Span } from "../../core/parsed-body.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { Form } from "../../lib/form.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  channelId,
  channelOr,
  eventOf,
  firstText,
  type Item,
  intakeOf,
  joined,
  messageOf,
  phoneOr,
  statusKey,
  storable,
  wholeSeconds,
  writtenInstant,
} from "../fields.ts";
import { boundedForm, type Composed, defineKind, FORM_TYPE, queryOf } from "../kind.ts";
import { defineScheme, refused, type Scheme, SHOWN_BYTES_MAX, secretBytes } from "../schemes/proof.ts";
import { signedParameters } from "../schemes/signed-parameters.ts";
import { sha256Hex } from "../schemes/template.ts";

const SIGNATURE = "X-Twilio-Signature";
/**
 * Of a body that is no form, in the URL. Twilio also writes it into the URL of a GET, even twice
 * and of something that isn't sent (twilio/twilio-php#861).
 */
const BODY_HASH = "bodySHA256";
const SHA1_BASE64 = /^[A-Za-z0-9+/]{27}=$/;
/**
 * Names and values are signed without anything between them, so one signature holds for
 * `MessageSid=SM1&NumMedia=0` and for `MessageSid=SM1NumMedia0`: an identifier that has swallowed
 * what comes behind it isn't of this form.
 */
const SID = /^(SM|MM)[0-9a-f]{1,32}$/i;
const CONVERSATIONS_SID = /^(IM|CH)[0-9a-f]{1,32}$/i;

export const twilio = defineKind({
  summary: "Twilio SMS, WhatsApp, Conversations, Event Streams; the secret is the account's auth token",
  explain: () => ({
    proof:
      "HMAC-SHA1 of the URL and the form's parameters by the auth token, in the header X-Twilio-Signature",
    covers: "public_url, the query and every parameter; another body by its hash in the URL (bodySHA256)",
    replay: "the same again is a duplicate, at any time",
    handshakes: [],
    messages: ["received SMS and messages, by MessageSid", "what participants write into conversations"],
    events: ["statuses, edits and removals, and everything else of Event Streams"],
  }),
  setup: () => ({
    title: "Twilio",
    page: "https://www.twilio.com/docs/usage/webhooks/messaging-webhooks",
    steps: [
      "The account's auth token is this source's secret.",
      "In the settings of the number, messaging service or WhatsApp sender, where a message comes in: choose webhook, enter the address, HTTP POST.",
      "Enter the same address as status callback to keep delivery statuses.",
      "The address must be public_url, character by character: Twilio signs it.",
    ],
  }),
  options: Type.Object({}),
  needsPublicUrl: () => true,
  open(_options, secrets) {
    return {
      scheme: twilioScheme(secrets),
      keptHeaders: ["x-twilio-*", "i-twilio-idempotency-token", "x-home-region"],
      normalise: (body, { now, contentType }) =>
        isForm(contentType) ? normaliseForm(body, now) : normaliseStream(body, now),
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
    coversBody: true,
    coversQuery: true,
    begin({ headers, method, url }) {
      const given = headers.get(SIGNATURE);
      if (given === null) return refused(`the header ${SIGNATURE} is missing`);
      if (!SHA1_BASE64.test(given))
        return refused(`the header ${SIGNATURE} holds no signature of the right form`);
      const query = new URLSearchParams(queryOf(url));
      if (method === "GET" && [...query.keys()].every((name) => name === BODY_HASH))
        return refused("a GET that brings nothing: its query has no parameter that says something");
      // A GET has no body that this could be the hash of, and yet some have it; what such a request
      // brings is its query, which is signed whole. A body behind it is never read.
      const hash = method === "GET" ? undefined : (query.get(BODY_HASH) ?? undefined);
      const form = isForm(headers.get("content-type") ?? "");
      return (body) => {
        if (hash !== undefined && hash.toLowerCase() !== sha256Hex(body))
          return refused("bodySHA256 in the URL is not the body's");
        if (hash === undefined && !form && body.length > 0)
          return refused("the body is no form, and the URL has no bodySHA256");
        const parameters = hash === undefined && form ? signedParameters(Form.parse(body)) : Buffer.alloc(0);
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
    sign({ url, body, contentType = "" }) {
      const key = keys[0] as Uint8Array;
      if (isForm(contentType))
        return { headers: { [SIGNATURE]: signature(key, url, signedParameters(Form.parse(body))) } };
      const query = `${BODY_HASH}=${sha256Hex(body)}`;
      const signed = `${url}${queryOf(url) === undefined ? "?" : "&"}${query}`;
      return { headers: { [SIGNATURE]: signature(key, signed, Buffer.alloc(0)) }, query };
    },
  });
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
function normaliseForm(body: Uint8Array, now: number): ParsedBody {
  const form = boundedForm(body);
  const field: Field = (name) => form.get(name);
  const span = { start: 0, end: body.length };
  const action = CONVERSATIONS_ACTIONS.exec(field("EventType") ?? "")?.[1];
  if (action !== undefined) return intakeOf([conversationsItem(action, field, span, now)]);
  const sid = field("MessageSid") ?? field("SmsSid");
  const id = sid !== undefined && SID.test(sid) ? sid : undefined;
  const status = field("MessageStatus") ?? field("SmsStatus");
  if (status !== undefined && !INCOMING.has(status))
    return intakeOf([
      eventOf("status", span, { type: `status.${status}`, key: statusKey(id, status), messageId: id }),
    ]);
  const media = Number(field("NumMedia") ?? 0) > 0;
  if (id === undefined) return intakeOf([eventOf("other", span, { type: field("EventType") })]);
  return intakeOf([
    messageOf(span, {
      id,
      from: address(field("From")),
      to: address(field("To")),
      ts: wholeSeconds(now),
      text: firstText(field("Body"), field("ButtonText"), field("InteractiveData")),
      type: field("MessageType") || (media ? "media" : "text"),
    }),
  ]);
}

type Field = (name: string) => string | undefined;

const CONVERSATIONS_ACTIONS = /^on((?:Message|Delivery|Conversation|Participant|User)[A-Za-z]+)$/;
const CONVERSATIONS_EVENTS = new Map<string, EventKind>([
  ["MessageUpdated", "edit"],
  ["MessageRemoved", "delete"],
  ["DeliveryUpdated", "status"],
]);

/** What happened in a conversation, which is the recipient of what is written in it. */
function conversationsItem(action: string, field: Field, span: Span, now: number): Item {
  const id = conversationsSid(field("MessageSid"));
  const time = field("DateUpdated") ?? field("DateRemoved") ?? field("DateCreated");
  if (action === "MessageAdded" && !isSystem(field("Author"), field("Source")))
    return conversationsMessage(span, {
      id,
      author: field("Author"),
      conversation: field("ConversationSid"),
      source: field("Source"),
      ts: writtenInstant(field("DateCreated")) ?? wholeSeconds(now),
      text: field("Body"),
      hasMedia: field("Media") !== undefined,
    });
  const subject = field("DeliveryReceiptSid") ?? id ?? field("ParticipantSid") ?? field("ConversationSid");
  return eventOf(action === "MessageAdded" ? "echo" : (CONVERSATIONS_EVENTS.get(action) ?? "other"), span, {
    type: field("EventType"),
    // The body counts Twilio's retries: its bytes don't tell one event from another.
    key: joined(subject ?? field("UserSid"), action, time ?? field("Status")),
    keyDecides: true,
    messageId: id,
    ts: writtenInstant(time),
  });
}

function conversationsSid(sid: string | undefined): string | undefined {
  return sid !== undefined && CONVERSATIONS_SID.test(sid) ? sid : undefined;
}

/** Whether the business posted it by the REST API, whose author is `system` unless it is named. */
function isSystem(author: string | undefined, source: string | undefined): boolean {
  return author === "system" || source?.toUpperCase() === "API";
}

interface ConversationsMessage {
  readonly id: string | undefined;
  readonly author: string | undefined;
  readonly conversation: string | undefined;
  readonly source: string | undefined;
  readonly ts: string;
  readonly text: string | undefined;
  readonly hasMedia: boolean;
}

function conversationsMessage(span: Span, given: ConversationsMessage): Item {
  const named = ADDRESS.exec(given.author ?? "")?.[1];
  const channel = named ?? channelOr("sms", given.source);
  const author = named === undefined && given.author ? `${channel}:${given.author}` : given.author;
  return messageOf(span, {
    id: given.id,
    from: address(author),
    to: channelId(channel, conversationsSid(given.conversation)),
    ts: given.ts,
    text: firstText(given.text),
    type: given.hasMedia ? "media" : "text",
  });
}

const STREAM = "com.twilio.";

/** The CloudEvents of Event Streams; undefined for any other JSON. */
function normaliseStream(body: Uint8Array, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const events = document === undefined || document.isArray ? document?.items : [document];
  if (events === undefined || !events.some((event) => event.get("specversion") !== undefined))
    return undefined;
  return intakeOf(events.map((event) => streamItem(event, now)));
}

function streamItem(event: JsonTree, now: number): Item {
  const type = event.get("type")?.text ?? "";
  const field: Field = (name) => event.at("data", name)?.text;
  const ts = writtenInstant(field("timestamp") ?? field("DateCreated") ?? event.get("time")?.text);
  const received = ts ?? wholeSeconds(now);
  if (type === `${STREAM}messaging.inbound-message.received`)
    return messageOf(event, {
      id: field("messageSid"),
      from: address(field("from")),
      to: address(field("to")),
      ts: received,
      text: firstText(field("body")),
      type: Number(field("numMedia") ?? 0) > 0 ? "media" : "text",
      key: event.get("id")?.text,
    });
  const conversations = field("MessageSid");
  if (type === `${STREAM}conversations.message.added` && !isSystem(field("Author"), field("Source")))
    return conversationsMessage(event, {
      id: conversationsSid(conversations),
      author: field("Author"),
      conversation: field("ConversationSid"),
      source: field("Source"),
      ts: received,
      text: field("MessageBody") ?? field("Body"),
      hasMedia: event.at("data", "Media")?.items[0] !== undefined,
    });
  return eventOf(streamKind(type), event, {
    type,
    key: event.get("id")?.text,
    messageId: field("messageSid") ?? conversations,
    ts: writtenInstant(event.get("time")?.text) ?? ts,
  });
}

function streamKind(type: string): EventKind {
  if (type.startsWith(`${STREAM}messaging.message.`)) return "status";
  return STREAM_EVENTS.get(type.slice(STREAM.length)) ?? "other";
}

const STREAM_EVENTS = new Map<string, EventKind>([
  ["conversations.message.added", "echo"],
  ["conversations.message.updated", "edit"],
  ["conversations.message.removed", "delete"],
  ["conversations.delivery.updated", "status"],
]);

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
