/**
 * Cases of what people write, by provider: each kind of message once, with its text and type, and
 * what looks like a message and is none because the business itself, or a bot, sent it. Everything
 * is made up; the shapes are those of the providers' own pages, which the kinds in `src/sources`
 * name.
 */
import type { Message } from "../../src/core/message.ts";
import type { Expected, ProviderCase } from "./case.ts";
import { type Draft, drafted, FORM_TYPE, hmac, JSON_TYPE, NOW, record, SECONDS, sha256 } from "./drafts.ts";

type Typed = readonly [message: Message, type: string];

const kept = (
  records: readonly Typed[],
  events: Expected["events"] = [],
  more: Partial<Expected> = {},
): Expected => ({
  verdict: "accept",
  status: 200,
  records: records.map(([message]) => message),
  record_types: records.map(([, type]) => type),
  events,
  ...more,
});

/** By its provider: a case's identifier, its title, what is sent, and what is kept of it. */
type Row = readonly [id: string, title: string, content: unknown, expected: Expected];

const WHATSAPP_NUMBER = "+493055507100";
const GUEST = "+4915155507101";

function whatsappRows(): Row[] {
  const change = (field: string, value: object) => ({
    object: "whatsapp_business_account",
    entry: [
      {
        id: "7100",
        changes: [
          {
            field,
            value: {
              messaging_product: "whatsapp",
              metadata: { display_phone_number: "49 30 5550 7100", phone_number_id: "7171" },
              ...value,
            },
          },
        ],
      },
    ],
  });
  const said = (id: string, type: string, contents: object, more: object = {}) => ({
    from: "4915155507101",
    id: `wamid.${id}`,
    timestamp: String(SECONDS),
    type,
    [type]: contents,
    ...more,
  });
  const row = (id: string, text: string | null, type: string, to = WHATSAPP_NUMBER): Typed => [
    record(`wamid.${id}`, GUEST, to, text),
    type,
  ];
  const ours = { from: "493055507100" };
  const flow = {
    type: "nfm_reply",
    nfm_reply: {
      name: "flow",
      body: "Sent",
      response_json: JSON.stringify({ room: "with a view", nights: ["Fri", "Sat"], flow_token: "ft-1" }),
    },
  };
  return [
    [
      "flow-answer",
      "WhatsApp: what was answered in a Flow is found",
      change("messages", { messages: [said("F1", "interactive", flow)] }),
      kept([row("F1", "Sent\nroom: with a view\nnights: Fri, Sat", "interactive")], [], {
        search: [
          ["WITH A VIEW", 1],
          ["ft-1", 0],
        ],
      }),
    ],
    [
      "whatsapp-types",
      "WhatsApp: each kind of message",
      change("messages", {
        messages: [
          said("T1", "text", { body: "is there a lift?" }),
          said("T2", "image", { id: "1", caption: "the stairs" }),
          said("T3", "video", { id: "2", caption: "the street" }),
          said("T4", "document", { id: "3", filename: "plan.pdf", caption: "the plan" }),
          said("T5", "audio", { id: "4", voice: true }),
          said("T6", "sticker", { id: "5", animated: false }),
          said("T7", "location", { latitude: 52.5, longitude: 13.4, name: "the station" }),
          said("T8", "contacts", [{ name: { formatted_name: "Ada" } }]),
          said("T9", "button", { payload: "P", text: "Call me back" }),
          said("T10", "interactive", { type: "button_reply", button_reply: { id: "1", title: "Yes" } }),
          said("T11", "interactive", { type: "list_reply", list_reply: { id: "2", title: "Twin room" } }),
          said("T12", "order", {
            catalog_id: "9",
            text: "before noon, please",
            product_items: [{ quantity: 2 }],
          }),
          said("T13", "unsupported", { type: "unknown" }, { errors: [{ code: 131060 }] }),
        ],
      }),
      kept([
        row("T1", "is there a lift?", "text"),
        row("T2", "the stairs", "image"),
        row("T3", "the street", "video"),
        row("T4", "the plan", "document"),
        row("T5", null, "audio"),
        row("T6", null, "sticker"),
        row("T7", null, "location"),
        row("T8", null, "contacts"),
        row("T9", "Call me back", "button"),
        row("T10", "Yes", "interactive"),
        row("T11", "Twin room", "interactive"),
        row("T12", "before noon, please", "order"),
        row("T13", null, "unsupported"),
      ]),
    ],
    [
      "whatsapp-history",
      "WhatsApp: a chunk of the past holds messages of both sides",
      change("history", {
        history: [
          {
            metadata: { phase: 1, chunk_order: 2, progress: 70 },
            threads: [
              {
                id: "4915155507101",
                messages: [
                  said("H1", "text", { body: "breakfast is from seven" }, ours),
                  said("H2", "text", { body: "see you then" }, { history_context: { status: "READ" } }),
                  said("H3", "media_placeholder", {}),
                ],
              },
            ],
          },
        ],
      }),
      kept(
        [row("H2", "see you then", "text")],
        [
          { kind: "echo", ref: "wamid.H1" },
          { kind: "other", ref: "wamid.H3" },
        ],
      ),
    ],
    [
      "whatsapp-history-media",
      "WhatsApp: of the past's media, the business's own are echoes",
      change("history", {
        messages: [
          said("H3", "image", { id: "6", caption: "our terrace" }),
          said("H4", "image", { id: "7", caption: "our kitchen" }, { ...ours, to: "4915155507101" }),
        ],
      }),
      kept([row("H3", "our terrace", "image")], [{ kind: "echo", ref: "wamid.H4" }]),
    ],
    [
      "whatsapp-history-declined",
      "WhatsApp: a business that keeps its past to itself",
      change("history", { history: [{ errors: [{ code: 2593109, title: "History sync is turned off" }] }] }),
      kept([], [{ kind: "other" }]),
    ],
    [
      "whatsapp-business-app",
      "WhatsApp: what the business's own app sends and which contacts it has",
      {
        object: "whatsapp_business_account",
        entry: [
          change("smb_message_echoes", {
            message_echoes: [said("E1", "text", { body: "on my way" }, { ...ours, to: "4915155507101" })],
          }),
          change("smb_app_state_sync", {
            state_sync: [
              {
                type: "contact",
                contact: { full_name: "Ada", phone_number: "4915155507101" },
                action: "add",
                metadata: { timestamp: String(SECONDS) },
              },
            ],
          }),
        ].flatMap(({ entry }) => entry),
      },
      kept([], [{ kind: "echo", ref: "wamid.E1" }, { kind: "other" }]),
    ],
    [
      "whatsapp-group",
      "WhatsApp: a message in a group is to the group",
      change("messages", {
        messages: [said("G1", "text", { body: "who takes the early shift?" }, { group_id: "R3JvdXAgNw" })],
      }),
      kept([row("G1", "who takes the early shift?", "text", "whatsapp:R3JvdXAgNw")]),
    ],
  ];
}

function instagramRows(): Row[] {
  const item = (mid: string, message: object) => ({
    sender: { id: "7200" },
    recipient: { id: "7201" },
    timestamp: SECONDS * 1000 + 1,
    message: { mid, ...message },
  });
  const attached = (type: string) => ({ attachments: [{ type, payload: { url: "https://cdn.example/1" } }] });
  const row = (id: string, text: string | null, type: string): Typed => [
    record(id, "instagram:7200", "instagram:7201", text),
    type,
  ];
  const types = ["image", "video", "audio", "share", "story_mention", "ig_reel", "ig_post"];
  const value = { ...item("test_mid", { text: "a test" }), timestamp: String(SECONDS) };
  return [
    [
      "instagram-types",
      "Instagram: each kind of message",
      {
        object: "instagram",
        entry: [
          {
            id: "7201",
            messaging: [
              item("I1", { text: "lovely", reply_to: { story: { id: "1" } } }),
              ...types.map((type) => item(type, attached(type))),
              item("I2", { is_unsupported: true }),
              item("I3", { text: "thank you", is_echo: true }),
              item("I4", { is_deleted: true }),
            ],
          },
        ],
      },
      kept(
        [
          row("I1", "lovely", "text"),
          ...types.map((type) => row(type, null, type)),
          row("I2", null, "unknown"),
        ],
        [
          { kind: "echo", ref: "I3" },
          { kind: "delete", ref: "I4" },
        ],
      ),
    ],
    [
      "instagram-test-button",
      "Instagram: the console's test button",
      { object: "instagram", entry: [{ id: "0", time: 1, changes: [{ field: "messages", value }] }] },
      kept([row("test_mid", "a test", "text")]),
    ],
  ];
}

function telegramRows(): Row[] {
  const chat = { id: 7300, type: "private", first_name: "Ola" };
  const from = { id: 7300, is_bot: false, first_name: "Ola" };
  const update = (number: number, contents: object) => ({
    update_id: number,
    message: { message_id: number, from, chat, date: SECONDS, ...contents },
  });
  const row = (number: number, text: string | null, type: string): Typed => [
    record(`7300:${number}`, "telegram:7300", "telegram:stall_bot", text),
    type,
  ];
  const data = '{"basket":["plums","quinces"]}';
  return [
    [
      "telegram-web-app",
      "Telegram: what somebody sends from a Mini App",
      update(71, { web_app_data: { button_text: "Pay", data } }),
      kept([row(71, data, "web_app_data")], [], { search: [["quinces", 1]] }),
    ],
    [
      "telegram-passport",
      "Telegram: passport data has no text",
      update(72, { passport_data: { data: [], credentials: {} } }),
      kept([row(72, null, "passport_data")]),
    ],
    [
      "telegram-poll",
      "Telegram: a poll has its question as text",
      update(73, { poll: { id: "1", question: "Plums or quinces?", options: [] } }),
      kept([row(73, "Plums or quinces?", "poll")]),
    ],
    [
      "telegram-new-kind",
      "Telegram: a kind of message that is new has its member's name",
      update(74, { hologram: { file_id: "h" } }),
      kept([row(74, null, "hologram")]),
    ],
  ];
}

function slackRows(): Row[] {
  const callback = (event: object, number: number) => ({
    team_id: "T74",
    api_app_id: "A74",
    type: "event_callback",
    event_id: `Ev74${number}`,
    event_time: SECONDS,
    event: { type: "message", channel: "C74", user: "U74", ts: `${SECONDS}.0007${number}`, ...event },
  });
  const row = (number: number, text: string, type = "text"): Typed => [
    record(`T74:C74:${SECONDS}.0007${number}`, "slack:U74", "slack:C74", text),
    type,
  ];
  const by = (app: string) => ({ bot_id: "B74", app_id: app, bot_profile: { id: "B74", app_id: app } });
  const echo = (number: number): Expected =>
    kept([], [{ kind: "echo", ref: `T74:C74:${SECONDS}.0007${number}` }]);
  return [
    [
      "slack-person-by-app",
      "Slack: what a person posts by another app",
      callback({ text: "ovens are hot", ...by("A99") }, 1),
      kept([row(1, "ovens are hot")]),
    ],
    [
      "slack-own-app",
      "Slack: what the app itself posts",
      callback({ text: "noted", ...by("A74") }, 2),
      echo(2),
    ],
    ["slack-slackbot", "Slack: what Slackbot says", callback({ text: "hi", user: "USLACKBOT" }, 3), echo(3)],
    [
      "slack-mention",
      "Slack: a mention of the app",
      callback({ type: "app_mention", text: "<@U75> how many rolls?" }, 4),
      kept([row(4, "<@U75> how many rolls?", "app_mention")]),
    ],
    [
      "slack-command",
      "Slack: a slash command is answered with nothing",
      {
        command: "/rolls",
        text: "200",
        team_id: "T74",
        channel_id: "C74",
        user_id: "U74",
        trigger_id: "74.1",
      },
      kept([], [{ kind: "callback" }], { response: { content_type: "text/plain", body: "" } }),
    ],
    [
      "slack-button",
      "Slack: a pressed button is about its message",
      {
        payload: JSON.stringify({
          type: "block_actions",
          team: { id: "T74" },
          user: { id: "U74" },
          channel: { id: "C74" },
          container: { type: "message", message_ts: "17.1", channel_id: "C74" },
          trigger_id: "74.2",
          actions: [{ action_id: "bake", type: "button", action_ts: `${SECONDS}.1` }],
        }),
      },
      kept([], [{ kind: "callback", ref: "T74:C74:17.1" }]),
    ],
  ];
}

function twilioRows(): Row[] {
  const added = (fields: object) => ({
    EventType: "onMessageAdded",
    MessageSid: "IM75",
    ConversationSid: "CH75",
    Source: "WHATSAPP",
    Author: `whatsapp:${GUEST}`,
    Body: "two rooms with a bath",
    DateCreated: "2026-03-01T12:00:00.250Z",
    RetryCount: "0",
    ...fields,
  });
  return [
    [
      "twilio-conversation",
      "Twilio: what somebody adds to a conversation",
      added({}),
      kept([[record("IM75", GUEST, "whatsapp:CH75", "two rooms with a bath"), "text"]]),
    ],
    [
      "twilio-conversation-own",
      "Twilio: what the business adds to a conversation",
      added({ Source: "API", Author: "desk" }),
      kept([], [{ kind: "echo", ref: "IM75" }]),
    ],
    [
      "twilio-stream",
      "Twilio: a batch of Event Streams",
      [
        {
          specversion: "1.0",
          type: "com.twilio.messaging.inbound-message.received",
          id: "EZ75",
          time: NOW,
          data: {
            messageSid: "SM75",
            from: GUEST,
            to: WHATSAPP_NUMBER,
            body: "by the stream",
            timestamp: NOW,
          },
        },
        {
          specversion: "1.0",
          type: "com.twilio.messaging.message.sent",
          id: "EZ76",
          time: NOW,
          data: { messageSid: "SM76", messageStatus: "SENT" },
        },
      ],
      kept(
        [[record("SM75", GUEST, WHATSAPP_NUMBER, "by the stream"), "text"]],
        [{ kind: "status", ref: "SM76" }],
      ),
    ],
  ];
}

function sinchRows(): Row[] {
  const said = (type: string, contents: object, text: string | null, more = ""): Row => [
    `sinch-${type.replaceAll("_", "-")}${more}`,
    `Sinch: ${type}`,
    {
      app_id: "01APP",
      accepted_time: NOW,
      message: {
        id: "01MSG",
        direction: "TO_APP",
        accept_time: NOW,
        channel_identity: { channel: "WHATSAPP", identity: GUEST.slice(1), app_id: "" },
        contact_message: { reply_to: null, [type]: contents },
      },
    },
    kept([[record("01MSG", GUEST, "whatsapp:01APP", text), type]]),
  ];
  return [
    said("text_message", { text: "half board?" }, "half board?"),
    said("choice_response_message", { message_id: "01OTHER", postback_data: "half_board" }, "half_board"),
    said("media_message", { url: "https://cdn.example/1.jpg" }, null),
    said("media_card_message", { url: "https://cdn.example/2.jpg", caption: "our dog" }, "our dog"),
    said("location_message", { title: "station", coordinates: { latitude: 1, longitude: 2 } }, null),
    said("media_message", { url: "https://cdn.example/3.jpg", caption: "our cat" }, "our cat", "-caption"),
    said("product_response_message", { products: [{ id: "1" }], text: "two of them" }, "two of them"),
    said(
      "product_response_message",
      { products: [{ id: "1" }], title: "one, please" },
      "one, please",
      "-title",
    ),
    said("fallback_message", { raw_message: "{}", reason: { code: "UNKNOWN" } }, null),
    [
      "sinch-own",
      "Sinch: what the app sent",
      { app_id: "01APP", message: { id: "01OWN", direction: "TO_CONTACT", accept_time: NOW } },
      kept([], [{ kind: "echo", ref: "01OWN" }]),
    ],
    [
      "sinch-delivery",
      "Sinch: a delivery report is about its message",
      { app_id: "01APP", message_delivery_report: { message_id: "01OWN", status: "DELIVERED" } },
      kept([], [{ kind: "status", ref: "01OWN" }]),
    ],
  ];
}

function lineRows(): Row[] {
  const event = (type: string, source: object, more: object) => ({
    destination: "U760",
    events: [
      {
        type,
        webhookEventId: "01W",
        timestamp: SECONDS * 1000,
        source: { userId: "U761", ...source },
        ...more,
      },
    ],
  });
  const group = { type: "group", groupId: "C762" };
  return [
    [
      "line-group",
      "LINE: a message in a group is to the group",
      event("message", group, { message: { id: "76", type: "text", text: "snow at the pass" } }),
      kept([[record("76", "line:U761", "line:C762", "snow at the pass"), "text"]]),
    ],
    [
      "line-edited",
      "LINE: what is edited is about its message",
      event("messageEdited", group, { message: { id: "76", type: "text", text: "no snow" } }),
      kept([], [{ kind: "edit", ref: "76" }]),
    ],
    [
      "line-unsend",
      "LINE: what is taken back is about its message",
      event("unsend", group, { unsend: { messageId: "76" } }),
      kept([], [{ kind: "delete", ref: "76" }]),
    ],
  ];
}

const SECRET = "a secret of the guest house";

interface Sent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly url?: string;
}

const json = (content: unknown, headers: (body: string) => Readonly<Record<string, string>>): Sent => {
  const body = JSON.stringify(content);
  return { body, headers: { ...JSON_TYPE, ...headers(body) } };
};

const meta = (content: unknown) =>
  json(content, (body) => ({ "X-Hub-Signature-256": `sha256=${hmac(SECRET, body).digest("hex")}` }));

/** Events as JSON, commands and buttons as a form. */
function slack(content: unknown): Sent {
  const isEvent = (content as { readonly event?: object }).event !== undefined;
  const body = isEvent
    ? JSON.stringify(content)
    : new URLSearchParams(content as Record<string, string>).toString();
  const signature = hmac(SECRET, `v0:${SECONDS}:${body}`).digest("hex");
  return {
    body,
    headers: {
      ...(isEvent ? JSON_TYPE : FORM_TYPE),
      "X-Slack-Request-Timestamp": String(SECONDS),
      "X-Slack-Signature": `v0=${signature}`,
    },
  };
}

/** A batch as JSON whose hash is in the URL, anything else as a form. */
function twilio(content: unknown): Sent {
  const url = "https://in.example.org/webhook/twilio";
  const signed = (text: string) => ({ "X-Twilio-Signature": hmac(SECRET, text, "sha1").digest("base64") });
  if (Array.isArray(content)) {
    const hashed = `${url}?bodySHA256=${sha256(JSON.stringify(content))}`;
    return { ...json(content, () => signed(hashed)), url: hashed };
  }
  const fields = Object.entries(content as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = url + fields.flat().join("");
  return { body: new URLSearchParams(fields).toString(), headers: { ...FORM_TYPE, ...signed(text) }, url };
}

const sinch = (content: unknown) =>
  json(content, (body) => ({
    "x-sinch-webhook-signature": hmac(SECRET, `${body}.n-1.${SECONDS}`).digest("base64"),
    "x-sinch-webhook-signature-nonce": "n-1",
    "x-sinch-webhook-signature-timestamp": String(SECONDS),
  }));

const telegram = (content: unknown) => json(content, () => ({ "X-Telegram-Bot-Api-Secret-Token": SECRET }));
const line = (content: unknown) =>
  json(content, (body) => ({ "X-Line-Signature": hmac(SECRET, body).digest("base64") }));

export function messageCases(): ProviderCase[] {
  const cases = (
    provider: string,
    rows: readonly Row[],
    sent: (content: unknown) => Sent,
    config: object = {},
  ): ProviderCase[] =>
    rows.map(([id, title, content, expected]) => {
      const draft: Draft = {
        id: `own-${id}`,
        title,
        secret: SECRET,
        config: { ...config },
        expected,
        ...sent(content),
      };
      return drafted(provider, draft);
    });
  return [
    ...cases("meta", [...whatsappRows(), ...instagramRows()], meta),
    ...cases("telegram", telegramRows(), telegram, { account: "stall_bot" }),
    ...cases("slack", slackRows(), slack),
    ...cases("twilio", twilioRows(), twilio),
    ...cases("generic", sinchRows(), sinch, { preset: "sinch" }),
    ...cases("generic", lineRows(), line, { preset: "line" }),
  ];
}
