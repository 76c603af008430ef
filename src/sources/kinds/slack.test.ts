import { describe, expect, test } from "bun:test";
import {
  AT,
  columns,
  expectAnythingKept,
  expectEveryByteSigned,
  expectTrialsComeBack,
  expectUnknownFieldsIgnored,
  FORM_HEADERS,
  RECEIVED,
  Rig,
  sha256,
} from "../../../tests/sources.ts";
import type { EventKind } from "../../core/parsed-body.ts";

const rig = new Rig("slack", { bots: ["A2"] });

const callback = (event: unknown, fields: object = {}) => ({
  type: "event_callback",
  team_id: "T1",
  event_id: "Ev1",
  event_time: 1749416390,
  api_app_id: "A1",
  authorizations: [{ team_id: "T1", user_id: "U9", is_bot: true }],
  event,
  ...fields,
});
const message = (fields: object = {}) => ({
  type: "message",
  channel: "C1",
  user: "U1",
  text: "Hello",
  ts: "1749416383.000200",
  ...fields,
});

test("what people write are messages, known by team, channel and time", () => {
  const sent = message();
  expect(rig.keptOf(callback(sent))).toEqual({
    events: [],
    messages: [
      {
        message_id: "src:T1:C1:1749416383.000200",
        from: "slack:U1",
        to: "slack:C1",
        ts: "2025-06-08T20:59:43Z",
        text: "Hello",
        type: "text",
        own: JSON.stringify(sent),
      },
    ],
  });
  const shared = message({ subtype: "file_share", text: "", files: [{}] });
  expect(rig.keptOf(callback(shared)).messages).toMatchObject([{ text: null, type: "file_share" }]);
  const elsewhere = callback(message({ team: "T2" }), { team_id: null });
  expect(rig.keptOf(elsewhere).messages).toMatchObject([{ message_id: "src:T2:C1:1749416383.000200" }]);
});

test.each<[EventKind, object, string | null]>([
  ["edit", message({ subtype: "message_changed", message: { ts: "1.2", text: "x" } }), "src:T1:C1:1.2"],
  ["delete", message({ subtype: "message_deleted", deleted_ts: "1.2" }), "src:T1:C1:1.2"],
  ["echo", message({ subtype: "bot_message", user: undefined }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ bot_id: "B1", user: undefined }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ bot_id: "B1", app_id: "A1" }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ bot_id: "B1", bot_profile: { app_id: "A1" } }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ bot_id: "B1", user: "U9" }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ bot_id: "B2", app_id: "A2", user: "U2" }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ user: "USLACKBOT" }), "src:T1:C1:1749416383.000200"],
  ["echo", message({ subtype: "slackbot_response" }), "src:T1:C1:1749416383.000200"],
  [
    "delete",
    message({ subtype: "message_changed", message: { subtype: "tombstone", ts: "1.2" } }),
    "src:T1:C1:1.2",
  ],
  ["edit", message({ type: "app_mention", edited: { user: "U1" } }), "src:T1:C1:1749416383.000200"],
  ["system", message({ subtype: "channel_join" }), "src:T1:C1:1749416383.000200"],
  ["reaction", { type: "reaction_added", user: "U1", item: { channel: "C1", ts: "1.2" } }, "src:T1:C1:1.2"],
  ["reaction", { type: "reaction_removed", user: "U1", item: { type: "file" } }, null],
  ["other", { type: "team_join", user: { id: "U1" } }, null],
  ["other", {}, null],
  ["other", message({ user: undefined }), "src:T1:C1:1749416383.000200"],
])("an event is of kind %s, under Slack's own key: %j", (kind, event, messageId) => {
  expect(columns(rig.keptOf(callback(event)))).toEqual({ messages: [], events: [[kind, "Ev1", messageId]] });
});

test("a delivery that is sent again is the same as the first", () => {
  for (const event of [message(), message({ subtype: "channel_join" })]) {
    const again = {
      "Content-Type": "application/json",
      "X-Slack-Retry-Num": "1",
      "X-Slack-Retry-Reason": "timeout",
    };
    expect(rig.keptOf(callback(event), again)).toEqual(rig.keptOf(callback(event)));
  }
});

test("what a person posts by an app is theirs", () => {
  const posted = message({ bot_id: "B7", app_id: "A7", bot_profile: { id: "B7", app_id: "A7" } });
  expect(rig.keptOf(callback(posted)).messages).toMatchObject([{ from: "slack:U1", text: "Hello" }]);
});

test("a mention and its message event are the same message, whichever comes first", () => {
  const same = { message_id: "src:T1:C1:1749416383.000200", from: "slack:U1", to: "slack:C1", text: "Hello" };
  const mention = callback(message({ type: "app_mention" }), { event_id: "Ev2" });
  expect(rig.keptOf(mention)).toMatchObject({ messages: [{ ...same, type: "app_mention" }], events: [] });
  expect(rig.keptOf(callback(message()))).toMatchObject({
    messages: [{ ...same, type: "text" }],
    events: [],
  });
});

test("a slash command is a callback, known by its trigger", () => {
  const command = "command=%2Fweather&text=here&trigger_id=1.2.3";
  expect(columns(rig.keptOf(command, FORM_HEADERS)).events).toEqual([["callback", "1.2.3", null]]);
  const untriggered = "command=%2Fweather&text=here";
  expect(columns(rig.keptOf(untriggered, FORM_HEADERS)).events).toEqual([
    ["callback", sha256(untriggered), null],
  ]);
  expect(columns(rig.keptOf("a=b", FORM_HEADERS)).events).toEqual([["other", sha256("a=b"), null]]);
  expect(rig.source.accepted).toEqual({ status: 200, type: "text/plain; charset=utf-8", body: "" });
});

const user = { user: { id: "U1" }, team: { id: "T1" }, channel: { id: "C1" } };

test.each<[string, { type: string; [member: string]: unknown }, string | null, string]>([
  [
    "a pressed button",
    {
      type: "block_actions",
      trigger_id: "1.2",
      container: { type: "message", message_ts: "5.6", channel_id: "C1" },
      actions: [{ action_id: "ok", action_ts: "1749416383.1" }],
    },
    "src:T1:C1:5.6",
    "2025-06-08T20:59:43Z",
  ],
  [
    "a button of an attachment",
    { type: "interactive_message", trigger_id: "1.2", message_ts: "5.6", action_ts: "1749416383.1" },
    "src:T1:C1:5.6",
    "2025-06-08T20:59:43Z",
  ],
  [
    "a shortcut on a message",
    { type: "message_action", trigger_id: "1.2", message: { ts: "5.6" }, action_ts: "1749416383.1" },
    "src:T1:C1:5.6",
    "2025-06-08T20:59:43Z",
  ],
  [
    "a shortcut",
    { type: "shortcut", trigger_id: "1.2", action_ts: "1749416383.1" },
    null,
    "2025-06-08T20:59:43Z",
  ],
  ["a submitted view", { type: "view_submission", trigger_id: "1.2", view: { id: "V1" } }, null, RECEIVED],
])("%s is a callback about its message", (_, payload, messageId, ts) => {
  const body = new URLSearchParams({ payload: JSON.stringify({ ...user, ...payload }) }).toString();
  const { events, messages } = rig.keptOf(body, FORM_HEADERS);
  expect(messages).toEqual([]);
  expect(events).toEqual([{ kind: "callback", type: payload.type, key: "1.2", messageId, ts, own: body }]);
});

test("the handshake is the challenge as plain text, and no event is one", () => {
  const challenge = (document: unknown) => rig.greeting("", JSON.stringify(document));
  expect(challenge({ type: "url_verification", challenge: 'a"b' })).toEqual({
    status: 200,
    type: "text/plain; charset=utf-8",
    body: 'a"b',
  });
  expect(challenge({ type: "url_verification" })).toMatchObject({ status: 200, body: "" });
  for (const document of [callback(message()), null, [], "url_verification", { challenge: "x" }])
    expect(challenge(document)).toBeUndefined();
  expect(rig.greeting("", Buffer.from([0xff]))).toBeUndefined();
});

test("a signature holds for five minutes, both ways", () => {
  const request = rig.signed("{}");
  const at = (seconds: number) => rig.source.verify(request, AT + seconds * 1000).proven;
  expect([-301, -300, 300, 301].map(at)).toEqual([false, true, true, false]);
});

describe("whatever Slack sends", () => {
  test("every byte that Slack sends is signed, its time too", () => {
    expectEveryByteSigned(rig, rig.signed(JSON.stringify(callback(message()))));
  });

  test("fields that nobody knows change no message", () => {
    expectUnknownFieldsIgnored(rig, callback(message()));
  });

  test.each<[string, object]>([
    ["message", message({ bot_id: null, files: [{}] })],
    ["mention", message({ type: "app_mention", bot_id: "B7", bot_profile: { app_id: "A7" } })],
    ["edit", message({ subtype: "message_changed", message: { ts: "1.2" } })],
    ["reaction", { type: "reaction_added", item: { channel: "C1", ts: "1.2" } }],
  ])("something is kept of any %s, and fits its columns", (_, event) => {
    expectAnythingKept(rig, callback(event));
  });

  test("a trial is accepted and comes back, its identifier made of its time", () => {
    expectTrialsComeBack(rig, ({ from, to, ts }) => ({
      message_id: expect.stringMatching(
        new RegExp(`^src:T1:${to.slice(1)}:${Date.parse(ts) / 1000}[.][0-9]+$`),
      ),
      from: `slack:${from.slice(1)}`,
      to: `slack:${to.slice(1)}`,
    }));
  });
});

test("that Slack holds events back is an event with its type and time", () => {
  const held = { type: "app_rate_limited", team_id: "T1", minute_rate_limited: 1749416340, api_app_id: "A1" };
  expect(rig.keptOf(held).events).toMatchObject([
    { kind: "other", type: "app_rate_limited", ts: "2025-06-08T20:59:00Z" },
  ]);
});
