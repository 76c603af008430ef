/**
 * Meta's webhooks: WhatsApp Cloud API, Messenger and Instagram. One POST may hold many entries,
 * each with many messages and statuses; an entry that isn't understood costs the others nothing.
 * Source of the shapes: Meta's webhook references (WhatsApp "messages", Messenger and Instagram
 * "messaging").
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
  type Item,
  instantOf,
  intakeOf,
  joined,
  messageOf,
  ownKey,
  phoneOr,
  statusKey,
  textOf,
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
  return items.length === 0 ? undefined : intakeOf(items);
}

const CHANNELS: Readonly<Record<string, string>> = { page: "messenger", instagram: "instagram" };

function itemsOf(entry: JsonTree, channel: string, now: number): Item[] {
  const items = [
    ...(entry.get("changes")?.items ?? []).flatMap((change) => whatsappChange(change, entry, now)),
    ...(entry.get("messaging")?.items ?? []).map((each) => messengerItem(each, channel, now)),
    ...(entry.get("standby")?.items ?? []).map((each) => eventOf("other", each)),
  ];
  return items.length > 0 ? items : [eventOf("other", entry)];
}

/** Types of WhatsApp messages that are about another message, or about nobody's. */
const WHATSAPP_EVENTS = new Map<string, EventKind>([
  ["reaction", "reaction"],
  ["edit", "edit"],
  ["revoke", "delete"],
  ["system", "system"],
]);

function whatsappChange(change: JsonTree, entry: JsonTree, now: number): Item[] {
  const value = change.get("value");
  const metadata = value?.get("metadata");
  const to =
    phoneOr("whatsapp", metadata?.get("display_phone_number")?.text) ??
    channelId("whatsapp", metadata?.get("phone_number_id")?.text) ??
    channelId("whatsapp", entry.get("id")?.text);
  const items = [
    ...(value?.get("messages")?.items ?? []).map((message) => whatsappMessage(message, to, now)),
    ...(value?.get("statuses")?.items ?? []).map(whatsappStatus),
    ...(value?.get("message_echoes")?.items ?? []).map(whatsappEcho),
  ];
  if (items.length > 0) return items;
  // The same change may happen again: the envelope's time tells one from the other.
  return [eventOf("other", change, { salt: `${entry.get("id")?.text} ${entry.get("time")?.text}` })];
}

function whatsappMessage(message: JsonTree, to: string | undefined, now: number): Item {
  const id = message.get("id")?.text;
  const type = message.get("type")?.text ?? "unknown";
  const ts = instantOf(message.get("timestamp")?.text);
  const kind = WHATSAPP_EVENTS.get(type);
  if (kind !== undefined)
    return eventOf(kind, message, { key: ownKey(id), messageId: about(message, type) ?? id, ts });
  return messageOf(message, {
    id,
    from:
      phoneOr("whatsapp", message.get("from")?.text) ??
      phoneOr("whatsapp", message.get("from_user_id")?.text),
    to,
    ts: ts ?? wholeSeconds(now),
    text: textOf(
      message.at("text", "body"),
      message.at(type, "caption"),
      message.at(type, "text"),
      message.at("interactive", "button_reply", "title"),
      message.at("interactive", "list_reply", "title"),
    ),
    type,
  });
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
  const messageId = about(echo, echo.get("type")?.text ?? "") ?? id;
  return eventOf("echo", echo, { key: ownKey(id), messageId, ts: instantOf(echo.get("timestamp")?.text) });
}

function messengerItem(item: JsonTree, channel: string, now: number): Item {
  const message = item.get("message");
  const ts = instantOf(item.get("timestamp")?.text, "milliseconds");
  const id = message?.get("mid")?.text;
  if (message === undefined) return messengerEvent(item, ts);
  if (message.get("is_echo")?.isTrue === true)
    return eventOf("echo", item, { key: ownKey(id), messageId: id, ts });
  if (message.get("is_deleted")?.isTrue === true) return eventOf("delete", item, { messageId: id, ts });
  const attachment = message.get("attachments")?.items[0]?.get("type")?.text;
  return messageOf(item, {
    id,
    from: channelId(channel, item.at("sender", "id")?.text),
    to: channelId(channel, item.at("recipient", "id")?.text),
    ts: ts ?? wholeSeconds(now),
    text: textOf(message.get("text")),
    type: message.get("text") === undefined ? (attachment ?? "unknown") : "text",
  });
}

const MESSENGER_EVENTS: readonly (readonly [name: string, kind: EventKind])[] = [
  ["reaction", "reaction"],
  ["message_edit", "edit"],
  ["postback", "callback"],
  ["delivery", "status"],
  ["read", "status"],
];

function messengerEvent(item: JsonTree, ts: string | undefined): Item {
  const [name, kind] = MESSENGER_EVENTS.find(([member]) => item.get(member) !== undefined) ?? ["", "other"];
  const mid = item.at(name, "mid") ?? item.at(name, "mids")?.items[0];
  return eventOf(kind, item, { messageId: mid?.text, ts });
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
