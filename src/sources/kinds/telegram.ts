/**
 * Telegram's Bot API: one update a POST, with the token that was given to `setWebhook` in a header.
 * The token proves who sent it; the body is not signed. Source of the shapes:
 * core.telegram.org/bots/api, "Update" and "Message".
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody } from "../../core/parsed-body.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  accountId,
  channelId,
  eventOf,
  type Item,
  instantOf,
  intakeOf,
  joined,
  messageOf,
  textOf,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, JSON_TYPE } from "../kind.ts";
import { tokenScheme } from "../schemes/token.ts";

export const telegram = defineKind({
  summary: "Telegram bots; the secret is the `secret_token` of `setWebhook`",
  options: Type.Object({
    account: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The bot's name: the recipient of private messages, which don't say it (default: the source's).",
      }),
    ),
  }),
  open({ account }, secrets, name) {
    const bot = accountId("telegram", account ?? name) as string;
    return {
      scheme: tokenScheme({ header: "X-Telegram-Bot-Api-Secret-Token" }, secrets),
      normalise: (body, { now }) => normaliseTelegram(body, bot, now),
      compose,
    };
  },
});

const MESSAGES = ["message", "channel_post", "business_message"];
const EVENTS: readonly (readonly [name: string, kind: EventKind])[] = [
  ["edited_message", "edit"],
  ["edited_channel_post", "edit"],
  ["edited_business_message", "edit"],
  ["deleted_business_messages", "delete"],
  ["message_reaction", "reaction"],
  ["message_reaction_count", "reaction"],
  ["callback_query", "callback"],
];
const TYPES = [
  "text",
  "animation",
  "audio",
  "document",
  "paid_media",
  "photo",
  "sticker",
  "story",
  "video",
  "video_note",
  "voice",
  "contact",
  "dice",
  "checklist",
  "invoice",
  "game",
  "poll",
  "venue",
  "location",
];
/** Members of a message that tells of its chat or of a deal rather than says something. */
const SYSTEM =
  /^(new_chat_|left_chat_member|delete_chat_photo|group_chat_created|supergroup_chat_created|channel_chat_created|message_auto_delete_timer_changed|migrate_|pinned_message|forum_topic_|general_forum_topic_|video_chat_|boost_added|chat_background_set|write_access_allowed|proximity_alert_triggered|giveaway|users_shared|chat_shared|chat_owner_|connected_website|successful_payment|refunded_payment|gift|unique_gift|paid_message_price_|direct_message_price_|suggested_post_|checklist_tasks_)/;

function normaliseTelegram(body: Uint8Array, bot: string, now: number): ParsedBody | undefined {
  const update = parseJsonTree(body);
  const key = update?.get("update_id")?.text;
  if (update === undefined || key === undefined) return undefined;
  const message = MESSAGES.map((name) => update.get(name)).find((found) => found !== undefined);
  if (message !== undefined) return intakeOf([messageItem(message, update, key, bot, now)]);
  const [name, kind] = EVENTS.find(([member]) => update.get(member) !== undefined) ?? ["", "other"];
  const event = update.get(name);
  const subject = event?.get("message") ?? event;
  const number = subject?.get("message_id") ?? subject?.get("message_ids")?.items[0];
  const ts = instantOf((event?.get("edit_date") ?? event?.get("date"))?.text);
  return intakeOf([eventOf(kind, update, { key, messageId: idOf(subject, number), ts })]);
}

function messageItem(message: JsonTree, update: JsonTree, key: string, bot: string, now: number): Item {
  const ts = instantOf(message.get("date")?.text) ?? wholeSeconds(now);
  const id = idOf(message, message.get("message_id"));
  const type = TYPES.find((name) => message.get(name) !== undefined);
  const isSystem = type === undefined && message.members().some(([name]) => SYSTEM.test(name));
  const isBots = message.at("from", "is_bot")?.isTrue === true && message.get("sender_chat") === undefined;
  const chat = message.get("chat");
  // What a business account receives and what it sends come alike; a private chat has the number of
  // the other one.
  const isOwn =
    message.get("business_connection_id") !== undefined &&
    message.at("from", "id")?.text !== chat?.get("id")?.text;
  if (isSystem || isBots || isOwn)
    return eventOf(isSystem ? "system" : "echo", update, { key, messageId: id, ts });
  const isPrivate = (chat?.get("type")?.text ?? "private") === "private";
  const chatId = channelId("telegram", chat?.get("id")?.text);
  return messageOf(message, {
    id,
    // A message in the name of a chat has a stand-in for a sender.
    from:
      channelId("telegram", (message.at("sender_chat", "id") ?? message.at("from", "id"))?.text) ?? chatId,
    to: isPrivate ? bot : chatId,
    ts,
    text: textOf(message.get("text"), message.get("caption")),
    type: type ?? "unknown",
    key,
  });
}

/**
 * A message's number is unique in its chat only, and the chat of a business account with somebody
 * has the same number as the bot's own chat with them.
 */
function idOf(message: JsonTree | undefined, number: JsonTree | undefined): string | undefined {
  const inChat = joined(message?.at("chat", "id")?.text, number?.text);
  const connection = message?.get("business_connection_id")?.text;
  return connection === undefined ? inChat : joined(connection, inChat);
}

/** The identifier is taken as `chat:number` if it is one. */
function compose({ message_id, from, ts, text }: Message): Composed {
  const [, chat, number] = /^(-?\d+):(\d+)$/.exec(message_id) ?? [];
  const sender = Number(from.replace(/^(telegram:|\+)/, "")) || 1;
  const serial = Number(number ?? BigInt.asUintN(52, BigInt(Bun.hash(message_id))));
  const message = {
    message_id: serial,
    date: Math.floor(Date.parse(ts) / 1000),
    chat: { id: Number(chat ?? sender), type: "private" },
    from: { id: sender, is_bot: false, first_name: "Trial" },
    text: text ?? "",
  };
  return { type: JSON_TYPE, body: JSON.stringify({ update_id: serial, message }) };
}
