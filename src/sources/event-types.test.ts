/** What every kind calls an event: the provider's own name of it. */
import { expect, test } from "bun:test";
import { FORM_HEADERS, JSON_HEADERS, Rig, sha256 } from "../../tests/sources.ts";
import { SchemeError } from "./schemes/proof.ts";

type Headers_ = Readonly<Record<string, string>>;
const typesOf = (rig: Rig, content: unknown, headers: Headers_ = JSON_HEADERS) =>
  rig.keptOf(content, headers).events.map(({ type }) => type);
const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

const whatsapp = (change: object) => ({
  object: "whatsapp_business_account",
  entry: [{ id: "1", changes: [change] }],
});
const own = { id: "a", from: "1", to: "2", type: "image", timestamp: "1" };

test.each<[string, object, (string | null)[]]>([
  [
    "statuses",
    { field: "messages", value: { statuses: [{ id: "a", status: "delivered" }, { id: "b" }] } },
    ["messages.status.delivered", "messages.status"],
  ],
  ["a status without a field", { value: { statuses: [{ status: "read" }] } }, ["messages.status.read"]],
  ["a reaction", { field: "messages", value: { messages: [{ type: "reaction" }] } }, ["messages.reaction"]],
  [
    "an echo",
    { field: "smb_message_echoes", value: { message_echoes: [own] } },
    ["smb_message_echoes.image"],
  ],
  [
    "what the business sent before",
    { field: "history", value: { metadata: {}, history: [{ threads: [{ messages: [own] }] }, {}] } },
    ["history.image", "history"],
  ],
  [
    "a contact",
    { field: "smb_app_state_sync", value: { state_sync: [{ type: "contact" }] } },
    ["smb_app_state_sync"],
  ],
  [
    "a template's status",
    { field: "message_template_status_update", value: { event: "APPROVED" } },
    ["message_template_status_update"],
  ],
  ["what says no field", {}, [null]],
])("Meta's name of %s is the field and what it is", (_, change, types) => {
  expect(typesOf(new Rig("meta"), whatsapp(change))).toEqual(types);
});

test("Messenger's and Instagram's name is where an item stands, and its member", () => {
  const item = (fields: object) => ({ sender: { id: "1" }, recipient: { id: "2" }, timestamp: 1, ...fields });
  const entry = {
    id: "2",
    messaging: [
      item({ reaction: { mid: "m" } }),
      item({ optin: { type: "one_time" } }),
      item({ message: { mid: "m", is_echo: true } }),
      item({}),
    ],
    standby: [item({ read: { watermark: 1 } })],
    changes: [{ field: "feed", value: { item: "comment" } }],
  };
  const types = typesOf(new Rig("meta"), { object: "page", entry: [entry] });
  expect(types.sort()).toEqual([
    "feed",
    "messaging",
    "messaging.message",
    "messaging.optin",
    "messaging.reaction",
    "standby.read",
  ]);
});

test.each<[object | string, string | null]>([
  [{ type: "reaction_added" }, "reaction_added"],
  [{ type: "message", subtype: "message_changed", ts: "1.2" }, "message.message_changed"],
  [{ type: "message", bot_id: "B1", ts: "1.2" }, "message"],
  [{ type: "app_mention", edited: {}, user: "U1", ts: "1.2" }, "app_mention"],
  [{ type: "t".repeat(65) }, null],
  [{ type: "t".repeat(64) }, "t".repeat(64)],
  [{ type: " " }, null],
  [{ type: "a\0b" }, "a\ufffdb"],
  [{}, null],
])("Slack's name of %j is %s", (event, type) => {
  expect(typesOf(new Rig("slack"), { team_id: "T", event_id: "E", event })).toEqual([type]);
});

test("Slack's forms are slash commands, or have the type of their payload", () => {
  const rig = new Rig("slack");
  expect(typesOf(rig, "command=%2Fweather", FORM_HEADERS)).toEqual(["slash_command"]);
  const payload = JSON.stringify({ type: "view_submission" });
  expect(typesOf(rig, form({ payload }), FORM_HEADERS)).toEqual(["view_submission"]);
});

const chat = { id: 1, type: "private" };
test.each<[object, string | null]>([
  [{ callback_query: { id: "1" } }, "callback_query"],
  [{ edited_message: { message_id: 1, chat } }, "edited_message"],
  [{ my_chat_member: { chat } }, "my_chat_member"],
  [{ message: { message_id: 1, chat, pinned_message: {} } }, "message.pinned_message"],
  [{ channel_post: { message_id: 1, chat, from: { is_bot: true }, text: "x" } }, "channel_post"],
  [{}, null],
])("Telegram's name of %j is the update's member", (update, type) => {
  expect(typesOf(new Rig("telegram"), { update_id: 1, ...update })).toEqual([type]);
});

test("Telegram's name holds for each of the messages that are deleted at once", () => {
  const deleted = { deleted_business_messages: { chat, message_ids: [1, 2] } };
  expect(typesOf(new Rig("telegram"), { update_id: 1, ...deleted })).toEqual([
    "deleted_business_messages",
    "deleted_business_messages",
  ]);
});

test("Twilio's name is a status, the event of a conversation, or the type of a stream", () => {
  const rig = new Rig("twilio");
  const ofForm = (fields: Record<string, string>) => typesOf(rig, form(fields), FORM_HEADERS);
  expect(ofForm({ MessageSid: "SM1", MessageStatus: "delivered" })).toEqual(["status.delivered"]);
  expect(ofForm({ EventType: "onMessageUpdated", MessageSid: "IM1" })).toEqual(["onMessageUpdated"]);
  expect(ofForm({ CallSid: "CA1" })).toEqual([null]);
  const type = "com.twilio.messaging.message.delivered";
  const url = (body: string) => `https://hooks.example.com/x?bodySHA256=${sha256(body)}`;
  const body = JSON.stringify([{ specversion: "1.0", id: "1", type, data: {} }]);
  const signed = rig.provider.scheme.sign?.({ body: new Uint8Array(), url: url(body) }, 0).headers;
  const headers = new Headers({ ...JSON_HEADERS, ...signed });
  const { events } = rig.kept({ method: "POST", headers, body: Buffer.from(body), url: url(body) });
  expect(events.map((event) => event.type)).toEqual([type]);
});

test("Vonage's name is a status, or the type of what isn't received", () => {
  const rig = new Rig("vonage");
  const of = (fields: object) => typesOf(rig, { message_uuid: "u", ...fields });
  expect(of({ status: "delivered" })).toEqual(["status.delivered"]);
  expect(of({ direction: "outbound", message_type: "image" })).toEqual(["image"]);
  expect(of({ message_type: "reaction" })).toEqual(["reaction"]);
  const sms = new Rig("vonage", { scheme: "vonage-sms-params" });
  expect(typesOf(sms, form({ messageId: "1", status: "expired" }), FORM_HEADERS)).toEqual(["status.expired"]);
});

test("Viber's name is the callback's event", () => {
  expect(typesOf(new Rig("viber"), { event: "seen", message_token: 1 })).toEqual(["seen"]);
  expect(typesOf(new Rig("viber"), { event: "client_status" })).toEqual(["client_status"]);
});

const preset = (name: string, secret = "a secret") => new Rig("generic", { preset: name, secret });

test.each<[string, Headers_, unknown, (string | null)[]]>([
  ["github", { "X-GitHub-Event": "pull_request" }, { action: "opened" }, ["pull_request"]],
  ["github", {}, { action: "opened" }, [null]],
  ["github", { "X-GitHub-Event": " " }, "no JSON", [null]],
  ["shopify", { "X-Shopify-Topic": "orders/create" }, "no JSON", ["orders/create"]],
  ["stripe", {}, { id: "evt_1", type: "charge.refunded" }, ["charge.refunded"]],
  ["line", {}, { events: [{ type: "follow" }, { type: "unsend" }] }, ["follow", "unsend"]],
  ["messagebird", {}, { type: "message.updated", message: { id: "1" } }, ["message.updated"]],
  ["messagebird", {}, { id: "1", status: "delivered" }, ["delivered"]],
  [
    "sinch",
    {},
    { message_delivery_report: { message_id: "1", status: "DELIVERED" } },
    ["message_delivery_report"],
  ],
  ["twitch", { "Twitch-Eventsub-Subscription-Type": "stream.online" }, {}, ["stream.online"]],
  ["woocommerce", { "X-WC-Webhook-Topic": "order.created" }, {}, ["order.created"]],
  ["zoom", {}, { event: "meeting.started" }, ["meeting.started"]],
  ["xero", {}, { events: [{ eventType: "UPDATE" }] }, ["UPDATE"]],
  ["sinch", {}, { type: "recipient_delivery_report_sms" }, ["recipient_delivery_report_sms"]],
])("the preset %s, with %j, names %j %j", (name, headers, content, types) => {
  expect(typesOf(preset(name), content, { ...JSON_HEADERS, ...headers })).toEqual(types);
});

test("Standard Webhooks' name is the type in the body", () => {
  const rig = preset("standard-webhooks", "whsec_c2VjcmV0");
  expect(typesOf(rig, { type: "invoice.paid" })).toEqual(["invoice.paid"]);
});

const SCHEME = { algorithm: "hmac-sha256", header: "X-Signature", encoding: "hex", signed: "{body}" };
const ownRig = (options: object) => new Rig("generic", { scheme: SCHEME, ...options });

test("a map names its events before the source does, and the first place that holds something counts", () => {
  const rig = ownRig({
    map: [
      { each: "items", event: "status", when: { kind: "s" }, type: "state" },
      { each: "items", message_id: "id", from: "from", to: "to", type: "=text" },
    ],
    event_type: ["header X-Event", "json kind", "json $.name"],
  });
  const body = { name: "batch", items: [{ kind: "s", state: "sent" }, { kind: "s" }, { kind: "x" }, {}] };
  expect(typesOf(rig, body)).toEqual(["sent", "s", "x", "batch"]);
  expect(typesOf(rig, body, { ...JSON_HEADERS, "X-Event": "any" })).toEqual(["sent", "any", "any", "any"]);
});

test("the name may stand in the query or a form", () => {
  const rig = ownRig({ event_type: ["query event", "form type"] });
  const request = rig.signed("type=a&type=b", FORM_HEADERS, "https://hooks.example.com/x?other=1");
  expect(rig.kept(request).events.map(({ type }) => type)).toEqual(["b"]);
  const queried = rig.signed("type=a", FORM_HEADERS, "https://hooks.example.com/x?event=q");
  expect(rig.kept(queried).events.map(({ type }) => type)).toEqual(["q"]);
});

test("a name that stands nowhere one could is refused", () => {
  expect(() => ownRig({ event_type: "cookie x" })).toThrow(SchemeError);
});
