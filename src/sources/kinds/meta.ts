/**
 * Meta's webhooks: WhatsApp Cloud API, Messenger and Instagram. One POST may hold many entries,
 * each with many messages and statuses; an entry that isn't understood costs the others nothing.
 * What the business itself sent is an echo wherever it stands, never a message. Source of the
 * shapes: Meta's webhook references (developers.facebook.com/documentation/business-messaging:
 * WhatsApp "messages", "history", "smb_message_echoes", "smb_app_state_sync", Flows "response
 * message"; Messenger and Instagram "messaging") and, for `event` and `data` without entries,
 * 360dialog's "Coexistence webhooks".
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody } from "../../core/parsed-body.ts";
import type { Handshake, ProviderAnswer, SignedRequest } from "../../core/source.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { Form } from "../../lib/form.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  channelId,
  eventOf,
  firstText,
  type Item,
  instantOf,
  intakeOf,
  joined,
  lastMember,
  messageOf,
  ownKey,
  phoneOr,
  statusKey,
  textOf,
  typeByMember,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, handshakeOf, JSON_TYPE, NOT_BLANK, plainText, queryOf } from "../kind.ts";
import { signatureScheme } from "../schemes/signature.ts";

export const meta = defineKind({
  summary: "WhatsApp Cloud API, Messenger and Instagram; the secret is the app's",
  explain: ({ verify_token }) => ({
    proof: "HMAC-SHA256 of the body by the app's secret, in the header X-Hub-Signature-256",
    covers: "every byte of the body",
    replay: "the same again is a duplicate, at any time",
    handshakes: verify_token === undefined ? [] : ["GET with hub.verify_token: its hub.challenge"],
    messages: ["what people write: messages[] of WhatsApp, message of Messenger and Instagram"],
    events: ["statuses, reactions, edits, deletions, echoes, postbacks, and everything else"],
  }),
  setup: () => ({
    title: "Meta",
    page: "https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview",
    steps: [
      "In the App Dashboard open your app. Its app secret (App settings, Basic) is this source's secret.",
      "Add the product Webhooks, WhatsApp, Messenger or Instagram. Enter the address as callback URL, and this source's verify_token as verify token: Meta's challenge is answered.",
      "Subscribe to the field messages. For Messenger and Instagram install the app on the page or account too.",
    ],
  }),
  options: Type.Object({
    verify_token: Type.Optional(
      Type.String({ pattern: NOT_BLANK, description: "What the console sends back in the handshake." }),
    ),
  }),
  open({ verify_token }, secrets) {
    return {
      scheme: signatureScheme(
        {
          header: "X-Hub-Signature-256",
          algorithm: "hmac-sha256",
          encoding: "hex",
          prefix: "sha256=",
          signed: "{body}",
        },
        secrets,
      ),
      keptHeaders: [],
      normalise: (body, { now }) => normaliseMeta(body, now),
      handshake: (request) => hubHandshake(request, verify_token),
      handshakeRequests: (url, challenge) => hubRequests(url, challenge, verify_token),
      compose: composeMeta,
    };
  },
});

/** Meta's handshake by GET, which others have copied; undefined when the request is none. */
export function hubHandshake(
  { method, url }: SignedRequest,
  token: string | undefined,
): Handshake | undefined {
  return method === "GET"
    ? handshakeOf(hubAnswer(Form.parse(Buffer.from(queryOf(url) ?? "")), token), false)
    : undefined;
}

/** As Meta makes it; none without a token. */
export function hubRequests(url: string, challenge: string, token: string | undefined): SignedRequest[] {
  if (token === undefined) return [];
  const hub = { "hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token };
  const query = new URLSearchParams(hub).toString();
  const asked = `${url}${queryOf(url) === undefined ? "?" : "&"}${query}`;
  return [{ method: "GET", url: asked, headers: new Headers(), body: new Uint8Array() }];
}

function hubAnswer(query: Form, token: string | undefined): ProviderAnswer | undefined {
  if (query.get("hub.mode") !== "subscribe") return undefined;
  const given = query.get("hub.verify_token") ?? "";
  if (token === undefined || token.trim() === "" || !equalInConstantTime(token, given))
    return plainText(403, "the verify token is wrong");
  return plainText(200, query.get("hub.challenge") ?? "");
}

/** Messages and events of a notification; undefined when the body is none. */
export function normaliseMeta(body: Uint8Array, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const entries = document?.get("entry")?.items ?? [];
  const channel = CHANNELS[document?.get("object")?.text ?? ""] ?? "whatsapp";
  const items = entries.flatMap((entry) => itemsOf(entry, channel, now));
  if (items.length > 0) return intakeOf(items);
  // A partner's webhooks: one change without an entry around it.
  const value = document?.get("data");
  if (document === undefined || value?.get("messaging_product") === undefined) return undefined;
  return intakeOf(whatsappChange({ change: document, value, account: value.get("id")?.text, salt: "" }, now));
}

const CHANNELS: Readonly<Record<string, string>> = { page: "messenger", instagram: "instagram" };

function itemsOf(entry: JsonTree, channel: string, now: number): Item[] {
  const account = entry.get("id")?.text;
  const time = entry.get("time")?.text;
  const salt = `${account} ${time}`;
  const items = [
    ...(entry.get("changes")?.items ?? []).flatMap((change) => {
      const value = change.get("value");
      return channel === "whatsapp"
        ? whatsappChange({ change, value, account, salt, time }, now)
        : messengerChange(change, { channel, account, now }, { salt, time });
    }),
    ...(entry.get("messaging")?.items ?? []).flatMap((each) =>
      messengerItems(each, "messaging", { channel, account, now }),
    ),
    // What somebody wrote while another app answers them.
    ...(entry.get("standby")?.items ?? []).flatMap((each) =>
      messengerItems(each, "standby", { channel, account, now }),
    ),
  ];
  return items.length > 0 ? items : [eventOf("other", entry)];
}

/** Types of WhatsApp messages that are about another message, or in which nobody says anything. */
const WHATSAPP_EVENTS = new Map<string, EventKind>([
  ["reaction", "reaction"],
  ["edit", "edit"],
  ["revoke", "delete"],
  ["system", "system"],
  ["request_welcome", "system"],
]);

/** What a change is of; a partner names it otherwise, or where it is plain not at all. */
function fieldOf(change: JsonTree, value?: JsonTree): string | undefined {
  const isPlain = value?.get("messages") !== undefined || value?.get("statuses") !== undefined;
  return (change.get("field") ?? change.get("event"))?.text ?? (isPlain ? "messages" : undefined);
}

/** Of the names that there are. */
function dotted(...names: readonly (string | undefined)[]): string {
  return names.filter((name) => name !== undefined).join(".");
}

interface WhatsappChange {
  readonly change: JsonTree;
  readonly value: JsonTree | undefined;
  /** The business account's identifier. */
  readonly account: string | undefined;
  /** The same change may happen again: the envelope's time tells one from the other. */
  readonly salt: string;
  /** When the notification was sent, if it says so. */
  readonly time?: string | undefined;
}

/** When what a change tells happened: its own time, that of its first item, or the envelope's. */
function timeOf(value: JsonTree | undefined, sent: string | undefined): string | undefined {
  const first = [...(value?.members() ?? [])].flatMap(([, member]) => member.items.slice(0, 1));
  const times = [value, ...first].flatMap((each) => [each?.get("timestamp"), each?.get("created_time")]);
  const time = [...times.map((each) => each?.text), sent].find((each) => SINCE_1970.test(each ?? ""));
  return instantOf(time, time?.length === 13 ? "milliseconds" : "seconds");
}

const SINCE_1970 = /^[0-9]{10}(?:[0-9]{3})?$/;

/** The business's number, as a recipient and as its messages may name it. */
interface Business {
  /** What was subscribed to. */
  readonly field: string | undefined;
  readonly to: string | undefined;
  readonly names: ReadonlySet<string | undefined>;
}

function whatsappChange({ change, value, account, salt, time }: WhatsappChange, now: number): Item[] {
  const number = phoneOr("whatsapp", value?.at("metadata", "display_phone_number")?.text);
  const numberId = value?.at("metadata", "phone_number_id")?.text;
  const field = fieldOf(change, value);
  const business: Business = {
    field,
    to: number ?? channelId("whatsapp", numberId) ?? channelId("whatsapp", account),
    names: new Set([number, phoneOr("whatsapp", numberId)]),
  };
  const items = [
    ...(value?.get("messages")?.items ?? []).map((message) => whatsappMessage(message, business, now)),
    ...(value?.get("history")?.items ?? []).flatMap((chunk) => whatsappHistory(chunk, business, salt, now)),
    ...(value?.get("statuses")?.items ?? []).map((status) => whatsappStatus(status, field)),
    ...(value?.get("message_echoes")?.items ?? []).map((echo) => whatsappEcho(echo, field)),
    ...(value?.get("state_sync")?.items ?? []).map((contact) =>
      eventOf("other", contact, { type: field, ts: instantOf(contact.at("metadata", "timestamp")?.text) }),
    ),
  ];
  return items.length > 0
    ? items
    : [eventOf("other", change, { type: field, salt, ts: timeOf(value, time) })];
}

/** Threads of both sides, from before the business's number came to the Cloud API. */
function whatsappHistory(chunk: JsonTree, business: Business, salt: string, now: number): Item[] {
  const items = (chunk.get("threads")?.items ?? []).flatMap((thread) =>
    (thread.get("messages")?.items ?? []).map((message) => whatsappMessage(message, business, now)),
  );
  return items.length > 0 ? items : [eventOf("other", chunk, { type: business.field, salt })];
}

/**
 * Whether the business itself sent it: it comes from its number, or is addressed to somebody else.
 * A recipient is named only where it isn't the business.
 */
function isOwn(message: JsonTree, { names }: Business): boolean {
  const from = phoneOr("whatsapp", message.get("from")?.text);
  const to = phoneOr("whatsapp", message.get("to")?.text);
  return (from !== undefined && names.has(from)) || (to !== undefined && !names.has(to));
}

function whatsappMessage(message: JsonTree, business: Business, now: number): Item {
  if (isOwn(message, business)) return whatsappEcho(message, business.field);
  const id = message.get("id")?.text;
  const type = message.get("type")?.text ?? typeByMember(message, WHATSAPP_COMMON);
  const ts = instantOf(message.get("timestamp")?.text);
  const kind = WHATSAPP_EVENTS.get(type);
  const named = dotted(business.field, type);
  if (kind !== undefined)
    return eventOf(kind, message, {
      type: named,
      key: ownKey(id),
      messageId: about(message, type) ?? id,
      ts,
    });
  // The message itself follows under the same identifier, with its caption.
  if (type === PLACEHOLDER)
    return eventOf("other", message, { type: named, key: statusKey(id, type), messageId: id, ts });
  return messageOf(message, {
    id,
    from:
      phoneOr("whatsapp", message.get("from")?.text) ??
      phoneOr("whatsapp", message.get("from_user_id")?.text),
    to: channelId("whatsapp", message.get("group_id")?.text) ?? business.to,
    ts: ts ?? wholeSeconds(now),
    text: firstText(
      message.at("text", "body")?.text,
      message.at(type, "caption")?.text,
      message.at(type, "text")?.text,
      message.at("interactive", "button_reply", "title")?.text,
      message.at("interactive", "list_reply", "title")?.text,
      flowAnswer(message.at("interactive", "nfm_reply")),
      message.at("interactive", "call_permission_reply", "response")?.text,
    ),
    type,
  });
}

const WHATSAPP_COMMON = new Set(
  "from from_user_id from_parent_user_id to id timestamp context group_id referral identity errors history_context".split(
    " ",
  ),
);

/** Of a message of the past whose contents come in a webhook of their own. */
const PLACEHOLDER = "media_placeholder";

/**
 * What was answered in a Flow: the line that the chat shows ("Sent", for most), then each answer
 * with its field's name, so that both are found by a search.
 */
function flowAnswer(reply: JsonTree | undefined): string | undefined {
  const json = reply?.get("response_json")?.text;
  const answers = json === undefined ? undefined : parseJsonTree(Buffer.from(json));
  const lines = [...(answers?.members() ?? [])]
    // It tells the business which form this is.
    .filter(([name, value]) => name !== "flow_token" && !value.isNull)
    .map(([name, value]) => `${name}: ${answerText(value)}`);
  const written = [reply?.get("body")?.text, ...(answers?.isObject === true ? lines : [json])];
  return written.filter((line) => line !== undefined && line !== "").join("\n");
}

function answerText(value: JsonTree): string {
  if (value.isArray) return value.items.map(answerText).join(", ");
  if (value.isObject)
    return [...value.members()].map(([name, each]) => `${name}: ${answerText(each)}`).join(", ");
  return value.text ?? (value.isNull ? "" : String(value.isTrue));
}

/** The message that a reaction, an edit or a deletion is about. */
function about(message: JsonTree, type: string): string | undefined {
  return (message.at(type, "message_id") ?? message.at(type, "original_message_id"))?.text;
}

function whatsappStatus(status: JsonTree, field: string | undefined): Item {
  const id = status.get("id")?.text;
  // A message to a group has each status once for each of its members.
  const member = status.get("recipient_participant_id") ?? status.get("recipient_participant_user_id");
  const name = status.get("status")?.text;
  return eventOf("status", status, {
    type: dotted(field, "status", name),
    key: statusKey(member === undefined ? id : joined(id, member.text), name),
    messageId: id,
    ts: instantOf(status.get("timestamp")?.text),
  });
}

function whatsappEcho(echo: JsonTree, field: string | undefined): Item {
  const id = echo.get("id")?.text;
  const type = echo.get("type")?.text ?? "";
  return eventOf("echo", echo, {
    type: dotted(field, type === "" ? undefined : type),
    key: type === PLACEHOLDER ? statusKey(id, type) : ownKey(id),
    messageId: about(echo, type) ?? id,
    ts: instantOf(echo.get("timestamp")?.text),
  });
}

interface Page {
  readonly channel: string;
  /** The identifier of the page or account. */
  readonly account: string | undefined;
  readonly now: number;
}

/** A change that holds one item as `messaging` has it: so sends the console's test button. */
function messengerChange(
  change: JsonTree,
  page: Page,
  { salt, time }: Pick<WhatsappChange, "salt" | "time">,
): Item[] {
  const value = change.get("value");
  const isItem = value?.get("sender") !== undefined && value.get("recipient") !== undefined;
  const field = fieldOf(change);
  return isItem
    ? messengerItems(value, field, page)
    : [eventOf("other", change, { type: field, salt, ts: timeOf(value, time) })];
}

/** `field` is where it stood. */
function messengerItems(item: JsonTree, field: string | undefined, page: Page): Item[] {
  const { channel, account, now } = page;
  const message = item.get("message");
  const time = item.get("timestamp")?.text;
  // The test button has seconds, everything else milliseconds.
  const ts = instantOf(time, time !== undefined && time.length <= 10 ? "seconds" : "milliseconds");
  const id = message?.get("mid")?.text;
  if (message === undefined) return messengerEvents(item, field, ts);
  const type = dotted(field, "message");
  if (message.get("is_echo")?.isTrue === true || item.at("sender", "id")?.text === account)
    return [eventOf("echo", item, { type, key: ownKey(id), messageId: id, ts })];
  if (message.get("is_deleted")?.isTrue === true)
    return [eventOf("delete", item, { type, messageId: id, ts })];
  const attachment = message.get("attachments")?.items[0]?.get("type")?.text;
  const said = messageOf(item, {
    id,
    // Of a guest, who has no account.
    from: channelId(channel, (item.at("sender", "id") ?? item.at("sender", "user_ref"))?.text),
    to: channelId(channel, item.at("recipient", "id")?.text),
    ts: ts ?? wholeSeconds(now),
    text: textOf(message.get("text")),
    type:
      (message.get("text")?.text ?? "") === ""
        ? (attachment ?? typeByMember(message, MESSENGER_COMMON))
        : "text",
  });
  return [said];
}

const MESSENGER_COMMON = new Set(
  "mid seq text attachments quick_reply reply_to referral nlp app_id metadata tags is_echo is_self is_deleted is_unsupported".split(
    " ",
  ),
);

const MESSENGER_EVENTS: readonly (readonly [name: string, kind: EventKind])[] = [
  ["reaction", "reaction"],
  ["message_edit", "edit"],
  ["postback", "callback"],
  ["delivery", "status"],
  ["read", "status"],
];

const ITEM_COMMON = new Set(["sender", "recipient", "timestamp"]);

function messengerEvents(item: JsonTree, field: string | undefined, ts: string | undefined): Item[] {
  const [name, kind] = MESSENGER_EVENTS.find(([member]) => item.get(member) !== undefined) ?? ["", "other"];
  const type = dotted(field, name === "" ? lastMember(item, ITEM_COMMON) : name);
  const [first = item.at(name, "mid"), ...others] = item.at(name, "mids")?.items ?? [];
  return [
    eventOf(kind, item, { type, messageId: first?.text, ts }),
    ...others.map(({ text }) => eventOf(kind, item, { type, salt: text ?? "", messageId: text, ts })),
  ];
}

/** A notification of one WhatsApp message. */
export function composeMeta({ message_id, from, to, ts, text }: Message): Composed {
  const message = {
    from: from.replace(/^\+/, ""),
    id: message_id,
    timestamp: String(Math.floor(Date.parse(ts) / 1000)),
    type: "text",
    text: { body: text ?? "" },
  };
  const metadata = { display_phone_number: to.replace(/^\+/, ""), phone_number_id: "1" };
  const value = { messaging_product: "whatsapp", metadata, messages: [message] };
  const entry = [{ id: "1", changes: [{ value, field: "messages" }] }];
  return { type: JSON_TYPE, body: JSON.stringify({ object: "whatsapp_business_account", entry }) };
}
