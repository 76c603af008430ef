/**
 * Telegram's Bot API: one update a POST, with the token that was given to `setWebhook` in a header.
 * The token proves who sent it; the body is not signed. Source of the shapes:
 * core.telegram.org/bots/api, "Update", "Message" and "RichMessage".
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody } from "../../core/parsed-body.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  accountId,
  channelId,
  eventOf,
  firstText,
  type Item,
  instantOf,
  intakeOf,
  joined,
  lastMember,
  messageOf,
  typeByMember,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, JSON_TYPE } from "../kind.ts";
import { tokenScheme } from "../schemes/token.ts";

export const telegram = defineKind({
  summary: "Telegram bots; the secret is the `secret_token` of `setWebhook`",
  explain: () => ({
    proof: "the header X-Telegram-Bot-Api-Secret-Token equals the secret",
    covers: "nothing: whoever has the token can send anything",
    replay: "the same again is a duplicate, at any time",
    handshakes: [],
    messages: [
      "what people write to the bot, by chat and message_id",
      "what a Mini App sends (web_app_data)",
    ],
    events: ["edits, reactions, pressed buttons, service messages, and every other update, by update_id"],
  }),
  setup: () => ({
    title: "Telegram",
    page: "https://core.telegram.org/bots/api#setwebhook",
    steps: [
      "Make a bot with @BotFather and note its token, which this source doesn't need.",
      "Call setWebhook of the Bot API with the address as url and this source's secret as secret_token.",
      "allowed_updates chooses what is sent; reactions and changes of members come only when they are named there.",
    ],
  }),
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
      keptHeaders: [],
      normalise: (body, { now }) => normaliseTelegram(body, bot, now),
      compose,
    };
  },
});

const MESSAGES = ["message", "channel_post", "business_message", "guest_message"];
const EVENTS: readonly (readonly [name: string, kind: EventKind])[] = [
  ["edited_message", "edit"],
  ["edited_channel_post", "edit"],
  ["edited_business_message", "edit"],
  ["deleted_business_messages", "delete"],
  ["message_reaction", "reaction"],
  ["message_reaction_count", "reaction"],
  ["callback_query", "callback"],
];
/** What a message may be; the more exact names come first where two are there. */
const TYPES = [
  "text",
  "rich_message",
  "animation",
  "audio",
  "document",
  "paid_media",
  "live_photo",
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
  "web_app_data",
  "passport_data",
];
/** Members that any message may have; another one that nobody knows is its type. */
const COMMON = new Set(
  `message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot
  sender_tag date guest_query_id guest_bot_caller_user guest_bot_caller_chat business_connection_id chat
  forward_origin forward_from forward_from_chat forward_from_message_id forward_signature forward_sender_name
  forward_date is_topic_message is_automatic_forward reply_to_message external_reply quote reply_to_story
  reply_to_checklist_task_id reply_to_poll_option_id via_bot receiver_user ephemeral_message_id edit_date
  has_protected_content is_from_offline is_paid_post media_group_id author_signature paid_star_count entities
  link_preview_options suggested_post_info effect_id caption caption_entities show_caption_above_media
  has_media_spoiler reply_markup`.split(/\s+/),
);
/** Members of a message that tells of its chat or of a deal rather than says something. */
const SYSTEM =
  /^(new_chat_|left_chat_member|delete_chat_photo|group_chat_created|supergroup_chat_created|channel_chat_created|message_auto_delete_timer_changed|migrate_|pinned_message|forum_topic_|general_forum_topic_|video_chat_|boost_added|chat_background_set|write_access_allowed|proximity_alert_triggered|giveaway|users_shared|chat_shared|chat_owner_|community_chat_|managed_bot_created|poll_option_|connected_website|successful_payment|refunded_payment|gift|unique_gift|paid_message_price_|direct_message_price_|suggested_post_|checklist_tasks_)/;

function normaliseTelegram(body: Uint8Array, bot: string, now: number): ParsedBody | undefined {
  const update = parseJsonTree(body);
  const key = update?.get("update_id")?.text;
  if (update === undefined || key === undefined) return undefined;
  const member = MESSAGES.find((name) => update.get(name) !== undefined);
  if (member !== undefined) return intakeOf([messageItem(member, update, key, bot, now)]);
  const [name, kind] = EVENTS.find(([member]) => update.get(member) !== undefined) ?? ["", "other"];
  const type = name === "" ? lastMember(update, UPDATE_COMMON) : name;
  const event = update.get(type ?? "");
  const subject = event?.get("message") ?? event;
  const ts = instantOf((event?.get("edit_date") ?? event?.get("date"))?.text);
  const numbers = subject?.get("message_ids")?.items ?? [];
  if (numbers.length < 2)
    return intakeOf([eventOf(kind, update, { type, key, messageId: idOf(subject, numbers[0]?.text), ts })]);
  return intakeOf(
    numbers.map(({ text }) =>
      eventOf(kind, update, { type, key: joined(key, text), messageId: idOf(subject, text), ts }),
    ),
  );
}

const UPDATE_COMMON = new Set(["update_id"]);

function messageItem(member: string, update: JsonTree, key: string, bot: string, now: number): Item {
  const message = update.get(member) as JsonTree;
  const ts = instantOf(message.get("date")?.text) ?? wholeSeconds(now);
  const id = idOf(message);
  const type = TYPES.find((name) => message.get(name) !== undefined);
  const [service] = type === undefined ? (message.members().find(([name]) => SYSTEM.test(name)) ?? []) : [];
  const isSystem = service !== undefined;
  const isBots = message.at("from", "is_bot")?.isTrue === true && message.get("sender_chat") === undefined;
  const chat = message.get("chat");
  // What a business account receives and what it sends come alike; a private chat has the number of
  // the other one.
  const isOwn =
    message.get("business_connection_id") !== undefined &&
    message.at("from", "id")?.text !== chat?.get("id")?.text;
  if (isSystem || isBots || isOwn)
    return eventOf(isSystem ? "system" : "echo", update, {
      type: isSystem ? `${member}.${service}` : member,
      key,
      messageId: id,
      ts,
    });
  const isPrivate = (chat?.get("type")?.text ?? "private") === "private";
  const chatId = channelId("telegram", chat?.get("id")?.text);
  return messageOf(message, {
    id,
    // A message in the name of a chat has a stand-in for a sender.
    from:
      channelId("telegram", (message.at("sender_chat", "id") ?? message.at("from", "id"))?.text) ?? chatId,
    to: isPrivate ? bot : chatId,
    ts,
    text: firstText(
      ...[
        message.get("text"),
        message.get("caption"),
        message.at("web_app_data", "data"),
        message.at("poll", "question"),
        message.at("checklist", "title"),
      ].map((written) => written?.text),
      blocksText(message.at("rich_message", "blocks")),
    ),
    type: type ?? typeByMember(message, COMMON),
    key,
  });
}

/** Where a rich message has words, and where it has further blocks. */
const WORDS = new Set(["text", "summary", "caption", "credit", "label"]);
const BLOCKS = new Set(["blocks", "items", "cells", "rows"]);

/** The words of a rich message, a block a line. */
function blocksText(blocks: JsonTree | undefined): string {
  const lines = (blocks?.items ?? []).flatMap((block) =>
    block.isArray
      ? [blocksText(block)]
      : [...block.members()].map(([name, value]) =>
          WORDS.has(name) ? richText(value) : BLOCKS.has(name) ? blocksText(value) : "",
        ),
  );
  return lines.filter((line) => line !== "").join("\n");
}

/** A text, a formatted text, or several of them one after the other. */
function richText(value: JsonTree | undefined): string {
  if (value?.isArray === true) return value.items.map(richText).join("");
  if (value?.isObject === true) return richText(value.get("text")) + richText(value.get("credit"));
  return value?.text ?? "";
}

/**
 * A message's number is unique in its chat only, and the chat of a business account, or one that
 * the bot is a guest in, may have the same number as the bot's own chat with somebody. Ephemeral
 * messages have the number 0, and another one that may be used again.
 */
function idOf(message: JsonTree | undefined, number = message?.get("message_id")?.text): string | undefined {
  const ephemeral = message?.get("ephemeral_message_id")?.text;
  const told = number === "0" ? joined(number, ephemeral, message?.get("date")?.text) : number;
  const inChat = joined(message?.at("chat", "id")?.text, told);
  const apart = (message?.get("business_connection_id") ?? message?.get("guest_query_id"))?.text;
  return apart === undefined ? inChat : joined(apart, inChat);
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
