/** Shapes of messages and events as providers document them, and what is made of each. */
import { expect, test } from "bun:test";
import { AT, HOOK, JSON_HEADERS } from "../../tests/sources.ts";
import { openSource } from "./open-source.ts";

/** Of presets whose secrets have a form. */
const SECRETS: Readonly<Record<string, string>> = {
  infobip: "user:password",
  telnyx: "qpEnyN6p57nYYPpyZ0vTL2Wo+lLf4tfHMk1GJd9fvQ8=",
  discord: "e7a3".repeat(16),
};

/** Messages by type, parties and text, events by kind, type and the message that they are about. */
function made(preset: string, content: unknown): readonly (readonly (string | null)[])[] {
  const source = openSource("s", { kind: "generic", preset, secret: SECRETS[preset] ?? "a secret" });
  const body = Buffer.from(JSON.stringify(content));
  const request = { method: "POST", headers: new Headers(JSON_HEADERS), body, url: HOOK };
  const { messages, post } = source.intakeOf(request, { proven: true }, AT).intake;
  return [
    ...messages.map(({ from, to, text }, index) => [post?.details[index]?.type ?? "", from, to, text]),
    ...(post?.events ?? []).map(({ kind, type, messageId }) => [kind, type, messageId]),
  ];
}

const infobip = (more: object) => ({
  results: [
    {
      ...{ from: "385916242493", to: "385921004026", messageId: "M1" },
      ...{ integrationType: "WHATSAPP", receivedAt: "2026-01-15T09:00:00.000+0000", ...more },
    },
  ],
});
const infobipMo = (...content: object[]) => ({
  results: [
    {
      ...{ event: "MO", channel: "MMS", sender: "385916242493", destination: "385921004026" },
      ...{ messageId: "M1", receivedAt: "2026-01-15T09:00:00.000+0000", content },
    },
  ],
});
const [HER, US] = ["+385916242493", "+385921004026"];
const telnyx = (event_type: string, payload: object) => ({
  data: { id: "e1", event_type, occurred_at: "2026-01-15T09:00:00.000+00:00", payload },
});
const rcs = (body: object) =>
  telnyx("message.received", {
    ...{ id: "M1", type: "RCS", direction: "inbound", body },
    ...{ from: { phone_number: HER }, to: [{ agent_id: "e4448a5c0670c2a9", agent_name: "Inn" }] },
  });
const sinch = (more: object) => ({ app_id: "a", accepted_time: "2026-01-15T09:00:00Z", ...more });
const chatwoot = (event: string, more: object) => ({
  ...{ event, id: 1, content: "x", created_at: "2026-01-15T09:00:00.000Z", ...more },
});
const azure = (name: string, data: object) => ({ id: "e1", data, [name]: "", eventTime: "", time: "" });
const sms = { messageId: "M1", from: HER, to: US, message: "hi", receivedTimestamp: "2026-01-15T09:00:00Z" };
const microsoft = (type: string) => `Microsoft.Communication.${type}`;

test.each<[preset: string, what: string, content: unknown, made: readonly (string | null)[]]>([
  [
    "infobip",
    "a reaction is one, about its message",
    infobip({ message: { type: "REACTION", emoji: "x", action: "REACT", context: { id: "M0" } } }),
    ["reaction", "REACTION", "s:M0"],
  ],
  [
    "infobip",
    "a reaction by the Messages API",
    infobipMo({ type: "REACTION", emoji: "x", action: "ADDED" }),
    ["reaction", "REACTION", null],
  ],
  [
    "infobip",
    "that somebody types is no message",
    infobip({ event: "TYPING_STARTED", sender: "385916242493", destination: "385921004026" }),
    ["other", "TYPING_STARTED", null],
  ],
  [
    "infobip",
    "a group is the recipient",
    infobip({ message: { type: "TEXT", text: "hi", context: { groupId: "Y2FwaQ" } } }),
    ["TEXT", HER, "whatsapp:Y2FwaQ", "hi"],
  ],
  [
    "infobip",
    "an MMS's text isn't its subject",
    infobipMo({ type: "SUBJECT", text: "Hello" }, { type: "TEXT", text: "two rooms?" }),
    ["SUBJECT", HER, US, "two rooms?"],
  ],
  [
    "infobip",
    "what is written beside a picture",
    infobipMo({ type: "IMAGE", url: "https://x.example/1" }, { type: "TEXT", text: "our dog" }),
    ["IMAGE", HER, US, "our dog"],
  ],
  [
    "infobip",
    "an MMS of the older API",
    infobip({ message: "two rooms?", integrationType: undefined }),
    ["text", HER, US, "two rooms?"],
  ],
  ["telnyx", "RCS", rcs({ text: "hi" }), ["RCS", HER, "rcs:e4448a5c0670c2a9", "hi"]],
  [
    "telnyx",
    "a suggestion of RCS that was tapped",
    rcs({ suggestion_response: { text: "Yes", postback_data: "p" } }),
    ["RCS", HER, "rcs:e4448a5c0670c2a9", "Yes"],
  ],
  [
    "telnyx",
    "that a message was read is about it",
    telnyx("message.read", { id: "M1", type: "RCS", direction: "outbound" }),
    ["status", "message.read", "s:M1"],
  ],
  [
    "sinch",
    "a reaction is one, about its message",
    sinch({
      event: { id: "E1", contact_message_event: { reaction_event: { emoji: "x", message_id: "M0" } } },
    }),
    ["reaction", "reaction_event", "s:M0"],
  ],
  [
    "sinch",
    "that somebody types",
    sinch({ event: { id: "E1", contact_event: { composing_event: {} } } }),
    ["other", "composing_event", null],
  ],
  [
    "sinch",
    "anything else is called by its member",
    sinch({ project_id: "p", opt_in_notification: { contact_id: "c" }, message_metadata: "" }),
    ["other", "opt_in_notification", null],
  ],
  ["sinch", "a type that nobody knows", { type: "mo_new", id: "M1" }, ["other", "mo_new", "s:M1"]],
  [
    "chatwoot",
    "what Chatwoot notes is nobody's message",
    chatwoot("message_created", { message_type: "activity" }),
    ["system", "message_created", "s:1"],
  ],
  [
    "chatwoot",
    "a message that is deleted",
    chatwoot("message_updated", { message_type: "incoming", content_attributes: { deleted: true } }),
    ["delete", "message_updated", "s:1"],
  ],
  [
    "discord",
    "a command",
    { id: "I1", type: 2, token: "t", data: { name: "book" } },
    ["callback", "book", null],
  ],
  [
    "discord",
    "a button is about its message",
    { id: "I1", type: 3, token: "t", message: { id: "M0" }, data: { custom_id: "yes" } },
    ["callback", "3", "s:M0"],
  ],
  [
    "event-grid",
    "SMS in Event Grid's schema",
    [{ ...azure("eventType", sms), eventType: microsoft("SMSReceived") }],
    ["text", HER, US, "hi"],
  ],
  [
    "event-grid",
    "SMS as a CloudEvent",
    { ...azure("type", sms), specversion: "1.0", type: microsoft("SMSReceived") },
    ["text", HER, US, "hi"],
  ],
  [
    "event-grid",
    "a batch of CloudEvents",
    [{ ...azure("type", sms), specversion: "1.0", type: microsoft("SMSReceived") }],
    ["text", HER, US, "hi"],
  ],
  [
    "event-grid",
    "a delivery report is about its message",
    [{ ...azure("eventType", sms), eventType: microsoft("SMSDeliveryReportReceived") }],
    ["status", microsoft("SMSDeliveryReportReceived"), "s:M1"],
  ],
])("%s: %s", (preset, _what, content, expected) => {
  expect(made(preset, content)).toEqual([expected]);
});
