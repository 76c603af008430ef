/**
 * Cases of presets: what each provider publishes, where it publishes a signed sample, else requests
 * that are signed here by its page's rule. Of each also one that somebody has changed on the way.
 */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { Expected, ProviderCase } from "./case.ts";
import {
  accepted,
  challenged,
  type Draft,
  drafted,
  FORM_TYPE,
  hmac,
  JSON_TYPE,
  NOW,
  record,
  rejected,
  SECONDS,
} from "./drafts.ts";

const URL_ = "https://in.example.org/webhook/generic";
const SECRET = "preset secret of the lighthouse";

interface Sent {
  readonly body: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Signed {
  readonly secret?: string;
  readonly now?: string;
  /** The request by which the provider says something. */
  readonly sent: Sent;
  /** The same with a change that a signature must not survive. */
  readonly tampered: Sent;
  readonly expected: Expected;
}

/** What is signed of a body, by which both requests of a pair are made. */
function pair(
  make: (body: string) => Sent,
  body: string,
  changed = `${body} `,
): Pick<Signed, "sent" | "tampered"> {
  const sent = make(body);
  return { sent, tampered: { ...sent, body: changed } };
}

const other = (...events: Expected["events"]) =>
  accepted([], events.length === 0 ? [{ kind: "other" }] : events);

/** An Ed25519 key that is the same each time. */
const ED25519 = createPrivateKey({
  key: Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, "lighthouse"),
  ]),
  format: "der",
  type: "pkcs8",
});
const ED25519_PUBLIC = createPublicKey(ED25519).export({ format: "der", type: "spki" }).subarray(-32);
const ed25519 = (text: string) => sign(null, Buffer.from(text), ED25519);

function standardWebhooks(prefix: string, secret: string, key = Buffer.from("lighthouse key, 24 byte")) {
  return {
    secret: secret.replace("KEY", key.toString("base64")),
    ...pair(
      (body) => ({
        body,
        headers: {
          [`${prefix}-id`]: "msg_1",
          [`${prefix}-timestamp`]: String(SECONDS),
          [`${prefix}-signature`]: `v1,${hmac(key, `msg_1.${SECONDS}.${body}`).digest("base64")}`,
        },
      }),
      '{"type":"email.delivered","timestamp":"2026-03-01T11:59:58Z","data":{"id":"1"}}',
    ),
    expected: other({ kind: "other", key: "msg_1", type: "email.delivered" }),
  };
}

/** The sample of https://docs.svix.com/receiving/verifying-payloads/how-manual. */
function svixSample() {
  const body = '{"event_type":"ping","data":{"success":true}}';
  const headers = {
    "svix-id": "msg_loFOjxBNrRLzqYUf",
    "svix-timestamp": "1731705121",
    "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
  };
  return {
    secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
    now: "2024-11-15T21:12:01.000Z",
    ...pair((text) => ({ body: text, headers }), body),
    expected: other({ kind: "other", key: "msg_loFOjxBNrRLzqYUf" }),
  };
}

/** A hook of Supabase with two secrets sends a signature by each, with a comma between them. */
function ofTwoSecrets(given: Signed): Signed {
  const both = ({ headers, ...rest }: Sent) => {
    const signature = headers?.["webhook-signature"];
    return { ...rest, headers: { ...headers, "webhook-signature": `v1,${"A".repeat(43)}=, ${signature}` } };
  };
  return { ...given, sent: both(given.sent), tampered: both(given.tampered) };
}

const sha256In =
  (header: string, prefix = "", secret = SECRET) =>
  (body: string) => ({
    body,
    headers: { [header]: `${prefix}${hmac(secret, body).digest("hex")}` },
  });

/** By the preset's name; the first of each is the one that says how it signs. */
function signed(): Readonly<Record<string, readonly Signed[]>> {
  const supabase = {
    ...standardWebhooks("webhook", "v1,whsec_KEY"),
    expected: accepted([], [{ kind: "other" }], { content_type: "application/json", body: "{}" }),
  };
  return {
    gitlab: [
      {
        sent: {
          body: '{"object_kind":"push"}',
          headers: { "X-Gitlab-Token": SECRET, "Idempotency-Key": "g-1", "X-Gitlab-Event": "Push Hook" },
        },
        tampered: { body: '{"object_kind":"push"}', headers: { "X-Gitlab-Token": `${SECRET}!` } },
        expected: other({ kind: "other", key: "g-1", type: "Push Hook" }),
      },
    ],
    bitbucket: [
      {
        // Of https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/.
        secret: "It's a Secret to Everybody",
        ...pair(
          (body) => ({
            body,
            headers: {
              "X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
              "X-Event-Key": "repo:push",
              "X-Request-UUID": "r-1",
            },
          }),
          "Hello World!",
        ),
        expected: other({ kind: "other", key: "r-1", type: "repo:push" }),
      },
    ],
    square: [
      {
        secret: "asdf1234",
        ...pair(
          (body) => ({
            body,
            url: "https://example.com/webhook",
            headers: { "x-square-hmacsha256-signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=" },
          }),
          '{"hello":"world"}',
        ),
        expected: other(),
      },
    ],
    "standard-webhooks": [
      standardWebhooks("webhook", "v1,whsec_KEY"),
      standardWebhooks("webhook", "KEY"),
      standardWebhooks("svix", "whsec_KEY"),
      standardWebhooks("webhook", "a key in words_", Buffer.from("a key in words_")),
    ],
    svix: [standardWebhooks("svix", "whsec_KEY"), standardWebhooks("webhook", "whsec_KEY")],
    resend: [standardWebhooks("svix", "whsec_KEY"), svixSample()],
    clerk: [standardWebhooks("svix", "whsec_KEY"), svixSample()],
    supabase: [supabase, ofTwoSecrets(supabase)],
    discord: [discord(false), discord(true)],
    telnyx: [
      {
        secret: ED25519_PUBLIC.toString("base64"),
        ...pair(
          (body) => ({
            body,
            headers: {
              "telnyx-signature-ed25519": ed25519(`${SECONDS}|${body}`).toString("base64"),
              "telnyx-timestamp": String(SECONDS),
            },
          }),
          JSON.stringify({
            data: {
              record_type: "event",
              id: "bf6307bd-884d-4c1f-b6ea-c62b8c495d3c",
              event_type: "message.received",
              occurred_at: "2026-03-01T11:59:58.574Z",
              payload: {
                record_type: "message",
                direction: "inbound",
                id: "7ee4241c-f127-47e5-9c34-3aac291f8058",
                type: "SMS",
                from: { phone_number: "+18665550001" },
                to: [{ phone_number: "+18445550001", status: "delivered" }],
                text: "Hello, World!",
              },
            },
          }),
        ),
        expected: {
          ...accepted([
            record(
              "7ee4241c-f127-47e5-9c34-3aac291f8058",
              "+18665550001",
              "+18445550001",
              "Hello, World!",
              "2026-03-01T11:59:58Z",
            ),
          ]),
          record_types: ["SMS"],
        },
      },
    ],
    sendgrid: [
      {
        // Of the tests of SendGrid's own libraries: github.com/sendgrid/sendgrid-nodejs.
        secret:
          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
        now: "2020-09-14T19:41:52Z",
        ...pair(
          (body) => ({
            body,
            headers: {
              "X-Twilio-Email-Event-Webhook-Signature":
                "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
              "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
            },
          }),
          `${JSON.stringify([
            {
              email: "hello@world.com",
              event: "dropped",
              reason: "Bounced Address",
              sg_event_id: "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
              sg_message_id: "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
              "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
              timestamp: 1600112492,
            },
          ])}\r\n`,
        ),
        expected: other({
          kind: "status",
          key: "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
          type: "dropped",
        }),
      },
    ],
    mailgun: [mailgun()],
    adyen: [
      // Of the tests of Adyen's own libraries: github.com/Adyen/adyen-node-api-library.
      adyen("ZNBPtI+oDyyRrLyD1XirkKnQgIAlFc07Vj27TeHsDRE=", "originalReference"),
      adyen(
        hmac(
          Buffer.from(ADYEN_KEY, "hex"),
          "pspReference::merchantAccount:reference:1000:EUR:REPORT_AVAILABLE:true",
        ).digest("base64"),
      ),
    ],
    hubspot: [
      pairOf("hubspot", (body) => ({
        body,
        headers: {
          "X-HubSpot-Request-Timestamp": String(SECONDS * 1000),
          "X-HubSpot-Signature-v3": hmac(SECRET, `POST${URL_}${body}${SECONDS * 1000}`).digest("base64"),
        },
      })),
    ],
    dropbox: [
      {
        ...pair(sha256In("X-Dropbox-Signature"), '{"list_folder":{"accounts":["dbid:AAH4f99T0taONIb"]}}'),
        expected: other(),
      },
    ],
    zendesk: [
      {
        secret: "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
        ...pair(
          (body) => ({
            body,
            headers: {
              "X-Zendesk-Webhook-Signature-Timestamp": NOW,
              "X-Zendesk-Webhook-Signature": hmac(
                "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
                NOW + body,
              ).digest("base64"),
              "X-Zendesk-Webhook-Invocation-Id": "01GA",
            },
          }),
          '{"type":"zen:event-type:user.created","id":"1"}',
        ),
        expected: other({ kind: "other", key: "01GA", type: "zen:event-type:user.created" }),
      },
    ],
    linear: [
      {
        ...pair(
          (body) => ({
            body,
            headers: {
              ...sha256In("Linear-Signature")(body).headers,
              "Linear-Delivery": "l-1",
              "Linear-Event": "Issue",
            },
          }),
          `{"action":"create","type":"Issue","data":{"id":"i1"},"webhookTimestamp":${SECONDS * 1000}}`,
        ),
        expected: other({ kind: "other", key: "l-1", type: "Issue" }),
      },
    ],
    intercom: [
      {
        ...pair(
          (body) => ({
            body,
            headers: { "X-Hub-Signature": `sha1=${hmac(SECRET, body, "sha1").digest("hex")}` },
          }),
          `{"type":"notification_event","id":"notif_1","topic":"conversation.user.created","created_at":${SECONDS}}`,
        ),
        expected: other({ kind: "other", key: "notif_1", type: "conversation.user.created" }),
      },
    ],
    chatwoot: [chatwoot("incoming"), chatwoot("outgoing"), chatwoot("", "conversation_created")],
    "event-grid": [eventGrid()],
    "microsoft-graph": [
      {
        sent: { body: graph(SECRET, SECRET) },
        tampered: { body: graph(SECRET, "another") },
        expected: {
          ...other(
            { kind: "other", key: "n0", type: "created" },
            { kind: "other", key: "n1", type: "created" },
          ),
          status: 202,
        },
      },
    ],
    mandrill: [mandrill()],
    infobip: [infobip()],
  };
}

function pairOf(_: "hubspot", make: (body: string) => Sent): Signed {
  const item = (eventId: number) => ({
    eventId,
    subscriptionType: "contact.creation",
    occurredAt: SECONDS * 1000,
    attemptNumber: 0,
    objectId: eventId,
  });
  return {
    ...pair(make, JSON.stringify([item(1), item(2)])),
    expected: other(
      { kind: "other", key: "1", type: "contact.creation" },
      { kind: "other", key: "2", type: "contact.creation" },
    ),
  };
}

function mailgun(): Signed {
  const token = "e0b5477167110d68991efc6b9f89f0a11066af27834600e123";
  const signature = hmac(SECRET, SECONDS + token).digest("hex");
  const body = (written: string) =>
    JSON.stringify({
      signature: { token: written, timestamp: String(SECONDS), signature },
      "event-data": { id: "CPgfbmQMTCKtHW6uIWtuVe", event: "delivered", timestamp: SECONDS - 1.5 },
    });
  return {
    sent: { body: body(token) },
    tampered: { body: body(token.replace("e", "f")) },
    expected: other({ kind: "other", key: "CPgfbmQMTCKtHW6uIWtuVe", type: "delivered" }),
  };
}

const ADYEN_KEY = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";

function adyen(hmacSignature: string, originalReference?: string): Signed {
  const body = (value: number) =>
    JSON.stringify({
      live: "false",
      notificationItems: [
        {
          NotificationRequestItem: {
            pspReference: "pspReference",
            originalReference,
            merchantAccountCode: "merchantAccount",
            merchantReference: "reference",
            amount: { currency: "EUR", value },
            eventCode: "REPORT_AVAILABLE",
            eventDate: "2019-09-21T11:45:24.637Z",
            success: "true",
            additionalData: { hmacSignature },
          },
        },
      ],
    });
  return {
    secret: ADYEN_KEY,
    sent: { body: body(1000) },
    tampered: { body: body(1001) },
    expected: accepted([], [{ kind: "other", type: "REPORT_AVAILABLE" }], {
      content_type: "text/plain",
      body: "[accepted]",
    }),
  };
}

/** What a bot writes is no message. */
function discord(isBot: boolean): Signed {
  return {
    secret: ED25519_PUBLIC.toString("hex"),
    ...pair(
      (body) => ({
        body,
        headers: {
          "X-Signature-Ed25519": ed25519(SECONDS + body).toString("hex"),
          "X-Signature-Timestamp": String(SECONDS),
        },
      }),
      JSON.stringify({
        version: 1,
        application_id: "1234567765431056709",
        type: 1,
        event: {
          type: "LOBBY_MESSAGE_CREATE",
          timestamp: "2026-03-01T11:59:59.109604",
          data: {
            id: "1397729799727878254",
            type: 0,
            content: "welcome to the party!",
            lobby_id: "1397729744753266719",
            channel_id: "1397729744753266719",
            author: { id: "80351110224678912", bot: isBot },
            timestamp: "2026-03-01T11:59:59.100000+00:00",
          },
        },
      }),
    ),
    expected: isBot
      ? { ...other({ kind: "echo", ref: "1397729799727878254" }), status: 204 }
      : {
          ...accepted([
            record(
              "1397729799727878254",
              "discord:80351110224678912",
              "discord:1397729744753266719",
              "welcome to the party!",
              "2026-03-01T11:59:59Z",
            ),
          ]),
          status: 204,
        },
  };
}

function chatwoot(message_type: string, event = "message_created"): Signed {
  return {
    ...pair(
      (body) => ({
        body,
        headers: {
          "X-Chatwoot-Timestamp": String(SECONDS),
          "X-Chatwoot-Signature": `sha256=${hmac(SECRET, `${SECONDS}.${body}`).digest("hex")}`,
          "X-Chatwoot-Delivery": "d-1",
        },
      }),
      JSON.stringify({
        event,
        id: 77,
        content: "hi",
        content_type: "text",
        message_type,
        private: false,
        created_at: NOW,
        inbox: { id: 3 },
        sender: { id: 5, phone_number: "+919800000001" },
      }),
    ),
    expected:
      message_type === "incoming"
        ? accepted([record("77", "+919800000001", "chatwoot:3", "hi")])
        : other(
            event === "message_created"
              ? { kind: "echo", ref: "77", type: event }
              : { kind: "other", type: event },
          ),
  };
}

function eventGrid(): Signed {
  const whatsapp = (id: string, more: object) => ({
    id,
    eventType: "Microsoft.Communication.AdvancedMessageReceived",
    eventTime: NOW,
    data: {
      ...{ channelType: "whatsapp", from: "15551234567", to: "channel-1", messageId: id.replace("e", "w") },
      ...{ receivedTimestamp: NOW, ...more },
    },
  });
  const body = JSON.stringify([
    {
      id: "e1",
      topic: "/subscriptions/1",
      subject: "/phonenumber/15555555555",
      data: {
        MessageId: "Incoming_20200918002745d29ebbea",
        From: "15551234567",
        To: "15555555555",
        Message: "Great to connect with ACS events",
        ReceivedTimestamp: "2026-03-01T11:59:50.0000000Z",
      },
      eventType: "Microsoft.Communication.SMSReceived",
      eventTime: "2026-03-01T11:59:51Z",
    },
    { id: "e2", eventType: "Microsoft.Storage.BlobCreated", eventTime: NOW, data: {} },
    whatsapp("e3", { messageType: "button", button: { text: "Yes, please" } }),
    whatsapp("e4", { messageType: "reaction", reaction: { messageId: "w3", emoji: "👍" } }),
  ]);
  return {
    sent: { body, url: `${URL_}?token=${encodeURIComponent(SECRET)}` },
    tampered: { body, url: `${URL_}?token=another` },
    expected: accepted(
      [
        record(
          "Incoming_20200918002745d29ebbea",
          "+15551234567",
          "+15555555555",
          "Great to connect with ACS events",
          "2026-03-01T11:59:50Z",
        ),
        record("w3", "+15551234567", "whatsapp:channel-1", "Yes, please"),
      ],
      [
        { kind: "other", key: "e2", type: "Microsoft.Storage.BlobCreated" },
        { kind: "reaction", key: "e4", ref: "w3" },
      ],
    ),
  };
}

function graph(...states: readonly string[]): string {
  const value = states.map((clientState, index) => ({
    id: `n${index}`,
    subscriptionId: "76222963-cc7b-42d2-882d-8aaa69cb2ba3",
    changeType: "created",
    clientState,
  }));
  return JSON.stringify({ value });
}

function mandrill(): Signed {
  const events = JSON.stringify([
    {
      event: "inbound",
      ts: SECONDS,
      msg: {
        from_email: "ann@example.org",
        email: "help@in.example.org",
        text: "Is it open?",
        headers: { "Message-Id": "<m1@example.org>" },
      },
    },
    { event: "open", ts: SECONDS, _id: "a1" },
  ]);
  const form = (text: string) => `mandrill_events=${encodeURIComponent(text)}`;
  return {
    sent: {
      body: form(events),
      headers: {
        ...FORM_TYPE,
        "X-Mandrill-Signature": hmac(SECRET, `${URL_}mandrill_events${events}`, "sha1").digest("base64"),
      },
    },
    tampered: {
      body: form(events.replace("open", "shut")),
      headers: {
        ...FORM_TYPE,
        "X-Mandrill-Signature": hmac(SECRET, `${URL_}mandrill_events${events}`, "sha1").digest("base64"),
      },
    },
    expected: accepted(
      [record("<m1@example.org>", "email:ann@example.org", "email:help@in.example.org", "Is it open?")],
      [{ kind: "other", type: "open" }],
    ),
  };
}

function infobip(): Signed {
  const body = JSON.stringify({
    results: [
      {
        messageId: "817790313235066447",
        from: "385916242493",
        to: "385921004026",
        text: "QUIZ Correct answer is Paris",
        cleanText: "Correct answer is Paris",
        keyword: "QUIZ",
        receivedAt: "2026-03-01T11:59:40.000+0000",
        smsCount: 1,
      },
      {
        from: "441134960001",
        to: "441134960000",
        integrationType: "WHATSAPP",
        receivedAt: "2026-03-01T11:59:41.000+0000",
        messageId: "ABGGFlA5FpafAgo6tHcNmNjXmuSf",
        message: { type: "TEXT", text: "Support" },
        contact: { name: "Ann" },
      },
      {
        messageId: "m2",
        to: "41793026727",
        from: "447860099299",
        sentAt: "2026-03-01T11:58:00.000+0000",
        doneAt: "2026-03-01T11:58:02.000+0000",
        status: { groupId: 3, groupName: "DELIVERED", id: 5, name: "DELIVERED_TO_HANDSET" },
      },
      {
        messageId: "m3",
        from: "447860099299",
        to: "41793026727",
        sentAt: "2026-03-01T11:58:00.000+0000",
        seenAt: "2026-03-01T11:59:00.000+0000",
      },
    ],
    messageCount: 4,
    pendingMessageCount: 0,
  });
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  return {
    secret: "ann:lighthouse",
    sent: { body, headers: basic("ann:lighthouse") },
    tampered: { body, headers: basic("ann:lighthouses") },
    expected: {
      ...accepted(
        [
          record(
            "817790313235066447",
            "+385916242493",
            "+385921004026",
            "QUIZ Correct answer is Paris",
            "2026-03-01T11:59:40Z",
          ),
          record(
            "ABGGFlA5FpafAgo6tHcNmNjXmuSf",
            "+441134960001",
            "+441134960000",
            "Support",
            "2026-03-01T11:59:41Z",
          ),
        ],
        [
          { kind: "status", ref: "m2", type: "DELIVERED_TO_HANDSET" },
          { kind: "status", ref: "m3", type: "SEEN" },
        ],
      ),
      record_types: ["text", "TEXT"],
    },
  };
}

/** How addresses are tried; each is answered, and nothing is stored. */
function handshakes(): readonly (Draft & { readonly preset: string })[] {
  const ping = (body: string) => ({
    headers: {
      ...JSON_TYPE,
      "X-Signature-Ed25519": ed25519(SECONDS + body).toString("hex"),
      "X-Signature-Timestamp": String(SECONDS),
    },
    body,
    secret: ED25519_PUBLIC.toString("hex"),
  });
  const answered = (content_type: string, body: string): Expected => ({
    ...challenged(body),
    response: { content_type, body },
  });
  const asked = { secret: SECRET, expected: challenged("a b") };
  return [
    {
      ...asked,
      preset: "dropbox",
      id: "try",
      title: "its challenge",
      method: "GET",
      url: `${URL_}?challenge=a%20b`,
    },
    {
      ...ping('{"application_id":"1","id":"2","token":"t","type":1,"version":1}'),
      ...{ preset: "discord", id: "try-interactions", title: "a ping of interactions" },
      expected: answered("application/json", '{"type":1}'),
    },
    {
      ...asked,
      ...{ preset: "event-grid", id: "try", title: "a validation event" },
      url: `${URL_}?token=${encodeURIComponent(SECRET)}`,
      headers: { ...JSON_TYPE, "aeg-event-type": "SubscriptionValidation" },
      body: '[{"id":"2d","topic":"t","data":{"validationCode":"512d38b6"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent"}]',
      expected: answered("application/json", '{"validationResponse":"512d38b6"}'),
    },
    {
      ...asked,
      ...{ preset: "microsoft-graph", id: "try", title: "a validation token" },
      url: `${URL_}?validationToken=a%20b`,
    },
    {
      ...asked,
      ...{ preset: "mandrill", id: "try", title: "no events, signed by another key" },
      headers: { ...FORM_TYPE, "X-Mandrill-Signature": "x" },
      body: "mandrill_events=%5B%5D",
      expected: { verdict: "challenge", status: 200, records: [], events: [] },
    },
  ];
}

export function presetCases(): ProviderCase[] {
  const draft = (
    id: string,
    title: string,
    preset: string,
    sent: Sent,
    rest: Pick<Draft, "secret" | "expected"> & { now?: string },
  ) =>
    drafted("generic", {
      ...{ id, title, config: { preset }, url: URL_, ...rest, ...sent },
      headers: { ...JSON_TYPE, ...sent.headers },
    });
  const pairs = Object.entries(signed()).flatMap(([preset, all]) =>
    all.flatMap(({ secret = SECRET, now, sent, tampered, expected }, index) => {
      const id = `preset-${preset}${index === 0 ? "" : `-${index + 1}`}`;
      const when = now === undefined ? {} : { now };
      return [
        draft(id, `${preset} as it signs`, preset, sent, { secret, expected, ...when }),
        draft(`${id}-tampered`, `${preset}, changed on the way`, preset, tampered, {
          ...{ secret, expected: rejected(), ...when },
        }),
      ];
    }),
  );
  const tries = handshakes().map(({ preset, ...rest }) =>
    drafted("generic", { url: URL_, ...rest, id: `preset-${preset}-${rest.id}`, config: { preset } }),
  );
  return [...pairs, ...tries];
}
