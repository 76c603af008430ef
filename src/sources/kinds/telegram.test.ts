import { describe, expect, test } from "bun:test";
import {
  columns,
  expectAnythingKept,
  expectEveryByteSigned,
  expectTrialsComeBack,
  expectUnknownFieldsIgnored,
  RECEIVED,
  Rig,
} from "../../../tests/sources.ts";
import type { EventKind } from "../../core/parsed-body.ts";

const rig = new Rig("telegram", { account: "our_bot" });

const ANNA = { id: 1001, is_bot: false, first_name: "Anna" };
const PRIVATE = { id: 1001, type: "private", first_name: "Anna" };
const GROUP = { id: -100200, type: "supergroup", title: "Garden" };
const update = (name: string, content: unknown, update_id = 10) => ({ update_id, [name]: content });
const message = (fields: object = {}) => ({
  message_id: 5,
  date: 1749416383,
  chat: PRIVATE,
  from: ANNA,
  text: "Hello",
  ...fields,
});
const media = (fields: object) => message({ text: undefined, ...fields });

test("a private message is to the bot, whose name the configuration or else the source's has", () => {
  const sent = message();
  expect(rig.keptOf(update("message", sent))).toEqual({
    events: [],
    messages: [
      {
        message_id: "src:1001:5",
        from: "telegram:1001",
        to: "telegram:our_bot",
        ts: "2025-06-08T20:59:43Z",
        text: "Hello",
        type: "text",
        own: JSON.stringify(sent),
      },
    ],
  });
  const to = (options: object) =>
    new Rig("telegram", { ...options }).keptOf(update("message", sent)).messages[0]?.to;
  expect([to({}), to({ account: "telegram:b" })]).toEqual(["telegram:src", "telegram:b"]);
});

test.each<[string, object, string | null, string]>([
  ["a photo with a caption", { photo: [], caption: "Look" }, "Look", "photo"],
  ["a voice message", { voice: { file_id: "v" } }, null, "voice"],
  ["an animation, which is a document too", { animation: {}, document: {} }, null, "animation"],
  ["a live photo, which is a photo too", { live_photo: {}, photo: [] }, null, "live_photo"],
  [
    "what a Mini App sends",
    { web_app_data: { button_text: "Order", data: '{"n":2}' } },
    '{"n":2}',
    "web_app_data",
  ],
  ["passport data", { passport_data: { data: [], credentials: {} } }, null, "passport_data"],
  ["a poll", { poll: { id: "1", question: "Tea or coffee?", options: [] } }, "Tea or coffee?", "poll"],
  ["a checklist", { checklist: { title: "Shopping", tasks: [] } }, "Shopping", "checklist"],
  [
    "a rich message",
    {
      rich_message: {
        blocks: [
          { type: "heading", text: "Menu", size: 1 },
          { type: "paragraph", text: ["for ", { type: "bold", text: ["two", " persons"] }] },
          { type: "list", items: [{ label: "1.", blocks: [{ type: "paragraph", text: "soup" }] }] },
          { type: "table", cells: [[{ text: "a" }, { text: "b" }]] },
          { type: "photo", photo: [], caption: { text: "the garden", credit: " by Anna" } },
          { type: "divider" },
        ],
      },
    },
    "Menu\nfor two persons\n1.\nsoup\na\nb\nthe garden by Anna",
    "rich_message",
  ],
  ["a kind of message that nobody knows", { hologram: {}, reply_markup: {} }, null, "hologram"],
  ["a message with nothing in it", {}, null, "unknown"],
])("the text of %s is taken", (_, fields, text, type) => {
  expect(rig.keptOf(update("message", media(fields))).messages).toMatchObject([{ text, type }]);
});

test("a message in a group is to the group, from a person, or from the chat in whose name it is", () => {
  const from = (fields: object) =>
    rig
      .keptOf(update("message", message({ chat: GROUP, ...fields })))
      .messages.map((each) => [each.from, each.to]);
  expect(from({})).toEqual([["telegram:1001", "telegram:-100200"]]);
  const standIn = { id: 136817688, is_bot: true, first_name: "Channel" };
  expect(from({ from: standIn, sender_chat: { id: -100300 } })).toEqual([
    ["telegram:-100300", "telegram:-100200"],
  ]);
  const post = message({ chat: GROUP, from: undefined });
  expect(rig.keptOf(update("channel_post", post)).messages).toMatchObject([{ from: "telegram:-100200" }]);
});

test("a chat of a business account is not the bot's own chat with the same person", () => {
  const business = { business_connection_id: "bc" };
  const received = rig.keptOf(update("business_message", message(business)));
  expect(received.messages).toMatchObject([{ message_id: "src:bc:1001:5", from: "telegram:1001" }]);
  const sent = message({ ...business, from: { id: 7, is_bot: false } });
  expect(columns(rig.keptOf(update("business_message", sent))).events).toEqual([
    ["echo", "10", "src:bc:1001:5"],
  ]);
});

test("a message to a guest bot, and an ephemeral one, have identifiers of their own", () => {
  const id = (name: string, fields: object) =>
    rig.keptOf(update(name, message(fields))).messages.map(({ message_id }) => message_id);
  expect(id("guest_message", { guest_query_id: "gq" })).toEqual(["src:gq:1001:5"]);
  const ephemeral = { message_id: 0, ephemeral_message_id: 3 };
  expect(id("message", ephemeral)).toEqual(["src:1001:0:3:1749416383"]);
  expect(id("message", { ...ephemeral, date: 1749416384 })).toEqual(["src:1001:0:3:1749416384"]);
});

test("each of several deleted messages is an event", () => {
  const deleted = { business_connection_id: "bc", chat: PRIVATE, message_ids: [5, 6] };
  expect(columns(rig.keptOf(update("deleted_business_messages", deleted))).events).toEqual([
    ["delete", "10:5", "src:bc:1001:5"],
    ["delete", "10:6", "src:bc:1001:6"],
  ]);
});

/** By the members of Message that Telegram's page calls service messages. */
test.each(
  `new_chat_members left_chat_member new_chat_title new_chat_photo delete_chat_photo group_chat_created
  supergroup_chat_created channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id
  migrate_from_chat_id pinned_message successful_payment refunded_payment users_shared chat_shared gift
  unique_gift gift_upgrade_sent connected_website write_access_allowed proximity_alert_triggered boost_added
  chat_background_set checklist_tasks_done checklist_tasks_added direct_message_price_changed
  forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened general_forum_topic_hidden
  general_forum_topic_unhidden giveaway_created giveaway giveaway_winners giveaway_completed
  paid_message_price_changed suggested_post_approved suggested_post_approval_failed suggested_post_declined
  suggested_post_paid suggested_post_refunded video_chat_scheduled video_chat_started video_chat_ended
  video_chat_participants_invited chat_owner_left chat_owner_changed community_chat_added
  community_chat_removed community_chat_joined managed_bot_created poll_option_added poll_option_deleted`.split(
    /\s+/,
  ),
)("a message that tells of %s is of the system", (member) => {
  expect(columns(rig.keptOf(update("message", media({ [member]: {} })))).events).toEqual([
    ["system", "10", "src:1001:5"],
  ]);
});

test.each<[EventKind, string, unknown, string | null]>([
  ["edit", "edited_message", message({ edit_date: 1749416400 }), "src:1001:5"],
  ["edit", "edited_business_message", message({ business_connection_id: "bc" }), "src:bc:1001:5"],
  [
    "delete",
    "deleted_business_messages",
    { business_connection_id: "bc", chat: PRIVATE, message_ids: [5] },
    "src:bc:1001:5",
  ],
  [
    "reaction",
    "message_reaction",
    { chat: GROUP, message_id: 8, date: 1749416400, new_reaction: [] },
    "src:-100200:8",
  ],
  ["callback", "callback_query", { id: "1", from: ANNA, message: message(), data: "x" }, "src:1001:5"],
  ["callback", "callback_query", { id: "1", from: ANNA, inline_message_id: "i" }, null],
  ["echo", "message", message({ chat: GROUP, from: { id: 2, is_bot: true } }), "src:-100200:5"],
  ["system", "message", media({ chat: GROUP, new_chat_members: [ANNA] }), "src:-100200:5"],
  ["system", "message", media({ pinned_message: message() }), "src:1001:5"],
  ["other", "inline_query", { id: "1", from: ANNA, query: "x" }, null],
  ["other", "message", 17, null],
  ["other", "message", message({ chat: {} }), null],
])("an event is of kind %s: %s", (kind, name, content, messageId) => {
  expect(columns(rig.keptOf(update(name, content)))).toEqual({
    messages: [],
    events: [[kind, "10", messageId]],
  });
});

test("an edit is of the time of the edit, and each one is an event", () => {
  const edited = (edit_date: number, id: number) =>
    rig.keptOf(update("edited_message", message({ edit_date }), id));
  const [first, second] = [edited(1749416400, 11), edited(1749416460, 12)].map(({ events }) => events[0]);
  expect([first?.ts, second?.ts]).toEqual(["2025-06-08T21:00:00Z", "2025-06-08T21:01:00Z"]);
  expect(first?.key).not.toBe(second?.key);
});

test("a message without a time has the time of its receipt", () => {
  for (const date of [undefined, -1, 1e20, "soon"])
    expect(rig.keptOf(update("message", message({ date }))).messages).toMatchObject([{ ts: RECEIVED }]);
});

describe("whatever Telegram sends", () => {
  test("Telegram's token is proof, and only as a whole", () => {
    expectEveryByteSigned(rig, rig.signed(JSON.stringify(update("message", message()))), ["headers"]);
  });

  test("fields that nobody knows change no message", () => {
    expectUnknownFieldsIgnored(rig, update("message", media({ photo: [{ file_id: "1" }], caption: "Look" })));
  });

  test.each(["message", "edited_message", "business_message"])(
    "something is kept of any %s, and fits",
    (name) => {
      expectAnythingKept(
        rig,
        update(name, message({ business_connection_id: "bc", sender_chat: { id: 1 } })),
      );
    },
  );

  test("a trial is accepted and comes back, its identifier made of a chat and a number", () => {
    expectTrialsComeBack(rig, ({ from }) => {
      const chat = from.slice(1);
      return {
        message_id: expect.stringMatching(new RegExp(`^src:${chat}:[0-9]+$`)),
        from: `telegram:${chat}`,
        to: "telegram:our_bot",
      };
    });
    const trial = rig.source.trial(
      { message_id: "-7:8", from: "telegram:9", to: "x", ts: "2026-01-15T10:00:00Z", text: "Hi" },
      "",
      0,
    );
    expect(rig.keptOf(trial?.body).messages).toMatchObject([{ message_id: "src:-7:8", from: "telegram:9" }]);
  });
});

test("an update of another kind has its own time, if it says one", () => {
  const member = { chat: PRIVATE, from: ANNA, date: 1749416383, new_chat_member: { status: "kicked" } };
  expect(rig.keptOf(update("my_chat_member", member)).events).toMatchObject([
    { kind: "other", type: "my_chat_member", ts: "2025-06-08T20:59:43Z" },
  ]);
  expect(rig.keptOf(update("poll_answer", { poll_id: "1" })).events).toMatchObject([{ ts: RECEIVED }]);
});
