/**
 * Makes the cases of this folder: `bun tests/providers/own-cases.ts` writes them. Names, numbers
 * and secrets are made up; signatures come from node:crypto, not from the code that is tested.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Expected, ProviderCase } from "./case.ts";
import {
  accepted,
  challenged,
  type Draft,
  drafted,
  FORM_TYPE,
  hmac,
  JSON_TYPE,
  jwt,
  record,
  rejected,
  SECONDS,
  sha256,
} from "./drafts.ts";
import { handshakeCases } from "./own-handshake-cases.ts";
import { messageCases } from "./own-message-cases.ts";
import { presetCases } from "./preset-cases.ts";

/** Two entries, three messages in disorder of time, a status between them. */
function metaCases(): ProviderCase[] {
  const secret = "meta app secret of the harbour office";
  const verify_token = "harbour-verify-token";
  const text = (id: string, from: string, seconds: number, body: string) => ({
    id,
    from,
    timestamp: String(seconds),
    type: "text",
    text: { body },
  });
  const change = (phone: string, value: object) => ({
    field: "messages",
    value: {
      messaging_product: "whatsapp",
      metadata: { display_phone_number: phone, phone_number_id: "77001" },
      ...value,
    },
  });
  const batch = JSON.stringify({
    object: "whatsapp_business_account",
    entry: [
      {
        id: "31",
        changes: [
          change("49 30 555 0101", {
            messages: [
              text("wamid.A2", "493012345678", SECONDS - 10, "Grüße aus dem Hafen ⚓"),
              text("wamid.A1", "493012345678", SECONDS - 60, "earlier, but sent second"),
            ],
            statuses: [
              { id: "wamid.S1", status: "delivered", timestamp: String(SECONDS - 5), recipient_id: "4930" },
            ],
          }),
        ],
      },
      {
        id: "32",
        changes: [
          change("+49305550102", { messages: [text("wamid.B1", "4915112345678", SECONDS, "third one")] }),
        ],
      },
    ],
  });
  const page = JSON.stringify({
    object: "page",
    entry: [
      {
        id: "900",
        messaging: [
          {
            sender: { id: "11" },
            recipient: { id: "900" },
            timestamp: SECONDS * 1000 + 999,
            message: { mid: "m_1", text: "is it open?" },
          },
          {
            sender: { id: "11" },
            recipient: { id: "900" },
            timestamp: SECONDS * 1000,
            read: { watermark: 1 },
          },
        ],
      },
    ],
  });
  const odd = JSON.stringify({
    object: "whatsapp_business_account",
    entry: [{ id: "31", changes: [{ field: "flows", value: { event: "FLOW_STATUS_CHANGE" } }] }],
  });
  const signed = (body: string, key = secret) => ({
    ...JSON_TYPE,
    "X-Hub-Signature-256": `sha256=${hmac(key, body).digest("hex")}`,
  });
  const query = (token: string) =>
    `https://in.example.org/webhook/meta?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=00417%2B5`;
  const cases: Draft[] = [
    {
      id: "own-meta-batch",
      title: "Two entries with three messages and a status in one POST",
      secret,
      headers: signed(batch),
      body: batch,
      expected: accepted(
        [
          record(
            "wamid.A2",
            "+493012345678",
            "+49305550101",
            "Grüße aus dem Hafen ⚓",
            "2026-03-01T11:59:50Z",
          ),
          record(
            "wamid.A1",
            "+493012345678",
            "+49305550101",
            "earlier, but sent second",
            "2026-03-01T11:59:00Z",
          ),
          record("wamid.B1", "+4915112345678", "+49305550102", "third one"),
        ],
        [{ kind: "status", ref: "wamid.S1" }],
      ),
    },
    {
      id: "own-meta-previous-secret",
      title: "Signed with the other of two secrets",
      secret: [secret, "meta app secret of last year"],
      headers: signed(odd, "meta app secret of last year"),
      body: odd,
      expected: accepted([], [{ kind: "other" }]),
    },
    {
      id: "own-meta-messenger",
      title: "Messenger: a message and a read receipt",
      secret,
      headers: signed(page),
      body: page,
      expected: accepted(
        [record("m_1", "messenger:11", "messenger:900", "is it open?")],
        [{ kind: "status" }],
      ),
    },
    {
      id: "own-meta-reordered",
      title: "The same JSON with other white space is another body",
      secret,
      headers: signed(batch),
      body: `${batch} `,
      expected: rejected(),
    },
    {
      id: "own-meta-handshake",
      title: "The challenge comes back decoded, raw, as plain text",
      secret,
      config: { verify_token },
      method: "GET",
      url: query(verify_token),
      expected: challenged("00417+5"),
    },
    {
      id: "own-meta-handshake-wrong",
      title: "Another verify token",
      secret,
      config: { verify_token },
      method: "GET",
      url: query("harbour-verify-tokem"),
      expected: rejected(403),
    },
    {
      id: "own-meta-get",
      title: "A GET that is no handshake",
      secret,
      config: { verify_token },
      method: "GET",
      expected: rejected(),
    },
  ];
  return cases.map((each) => drafted("meta", each));
}

function twilioCases(): ProviderCase[] {
  const secret = "twilio-auth-token-of-the-mill";
  const url = "https://in.example.org/webhook/twilio?shop=2";
  const twiml = { content_type: "text/xml", body: "<Response/>" };
  const form = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();
  const signed = (fields: Readonly<Record<string, string>>, key = secret, at = url) => {
    const text = Object.keys(fields)
      .sort()
      .map((name) => `${name}${fields[name]}`)
      .join("");
    return { ...FORM_TYPE, "X-Twilio-Signature": hmac(key, at + text, "sha1").digest("base64") };
  };
  const sms = {
    MessageSid: "SM01",
    From: "+14155550123",
    To: "+15005550006",
    Body: "50% & more = läuft",
    NumMedia: "0",
  };
  const whatsapp = {
    MessageSid: "SM02",
    From: "whatsapp:+14155550123",
    To: "whatsapp:+15005550006",
    Body: "",
    NumMedia: "1",
    MessageType: "image",
  };
  const short = { MessageSid: "SM03", From: "384387", To: "+15005550006", Body: "code 1" };
  const status = { MessageSid: "SM09", MessageStatus: "delivered", From: "+15005550006", To: "+14155550123" };
  const json = '{"Type":"event"}';
  const hashed = `${url}&bodySHA256=${sha256(json)}`;
  const cases: Draft[] = [
    {
      id: "own-twilio-sms",
      title: "A text message is answered with empty TwiML",
      secret,
      headers: signed(sms),
      body: form(sms),
      expected: accepted([record("SM01", "+14155550123", "+15005550006", "50% & more = läuft")], [], twiml),
    },
    {
      id: "own-twilio-whatsapp-media",
      title: "A picture without a caption has no text",
      secret,
      headers: signed(whatsapp),
      body: form(whatsapp),
      expected: accepted([record("SM02", "+14155550123", "+15005550006", null)], [], twiml),
    },
    {
      id: "own-twilio-short-code",
      title: "A short code is no phone number",
      secret,
      headers: signed(short),
      body: form(short),
      expected: accepted([record("SM03", "sms:384387", "+15005550006", "code 1")], [], twiml),
    },
    {
      id: "own-twilio-status",
      title: "A delivery status is an event",
      secret,
      headers: signed(status),
      body: form(status),
      expected: accepted([], [{ kind: "status", ref: "SM09" }], twiml),
    },
    {
      id: "own-twilio-json",
      title: "A JSON body whose hash is in the URL",
      secret,
      url: hashed,
      headers: { ...JSON_TYPE, "X-Twilio-Signature": hmac(secret, hashed, "sha1").digest("base64") },
      body: json,
      expected: accepted([], [{ kind: "other" }], twiml),
    },
    {
      id: "own-twilio-other-url",
      title: "Signed for another URL",
      secret,
      headers: signed(sms, secret, "https://in.example.org/webhook/twilio?shop=3"),
      body: form(sms),
      expected: rejected(403),
    },
    {
      id: "own-twilio-other-token",
      title: "Signed with another token",
      secret,
      headers: signed(sms, "twilio-auth-token-of-the-hill"),
      body: form(sms),
      expected: rejected(403),
    },
  ];
  return cases.map((each) => drafted("twilio", { url, ...each }));
}

function telegramCases(): ProviderCase[] {
  const secret = "telegram_token_of_the_library";
  const config = { account: "library_bot" };
  const headers = { ...JSON_TYPE, "X-Telegram-Bot-Api-Secret-Token": secret };
  const chat = { id: 4001, type: "private", first_name: "Ida" };
  const from = { id: 4001, is_bot: false, first_name: "Ida" };
  const update = (id: number, rest: object) => JSON.stringify({ update_id: id, ...rest });
  const text = update(10, { message: { message_id: 7, date: SECONDS - 1, chat, from, text: "due date?" } });
  const photo = update(11, {
    channel_post: {
      message_id: 8,
      date: SECONDS,
      chat: { id: -100200, type: "channel", title: "News" },
      sender_chat: { id: -100200 },
      caption: "new shelves",
      photo: [{ file_id: "f" }],
    },
  });
  const edit = update(12, {
    edited_message: { message_id: 7, date: SECONDS - 1, edit_date: SECONDS, chat, from, text: "due date??" },
  });
  const joined = update(13, {
    message: {
      message_id: 9,
      date: SECONDS,
      chat: { id: -5, type: "group" },
      from,
      new_chat_members: [from],
    },
  });
  const cases: Draft[] = [
    {
      id: "own-telegram-text",
      title: "A private message is to the bot",
      secret,
      headers,
      body: text,
      expected: accepted([
        record("4001:7", "telegram:4001", "telegram:library_bot", "due date?", "2026-03-01T11:59:59Z"),
      ]),
    },
    {
      id: "own-telegram-channel",
      title: "A caption is the text",
      secret,
      headers,
      body: photo,
      expected: accepted([record("-100200:8", "telegram:-100200", "telegram:-100200", "new shelves")]),
    },
    {
      id: "own-telegram-edit",
      title: "An edit is an event about its message",
      secret,
      headers,
      body: edit,
      expected: accepted([], [{ kind: "edit", ref: "4001:7" }]),
    },
    {
      id: "own-telegram-joined",
      title: "Who joined a group said nothing",
      secret,
      headers,
      body: joined,
      expected: accepted([], [{ kind: "system" }]),
    },
    {
      id: "own-telegram-other",
      title: "What is no update is kept all the same",
      secret,
      headers,
      body: "no JSON",
      expected: accepted([], [{ kind: "other" }]),
    },
    {
      id: "own-telegram-wrong",
      title: "The token with one letter more",
      secret,
      headers: { ...headers, "X-Telegram-Bot-Api-Secret-Token": `${secret}x` },
      body: text,
      expected: rejected(),
    },
    {
      id: "own-telegram-missing",
      title: "No token",
      secret,
      headers: JSON_TYPE,
      body: text,
      expected: rejected(),
    },
  ];
  return cases.map((each) => drafted("telegram", { config, ...each }));
}

function slackCases(): ProviderCase[] {
  const secret = "slack-signing-secret-of-the-bakery";
  const signed = (body: string, seconds = SECONDS) => ({
    ...JSON_TYPE,
    "X-Slack-Request-Timestamp": String(seconds),
    "X-Slack-Signature": `v0=${hmac(secret, `v0:${seconds}:${body}`).digest("hex")}`,
  });
  const envelope = (id: string, event: object) =>
    JSON.stringify({ team_id: "T7", type: "event_callback", event_id: id, event_time: SECONDS, event });
  const said = envelope("Ev1", {
    type: "message",
    channel: "C2",
    user: "U3",
    text: "two loaves",
    ts: `${SECONDS}.000200`,
  });
  const bot = envelope("Ev2", {
    type: "message",
    subtype: "bot_message",
    bot_id: "B1",
    channel: "C2",
    text: "ordered",
    ts: `${SECONDS}.000300`,
  });
  const reaction = envelope("Ev3", {
    type: "reaction_added",
    user: "U3",
    reaction: "bread",
    item: { type: "message", channel: "C2", ts: `${SECONDS}.000200` },
    event_ts: `${SECONDS}.000400`,
  });
  const hello = JSON.stringify({ type: "url_verification", challenge: "ch4llenge / 1" });
  const cases: Draft[] = [
    {
      id: "own-slack-message",
      title: "A message in a channel",
      secret,
      headers: signed(said),
      body: said,
      expected: accepted([record(`T7:C2:${SECONDS}.000200`, "slack:U3", "slack:C2", "two loaves")]),
    },
    {
      id: "own-slack-bot",
      title: "What a bot writes is an echo",
      secret,
      headers: signed(bot),
      body: bot,
      expected: accepted([], [{ kind: "echo", ref: `T7:C2:${SECONDS}.000300` }]),
    },
    {
      id: "own-slack-reaction",
      title: "A reaction is about its message",
      secret,
      headers: signed(reaction),
      body: reaction,
      expected: accepted([], [{ kind: "reaction", ref: `T7:C2:${SECONDS}.000200` }]),
    },
    {
      id: "own-slack-handshake",
      title: "The signed handshake",
      secret,
      headers: signed(hello),
      body: hello,
      expected: challenged("ch4llenge / 1"),
    },
    {
      id: "own-slack-handshake-unsigned",
      title: "A handshake that is not signed",
      secret,
      headers: JSON_TYPE,
      body: hello,
      expected: rejected(),
    },
    {
      id: "own-slack-old",
      title: "Signed five minutes and a second ago",
      secret,
      headers: signed(said, SECONDS - 301),
      body: said,
      expected: rejected(),
    },
  ];
  return cases.map((each) => drafted("slack", each));
}

function vonageCases(): ProviderCase[] {
  const secret = "vonage signature secret of the ferry";
  const bearer = (claims: object, alg?: string) => ({
    ...JSON_TYPE,
    Authorization: `Bearer ${jwt({ iat: SECONDS - 2, jti: "j-1", ...claims }, secret, alg)}`,
  });
  const inbound = JSON.stringify({
    message_uuid: "0f1e",
    channel: "whatsapp",
    from: "447700900001",
    to: "447700900002",
    message_type: "text",
    text: "next boat?",
    timestamp: "2026-03-01T12:59:58.123+01:00",
  });
  const status = JSON.stringify({
    message_uuid: "0f1d",
    status: "delivered",
    timestamp: "2026-03-01T11:59:59Z",
  });
  const sms = {
    msisdn: "447700900001",
    to: "447700900002",
    messageId: "0A00",
    text: "a=b&c",
    type: "text",
    "message-timestamp": "2026-03-01 11:59:57",
    timestamp: String(SECONDS),
  };
  const smsText = Object.entries(sms)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `&${name}=${value.replace(/[&=]/g, "_")}`)
    .join("");
  const signedSms = new URLSearchParams({
    ...sms,
    sig: hmac(secret, smsText, "sha512").digest("hex").toUpperCase(),
  });
  const smsRecord = record("0A00", "+447700900001", "+447700900002", "a=b&c", "2026-03-01T11:59:57Z");
  const params = { scheme: "vonage-sms-params", signature_method: "sha512hmac" };
  const cases: Draft[] = [
    {
      id: "own-vonage-message",
      title: "A message, its body named in the token",
      secret,
      headers: bearer({ payload_hash: sha256(inbound) }),
      body: inbound,
      expected: accepted([
        record("0f1e", "+447700900001", "+447700900002", "next boat?", "2026-03-01T11:59:58Z"),
      ]),
    },
    {
      id: "own-vonage-status",
      title: "A delivery status",
      secret,
      headers: bearer({ payload_hash: sha256(status) }),
      body: status,
      expected: accepted([], [{ kind: "status", ref: "0f1d" }]),
    },
    {
      id: "own-vonage-no-hash",
      title: "A good token that says nothing of the body",
      secret,
      headers: bearer({}),
      body: inbound,
      expected: rejected(),
    },
    {
      id: "own-vonage-other-body",
      title: "A good token for another body",
      secret,
      headers: bearer({ payload_hash: sha256(status) }),
      body: inbound,
      expected: rejected(),
    },
    {
      id: "own-vonage-none",
      title: "A token that nobody signed",
      secret,
      headers: bearer({ payload_hash: sha256(inbound) }, "none"),
      body: inbound,
      expected: rejected(),
    },
    {
      id: "own-vonage-old",
      title: "A token of six minutes ago",
      secret,
      headers: bearer({ iat: SECONDS - 360, payload_hash: sha256(inbound) }),
      body: inbound,
      expected: rejected(),
    },
    {
      id: "own-vonage-sms-post",
      title: "The older API, signed parameters in a form",
      secret,
      config: params,
      headers: FORM_TYPE,
      body: signedSms.toString(),
      expected: accepted([smsRecord]),
    },
    {
      id: "own-vonage-sms-get",
      title: "The same in the query of a GET",
      secret,
      config: params,
      method: "GET",
      url: `https://in.example.org/webhook/vonage?${signedSms}`,
      expected: accepted([smsRecord]),
    },
    {
      id: "own-vonage-sms-changed",
      title: "One parameter more",
      secret,
      config: params,
      headers: FORM_TYPE,
      body: `${signedSms}&udh=1`,
      expected: rejected(),
    },
  ];
  return cases.map((each) => drafted("vonage", each));
}

/** A pair for each preset, and configurations of one's own. */
function genericCases(): ProviderCase[] {
  const secret = "generic secret of the weather station";
  const url = "https://in.example.org/webhook/generic";
  const cases: Draft[] = [];
  const pair = (
    preset: string,
    body: string,
    headersFor: (body: string) => Readonly<Record<string, string>>,
    expected: Expected,
    config: Readonly<Record<string, unknown>> = {},
    key = secret,
  ) => {
    const shared = { secret: key, config: { preset, ...config }, body };
    cases.push(
      {
        id: `own-${preset}`,
        title: `${preset} as it signs`,
        ...shared,
        headers: { ...JSON_TYPE, ...headersFor(body) },
        expected,
      },
      {
        id: `own-${preset}-tampered`,
        title: `${preset}: a body with a byte more`,
        ...shared,
        headers: { ...JSON_TYPE, ...headersFor(body.slice(0, -1)) },
        expected: rejected(),
      },
    );
  };
  const other = accepted([], [{ kind: "other" }]);
  pair(
    "github",
    '{"zen":"Keep it logically awesome."}',
    (body) => ({
      "X-Hub-Signature-256": `sha256=${hmac(secret, body).digest("hex")}`,
      "X-GitHub-Delivery": "d-1",
      "X-GitHub-Event": "ping",
    }),
    other,
  );
  pair(
    "stripe",
    `{"id":"evt_1","created":${SECONDS},"type":"charge.succeeded"}`,
    (body) => ({
      "Stripe-Signature": `t=${SECONDS},v1=${"0".repeat(64)},v1=${hmac(secret, `${SECONDS}.${body}`).digest("hex")},v0=x`,
    }),
    other,
  );
  pair(
    "shopify",
    '{"id":820982911}',
    (body) => ({
      "X-Shopify-Hmac-Sha256": hmac(secret, body).digest("base64"),
      "X-Shopify-Event-Id": "e-1",
      "X-Shopify-Topic": "orders/paid",
    }),
    other,
  );
  const key = Buffer.from("twenty-four bytes of key");
  pair(
    "standard-webhooks",
    '{"type":"contact.created"}',
    (body) => ({
      "webhook-id": "msg_1",
      "webhook-timestamp": String(SECONDS),
      "webhook-signature": `v1a,x v1,${hmac(key, `msg_1.${SECONDS}.${body}`).digest("base64")}`,
    }),
    other,
    {},
    `whsec_${key.toString("base64")}`,
  );
  const sinch = (body: string) => ({
    "x-sinch-webhook-signature": hmac(secret, `${body}.n-1.${SECONDS}`).digest("base64"),
    "x-sinch-webhook-signature-nonce": "n-1",
    "x-sinch-webhook-signature-timestamp": String(SECONDS),
  });
  pair(
    "sinch",
    '{"id":"01X","type":"mo_text","from":"46700000001","to":"46700000002","body":"rain at noon","received_at":"2026-03-01T11:59:30.5Z"}',
    sinch,
    accepted([record("01X", "+46700000001", "+46700000002", "rain at noon", "2026-03-01T11:59:30Z")]),
  );
  const messagebird = (body: string) => ({
    "MessageBird-Signature-JWT": jwt(
      {
        iss: "MessageBird",
        nbf: SECONDS - 1,
        exp: SECONDS + 60,
        jti: "j-2",
        url_hash: sha256(url),
        payload_hash: sha256(body),
      },
      secret,
    ),
  });
  pair(
    "messagebird",
    '{"id":"mb1","originator":"31612345678","recipient":"31687654321","body":"wind from west","createdDatetime":"2026-03-01T11:59:40+00:00"}',
    messagebird,
    accepted([record("mb1", "+31612345678", "+31687654321", "wind from west", "2026-03-01T11:59:40Z")]),
  );
  pair(
    "360dialog",
    JSON.stringify({
      object: "whatsapp_business_account",
      entry: [
        {
          id: "1",
          changes: [
            {
              field: "messages",
              value: {
                messaging_product: "whatsapp",
                metadata: { display_phone_number: "4930123456", phone_number_id: "2" },
                messages: [
                  {
                    id: "wamid.D",
                    from: "4930654321",
                    timestamp: String(SECONDS),
                    type: "text",
                    text: { body: "frost tonight" },
                  },
                ],
              },
            },
          ],
        },
      ],
    }),
    (body) => ({ "X-360dialog-Signature": `sha256=${hmac(secret, body).digest("hex")}` }),
    accepted([record("wamid.D", "+4930654321", "+4930123456", "frost tonight")]),
  );
  pair(
    "line",
    JSON.stringify({
      destination: "U9",
      events: [
        {
          type: "message",
          webhookEventId: "01L",
          timestamp: SECONDS * 1000,
          source: { type: "user", userId: "U8" },
          message: { id: "555", type: "text", text: "any snow?" },
        },
        {
          type: "follow",
          webhookEventId: "02L",
          timestamp: SECONDS * 1000,
          source: { type: "user", userId: "U8" },
        },
      ],
    }),
    (body) => ({ "X-Line-Signature": hmac(secret, body).digest("base64") }),
    accepted([record("555", "line:U8", "line:U9", "any snow?")], [{ kind: "other" }]),
  );

  const scheme = {
    header: "X-Station",
    algorithm: "hmac-sha512",
    encoding: "hex",
    signed: "{url} {sha256(body)}",
  };
  const map = {
    each: "items",
    message_id: "id",
    from: "from.id",
    to: "=desk",
    text: "words",
    channel: "=station",
  };
  const items =
    '{"items":[{"id":"s1","from":{"id":"north"},"words":"12 °C"},{"id":"s2","from":{"id":"south"}},{"note":"battery low"}]}';
  const signed = hmac(secret, `${url} ${sha256(items)}`, "sha512").digest("hex");
  const mapped = accepted(
    [
      record("s1", "station:north", "station:desk", "12 °C"),
      record("s2", "station:south", "station:desk", null),
    ],
    [{ kind: "other" }],
  );
  cases.push(
    {
      id: "own-generic-map",
      title: "A scheme and a field map of one's own",
      secret,
      scheme,
      config: { map },
      headers: { ...JSON_TYPE, "X-Station": signed },
      body: items,
      expected: mapped,
    },
    {
      id: "own-generic-token",
      title: "A token is the whole proof",
      secret,
      scheme: { header: "X-Token", algorithm: "token" },
      headers: { "X-Token": secret },
      body: "\u0000 not even text \uffff",
      expected: other,
    },
    {
      id: "own-generic-token-wrong",
      title: "Another token",
      secret,
      scheme: { header: "X-Token", algorithm: "token" },
      headers: { "X-Token": "generic secret" },
      body: "x",
      expected: rejected(),
    },
    {
      id: "own-generic-echo",
      title: "A parameter that is echoed",
      secret,
      config: { preset: "github", challenge_parameter: "crc" },
      method: "GET",
      url: `${url}?crc=a%26b`,
      expected: challenged("a&b"),
    },
    {
      id: "own-generic-hub",
      title: "A handshake like Meta's",
      secret,
      config: { preset: "360dialog", verify_token: "station-verify-token" },
      method: "GET",
      url: `${url}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=station-verify-token`,
      expected: challenged("42"),
    },
    {
      id: "own-generic-hub-unknown",
      title: "A handshake that nobody configured",
      secret,
      config: { preset: "github" },
      method: "GET",
      url: `${url}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=x`,
      expected: rejected(),
    },
  );
  return cases.map((each) => drafted("generic", { url, ...each }));
}

/** By the file's name. */
export function ownCases(): Readonly<Record<string, readonly ProviderCase[]>> {
  return {
    generic: genericCases(),
    handshakes: handshakeCases(),
    messages: messageCases(),
    meta: metaCases(),
    presets: presetCases(),
    slack: slackCases(),
    telegram: telegramCases(),
    twilio: twilioCases(),
    vonage: vonageCases(),
  };
}

/** A case by which a preset's provider says something. */
export function signedCase(preset: string): ProviderCase | undefined {
  return Object.values(ownCases())
    .flat()
    .find(({ config, expected }) => config["preset"] === preset && expected.verdict === "accept");
}

if (import.meta.main) {
  for (const [name, cases] of Object.entries(ownCases()))
    writeFileSync(join(import.meta.dir, "cases", `${name}.json`), `${JSON.stringify(cases, null, 2)}\n`);
}
