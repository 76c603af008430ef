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
import type { ProviderAnswer } from "../../core/source.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import type { Form } from "../../lib/form.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  channelId,
  eventOf,
  firstText,
  type Item,
  instantOf,
  intakeOf,
  joined,
  messageOf,
  ownKey,
  phoneOr,
  statusKey,
  textOf,
  typeByMember,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, JSON_TYPE, NOT_BLANK, plainText } from "../kind.ts";
import { hmacScheme } from "../schemes/hmac.ts";

export const meta = defineKind({
  summary: "WhatsApp Cloud API, Messenger and Instagram; the secret is the app's",
  options: Type.Object({
    verify_token: Type.Optional(
      Type.String({ pattern: NOT_BLANK, description: "What the console sends back in the handshake." }),
    ),
  }),
  open({ verify_token }, secrets) {
    return {
      scheme: hmacScheme(
        {
          header: "X-Hub-Signature-256",
          algorithm: "hmac-sha256",
          encoding: "hex",
          prefix: "sha256=",
          signed: "{body}",
        },
        secrets,
      ),
      normalise: (body, { now }) => normaliseMeta(body, now),
      handshake: (query) => hubHandshake(query, verify_token),
      compose: composeMeta,
    };
  },
});

/** Meta's handshake, which others have copied; undefined when the query is none. */
export function hubHandshake(query: Form, token: string | undefined): ProviderAnswer | undefined {
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
  const salt = `${account} ${entry.get("time")?.text}`;
  const items = [
    ...(entry.get("changes")?.items ?? []).flatMap((change) => {
      const value = change.get("value");
      return channel === "whatsapp"
        ? whatsappChange({ change, value, account, salt }, now)
        : messengerChange(change, { channel, account, now }, salt);
    }),
    ...(entry.get("messaging")?.items ?? []).flatMap((each) =>
      messengerItems(each, { channel, account, now }),
    ),
    // What somebody wrote while another app answers them.
    ...(entry.get("standby")?.items ?? []).flatMap((each) => messengerItems(each, { channel, account, now })),
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

interface WhatsappChange {
  readonly change: JsonTree;
  readonly value: JsonTree | undefined;
  /** The business account's identifier. */
  readonly account: string | undefined;
  /** The same change may happen again: the envelope's time tells one from the other. */
  readonly salt: string;
}

/** The business's number, as a recipient and as its messages may name it. */
interface Business {
  readonly to: string | undefined;
  readonly names: ReadonlySet<string | undefined>;
}

function whatsappChange({ change, value, account, salt }: WhatsappChange, now: number): Item[] {
  const number = phoneOr("whatsapp", value?.at("metadata", "display_phone_number")?.text);
  const numberId = value?.at("metadata", "phone_number_id")?.text;
  const business: Business = {
    to: number ?? channelId("whatsapp", numberId) ?? channelId("whatsapp", account),
    names: new Set([number, phoneOr("whatsapp", numberId)]),
  };
  const items = [
    ...(value?.get("messages")?.items ?? []).map((message) => whatsappMessage(message, business, now)),
    ...(value?.get("history")?.items ?? []).flatMap((chunk) => whatsappHistory(chunk, business, salt, now)),
    ...(value?.get("statuses")?.items ?? []).map(whatsappStatus),
    ...(value?.get("message_echoes")?.items ?? []).map(whatsappEcho),
    ...(value?.get("state_sync")?.items ?? []).map((contact) =>
      eventOf("other", contact, { ts: instantOf(contact.at("metadata", "timestamp")?.text) }),
    ),
  ];
  return items.length > 0 ? items : [eventOf("other", change, { salt })];
}

/** Threads of both sides, from before the business's number came to the Cloud API. */
function whatsappHistory(chunk: JsonTree, business: Business, salt: string, now: number): Item[] {
  const items = (chunk.get("threads")?.items ?? []).flatMap((thread) =>
    (thread.get("messages")?.items ?? []).map((message) => whatsappMessage(message, business, now)),
  );
  return items.length > 0 ? items : [eventOf("other", chunk, { salt })];
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
  if (isOwn(message, business)) return whatsappEcho(message);
  const id = message.get("id")?.text;
  const type = message.get("type")?.text ?? typeByMember(message, WHATSAPP_COMMON);
  const ts = instantOf(message.get("timestamp")?.text);
  const kind = WHATSAPP_EVENTS.get(type);
  if (kind !== undefined)
    return eventOf(kind, message, { key: ownKey(id), messageId: about(message, type) ?? id, ts });
  // The message itself follows under the same identifier, with its caption.
  if (type === PLACEHOLDER) return eventOf("other", message, { key: statusKey(id, type), messageId: id, ts });
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

function whatsappStatus(status: JsonTree): Item {
  const id = status.get("id")?.text;
  // A message to a group has each status once for each of its members.
  const member = status.get("recipient_participant_id") ?? status.get("recipient_participant_user_id");
  const key = statusKey(member === undefined ? id : joined(id, member.text), status.get("status")?.text);
  return eventOf("status", status, { key, messageId: id, ts: instantOf(status.get("timestamp")?.text) });
}

function whatsappEcho(echo: JsonTree): Item {
  const id = echo.get("id")?.text;
  const type = echo.get("type")?.text ?? "";
  return eventOf("echo", echo, {
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
function messengerChange(change: JsonTree, page: Page, salt: string): Item[] {
  const value = change.get("value");
  const isItem = value?.get("sender") !== undefined && value.get("recipient") !== undefined;
  return isItem ? messengerItems(value, page) : [eventOf("other", change, { salt })];
}

function messengerItems(item: JsonTree, { channel, account, now }: Page): Item[] {
  const message = item.get("message");
  const time = item.get("timestamp")?.text;
  // The test button has seconds, everything else milliseconds.
  const ts = instantOf(time, time !== undefined && time.length <= 10 ? "seconds" : "milliseconds");
  const id = message?.get("mid")?.text;
  if (message === undefined) return messengerEvents(item, ts);
  if (message.get("is_echo")?.isTrue === true || item.at("sender", "id")?.text === account)
    return [eventOf("echo", item, { key: ownKey(id), messageId: id, ts })];
  if (message.get("is_deleted")?.isTrue === true) return [eventOf("delete", item, { messageId: id, ts })];
  const attachment = message.get("attachments")?.items[0]?.get("type")?.text;
  const said = messageOf(item, {
    id,
    from: channelId(channel, item.at("sender", "id")?.text),
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

function messengerEvents(item: JsonTree, ts: string | undefined): Item[] {
  const [name, kind] = MESSENGER_EVENTS.find(([member]) => item.get(member) !== undefined) ?? ["", "other"];
  const [first = item.at(name, "mid"), ...others] = item.at(name, "mids")?.items ?? [];
  return [
    eventOf(kind, item, { messageId: first?.text, ts }),
    ...others.map(({ text }) => eventOf(kind, item, { salt: text ?? "", messageId: text, ts })),
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
