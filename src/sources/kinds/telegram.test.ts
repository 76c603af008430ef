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
  ["a kind of message that nobody knows", { hologram: {} }, null, "unknown"],
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

test.each<[EventKind, string, unknown, string | null]>([
  ["edit", "edited_message", message({ edit_date: 1749416400 }), "src:1001:5"],
  ["edit", "edited_business_message", message({ business_connection_id: "bc" }), "src:bc:1001:5"],
  [
    "delete",
    "deleted_business_messages",
    { business_connection_id: "bc", chat: PRIVATE, message_ids: [5, 6] },
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
