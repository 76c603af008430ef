/**
 * Kinds of requests by which receivers of webhooks are known to fail, in the configuration that an
 * operator would write: retries under other keys, checks before an address is saved, signatures in
 * unusual places and spellings. Everything is made up; signatures come from node:crypto.
 */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { FORM_TYPE, JSON_TYPE } from "./drafts.ts";
import { FIELD_NOW, type FieldCase } from "./field-case.ts";

type Request = FieldCase["requests"][number];
type Sent = Partial<Request> & Pick<Request, "headers">;

const SECONDS = String(Date.parse(FIELD_NOW) / 1000);
const SENT_AT = "2026-11-28T15:06:10Z";
const SECRET = "a secret of the print shop";
const PUBLIC_URL = "https://in.print.example/webhook/own";
const KEY = Buffer.from("print shop, 24 byte key.");
const WHSEC = `whsec_${KEY.toString("base64")}`;

type Algorithm = "sha1" | "sha256" | "sha384" | "sha512";
const mac = (text: string, algorithm: Algorithm = "sha256", key: string | Buffer = SECRET) =>
  createHmac(algorithm, key).update(text);

const other = { status: 200, messages: [], events: ["other"] } as const;

/** Of a source of the kind generic. */
function made(
  name: string,
  what: string,
  source: object,
  requests: readonly Sent[],
  expect: FieldCase["expect"],
): FieldCase {
  const own = { kind: "generic", secret: SECRET, ...source };
  return {
    ...{ name, what, expect, config: { sources: { own } } },
    requests: requests.map((sent) => ({ method: "POST", path: "/webhook/own", body: "", ...sent })),
  };
}

const json = (body: unknown, headers: (text: string) => Readonly<Record<string, string>>): Sent => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { body: text, headers: { ...JSON_TYPE, ...headers(text) } };
};

const hexScheme = { header: "X-Print", algorithm: "hmac-sha256", encoding: "hex", signed: "{body}" };

function shopifyCases(): readonly FieldCase[] {
  const sent = (topic: string, delivery: string, body: unknown) =>
    json(body, (text) => ({
      "X-Shopify-Topic": topic,
      "X-Shopify-Hmac-Sha256": mac(text).digest("base64"),
      "X-Shopify-Webhook-Id": delivery,
      "X-Shopify-Event-Id": "ev-7701",
    }));
  const poster = { id: 771, title: "poster" };
  return [
    made(
      "shopify-copies",
      "a retry and a copy by a second subscription are one event, another topic of the same event is another",
      { preset: "shopify" },
      [
        sent("orders/updated", "w-1", poster),
        sent("orders/updated", "w-1", poster),
        sent("orders/updated", "w-2", poster),
        sent("orders/paid", "w-3", poster),
      ],
      { ...other, events: ["other", "other"] },
    ),
    made(
      "shopify-event-as-key",
      "two topics under one event's identifier have other content, and both are kept",
      { preset: "shopify", delivery_id_header: "X-Shopify-Event-Id" },
      [
        sent("orders/create", "w-4", { ...poster, state: "new" }),
        sent("orders/paid", "w-5", { ...poster, state: "paid" }),
        sent("orders/paid", "w-6", { ...poster, state: "paid" }),
      ],
      { ...other, events: ["other", "other"], event_keys: ["ev-7701", "ev-7701#2"] },
    ),
  ];
}

function telegramCase(): FieldCase {
  const from = { id: 7720, is_bot: false, first_name: "Ines" };
  const pressed = (id: string, message_id: number, data: string) =>
    json(
      {
        update_id: 77_210,
        callback_query: {
          ...{ id, from, data, chat_instance: "7" },
          message: { message_id, chat: { id: 7720, type: "private" }, date: 1_790_000_000, text: "?" },
        },
      },
      () => ({ "X-Telegram-Bot-Api-Secret-Token": "print_token" }),
    );
  return made(
    "telegram-number-again",
    "update_id begins anew after a week of rest, so that another update can have the same number",
    { kind: "telegram", secret: "print_token", account: "print_bot" },
    [pressed("q-1", 5, "colour"), pressed("q-2", 901, "grey"), pressed("q-2", 901, "grey")],
    { status: 200, messages: [], events_count: 2, event_keys: ["77210", "77210#2"] },
  );
}

function standardWebhooksCases(): readonly FieldCase[] {
  const body = '{"type":"proof.approved","timestamp":"2026-11-28T15:06:10Z","data":{"sheet":7}}';
  const by = (prefix: string, signature: (text: string) => string, id = "msg_78") =>
    json(body, (text) => ({
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: SECONDS,
      [`${prefix}-signature`]: signature(`${id}.${SECONDS}.${text}`),
    }));
  const v1 =
    (key: string | Buffer = KEY) =>
    (text: string) =>
      `v1,${mac(text, "sha256", key).digest("base64")}`;
  const keys = generateKeyPairSync("ed25519");
  const v1a = (text: string) => `v1a,${sign(null, Buffer.from(text), keys.privateKey).toString("base64")}`;
  const raw = Buffer.from(keys.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const preset = "standard-webhooks";
  return [
    made(
      "svix-headers",
      "svix's names of the headers with the preset",
      { preset, secret: WHSEC },
      [by("svix", v1())],
      other,
    ),
    made(
      "secret-with-its-version",
      "a secret that is shown as v1,whsec_…",
      { preset, secret: `v1,${WHSEC}` },
      [by("webhook", v1())],
      { ...other, event_key: "msg_78" },
    ),
    made(
      "secret-as-text",
      "a sender whose key is the secret as it is written",
      {
        secret: "print_whs_no-base64!",
        delivery_id_header: "webhook-id",
        scheme: {
          ...{ header: "webhook-signature", algorithm: "hmac-sha256", encoding: "base64", separator: " " },
          ...{ version_separator: ",", version: "v1", id_header: "webhook-id" },
          ...{ timestamp_header: "webhook-timestamp", signed: "{id}.{timestamp}.{body}" },
        },
      },
      [by("webhook", v1("print_whs_no-base64!"))],
      { ...other, event_key: "msg_78" },
    ),
    made(
      "public-key-of-v1a",
      "a signature by the sender's key alone holds by its public key",
      { preset, secret: `whpk_${raw.toString("base64")}` },
      [by("webhook", v1a)],
      { ...other, event_key: "msg_78" },
    ),
    made(
      "shared-secret-for-v1a",
      "a signature by the sender's key alone can't be verified by a shared secret",
      { preset, secret: WHSEC },
      [by("webhook", v1a)],
      { status: 401, messages: [], events: [] },
    ),
  ];
}

function schemeCases(): readonly FieldCase[] {
  const body = '{"job":"flyers","count":500}';
  const of = (name: string, what: string, scheme: object, sent: Sent, more: object = {}) =>
    made(name, what, { scheme, ...more }, [sent], other);
  const ed25519 = generateKeyPairSync("ed25519");
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const raw = Buffer.from(ed25519.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const stamped = { timestamp_header: "X-Print-Time", signed: "{timestamp}{body}" };
  const stamp = { "X-Print-Time": SECONDS };
  const mailgun = { timestamp: SECONDS, token: "tk-79", signature: mac(`${SECONDS}tk-79`).digest("hex") };
  return [
    of(
      "capitals",
      "hexadecimal digits in capitals",
      hexScheme,
      json(body, (text) => ({ "X-Print": mac(text).digest("hex").toUpperCase() })),
    ),
    of(
      "hmac-sha384",
      "HMAC with SHA-384",
      { ...hexScheme, algorithm: "hmac-sha384" },
      json(body, (text) => ({ "X-Print": mac(text, "sha384").digest("hex") })),
    ),
    of(
      "method-url-body-time",
      "method, URL, body and a time in milliseconds are signed",
      {
        ...{ header: "X-Print", algorithm: "hmac-sha256", encoding: "base64", timestamp_format: "ms" },
        ...{ timestamp_header: "X-Print-Time", signed: "POST{url}{body}{timestamp}" },
      },
      json(body, (text) => ({
        "X-Print": mac(`POST${PUBLIC_URL}${text}${SECONDS}250`).digest("base64"),
        "X-Print-Time": `${SECONDS}250`,
      })),
      { public_url: PUBLIC_URL },
    ),
    made(
      "url-body",
      "URL and body are signed, and the map tells key and time",
      {
        public_url: PUBLIC_URL,
        map: { event_id: "event_id", ts: "created_at" },
        scheme: { ...hexScheme, encoding: "base64", signed: "{url}{body}" },
      },
      [
        json({ event_id: "ev-79", type: "job.done", created_at: SENT_AT }, (text) => ({
          "X-Print": mac(PUBLIC_URL + text).digest("base64"),
        })),
      ],
      { ...other, event_key: "ev-79", event_ts: SENT_AT },
    ),
    of(
      "ed25519",
      "Ed25519 by a key in hexadecimal",
      { header: "X-Print", algorithm: "ed25519", encoding: "hex", ...stamped },
      json(body, (text) => ({
        "X-Print": sign(null, Buffer.from(SECONDS + text), ed25519.privateKey).toString("hex"),
        ...stamp,
      })),
      { secret: raw.toString("hex") },
    ),
    of(
      "ecdsa",
      "ECDSA on P-256 by a key in base64",
      { header: "X-Print", algorithm: "ecdsa-p256-sha256", encoding: "base64", ...stamped },
      json(body, (text) => ({
        "X-Print": sign("sha256", Buffer.from(SECONDS + text), ec.privateKey).toString("base64"),
        ...stamp,
      })),
      { secret: ec.publicKey.export({ format: "der", type: "spki" }).toString("base64") },
    ),
    of(
      "signature-in-the-body",
      "signature, token and time stand in a body that isn't signed",
      {
        ...{ json: "signature.signature", algorithm: "hmac-sha256", encoding: "hex", covers_body: false },
        ...{ timestamp: "json signature.timestamp", signed: "{timestamp}{json.signature.token}" },
      },
      json({ signature: mailgun, "event-data": { event: "delivered" } }, () => ({})),
    ),
    of(
      "token-in-the-query",
      "the secret is a parameter of the address",
      { query: "token", algorithm: "token", covers_body: false },
      { ...json(body, () => ({})), path: `/webhook/own?token=${encodeURIComponent(SECRET)}` },
    ),
    of(
      "basic",
      "a user and a password",
      { algorithm: "basic" },
      json(body, () => ({ Authorization: `Basic ${Buffer.from("press:in:k").toString("base64")}` })),
      { secret: "press:in:k" },
    ),
    made(
      "published-keys",
      "a bearer's token by a published key can be said",
      {
        secret: "https://in.print.example",
        scheme: { algorithm: "jwt-rs256", issuer: "https://id.example" },
      },
      [],
      { check_config: "accepted" },
    ),
  ];
}

function addressCases(): readonly FieldCase[] {
  const body = '{"action":{"type":"moved"},"model":{"id":"bd-80"}}';
  const github = (text: string) => ({
    "X-Hub-Signature-256": `sha256=${mac(text).digest("hex")}`,
    "X-GitHub-Delivery": "gd-80",
  });
  const form = new URLSearchParams({
    payload: JSON.stringify({ zen: "Ink & paper", note: "déjà vu 🖨 50%" }),
  }).toString();
  const thin = {
    ...{ id: "evt_80", object: "v2.core.event", type: "v2.core.press[paper].updated", created: SENT_AT },
    related_object: { id: "acct_80" },
  };
  const stripe = json(thin, (text) => {
    const signature = mac(`${SECONDS}.${text}`).digest("hex");
    return { "Stripe-Signature": `t=${SECONDS},v1=${"ab".repeat(32)},v1=${signature},v0=${"00".repeat(32)}` };
  });
  return [
    made(
      "head-before",
      "HEAD is answered before the address is saved",
      {
        public_url: PUBLIC_URL,
        scheme: { header: "X-Board", algorithm: "hmac-sha1", encoding: "base64", signed: "{body}{url}" },
      },
      [
        { method: "HEAD", headers: {} },
        json(body, (text) => ({ "X-Board": mac(text + PUBLIC_URL, "sha1").digest("base64") })),
      ],
      { status_list: [200, 200], events: ["other"] },
    ),
    made(
      "slash",
      "an address with a slash at its end",
      { preset: "github" },
      [{ ...json(body, github), path: "/webhook/own/" }],
      { ...other, event_key: "gd-80" },
    ),
    made(
      "form-with-json",
      "JSON in a form, with characters of all kinds",
      { preset: "github" },
      [{ body: form, headers: { ...FORM_TYPE, ...github(form) } }],
      { ...other, event_key: "gd-80" },
    ),
    made(
      "thin-event",
      "a thin event whose time is RFC 3339, with two signatures, twice",
      { preset: "stripe" },
      [stripe, stripe],
      { ...other, event_key: "evt_80", event_ts: SENT_AT },
    ),
  ];
}

function mapCases(): readonly FieldCase[] {
  const gateway = (id: string, fromMe: boolean, body: string) =>
    json(
      {
        event: "message.any",
        payload: {
          ...{ id, fromMe, body, timestamp: Date.parse(SENT_AT) / 1000 },
          ...{ from: "810@lid", to: "4915155508101@c.us", hasMedia: false },
        },
      },
      (text) => ({ "X-Print": mac(text, "sha512").digest("hex") }),
    );
  const sent = [gateway("in-81", false, "in colour?"), gateway("own-81", true, "of course")];
  const scheme = { ...hexScheme, algorithm: "hmac-sha512" };
  const map = {
    ...{ message_id: "payload.id", from: "payload.from", to: "payload.to", ts: "payload.timestamp" },
    ...{ text: "payload.body", channel: "=whatsapp" },
  };
  const message = {
    ...{ id: "in-81", from: "whatsapp:810@lid", ts: SENT_AT, text: "in colour?", type: "text" },
  };
  const one = (fields: object) => ({ status: 200, messages: [{ id: "m-82", ts: SENT_AT, ...fields }] });
  const mail = {
    ...{ RecordType: "Inbound", MessageID: "m-82", From: "ada@print.example", To: '"In" <in@print.example>' },
    ...{ Date: "Sat, 28 Nov 2026 16:06:10 +0100", TextBody: "The proof is fine." },
  };
  const basic = `Basic ${Buffer.from("press:ink").toString("base64")}`;
  return [
    made(
      "own-by-a-boolean",
      "a condition on a boolean tells what others sent",
      { scheme, map: { when: { event: "message.any", "payload.fromMe": "false" }, ...map } },
      sent,
      { status: 200, messages: [message], events: ["other"] },
    ),
    made(
      "own-without-a-condition",
      "what is said to be one's own is no message, also without a condition",
      { scheme, map: { when: { event: "message.any" }, ...map } },
      sent,
      { status: 200, messages: [message], events: ["other"] },
    ),
    made(
      "mail-with-basic",
      "mail by Basic authentication, its time as mail writes it",
      {
        secret: basic,
        scheme: { header: "Authorization", algorithm: "token" },
        map: {
          ...{ when: { RecordType: "Inbound" }, message_id: "MessageID", from: "From", to: "To" },
          ...{ ts: "Date", text: "TextBody", channel: "=email" },
        },
      },
      [json(mail, () => ({ Authorization: basic }))],
      one({ from: "email:ada@print.example", to: "email:in@print.example", text: "The proof is fine." }),
    ),
    made(
      "help-desk",
      "a help desk's message, signed with its time",
      {
        scheme: {
          ...hexScheme,
          prefix: "sha256=",
          timestamp_header: "X-Desk-Time",
          signed: "{timestamp}.{body}",
        },
        map: {
          ...{
            when: { event: "message_created", message_type: "incoming" },
            message_id: "id",
            text: "content",
          },
          ...{
            from: ["sender.phone_number", "sender.id"],
            to: "inbox.id",
            ts: "created_at",
            channel: "=desk",
          },
        },
      },
      [
        json(
          {
            ...{ event: "message_created", message_type: "incoming", id: "m-82", content: "A4, please" },
            ...{ created_at: SENT_AT, inbox: { id: 8 }, sender: { id: 2, phone_number: "+4915155508201" } },
          },
          (text) => ({
            "X-Print": `sha256=${mac(`${SECONDS}.${text}`).digest("hex")}`,
            "X-Desk-Time": SECONDS,
          }),
        ),
      ],
      one({ from: "+4915155508201", to: "desk:8", text: "A4, please" }),
    ),
    made(
      "whatsapp-by-another-scheme",
      "Meta's WhatsApp bodies of a partner that signs in its own way",
      { map: "whatsapp", scheme: { header: "X-Partner", algorithm: "token" } },
      [
        json(
          {
            object: "whatsapp_business_account",
            entry: [
              {
                id: "83",
                changes: [
                  {
                    field: "messages",
                    value: {
                      messaging_product: "whatsapp",
                      metadata: { display_phone_number: "493055508300", phone_number_id: "83" },
                      messages: [
                        {
                          ...{ id: "m-82", from: "4915155508301", type: "text", text: { body: "in red" } },
                          timestamp: String(Date.parse(SENT_AT) / 1000),
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
          () => ({ "X-Partner": SECRET }),
        ),
      ],
      one({ from: "+4915155508301", to: "+493055508300", text: "in red" }),
    ),
  ];
}

export function ownFieldCases(): readonly FieldCase[] {
  return [
    ...shopifyCases(),
    telegramCase(),
    ...standardWebhooksCases(),
    ...schemeCases(),
    ...addressCases(),
    ...mapCases(),
  ];
}
