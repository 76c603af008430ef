/** A day of made-up messages and events of four sources, the same at every run but for its date. */
import { createHmac } from "node:crypto";
import { randomFrom } from "../../bench/random.ts";
import { sign } from "../../src/sources/native.ts";
import type { SourceConfig } from "../../src/sources/open-source.ts";
import { CUSTOMERS, FAILED, ORDERS, TEXTS } from "./texts.ts";

/** None leaves the process that made it. */
export const SECRETS = {
  native: "made-up secret of the native source",
  whatsapp: "made-up secret of the app",
  telegram: "made-up-secret-of-the-bot",
  shop: "made-up secret of the shop",
};
export const SOURCES: Readonly<Record<string, SourceConfig>> = {
  whatsapp: { kind: "meta", secret: SECRETS.whatsapp, verify_token: "made-up verify token" },
  telegram: { kind: "telegram", secret: SECRETS.telegram, account: "berghof_bot" },
  shop: { kind: "generic", preset: "shopify", secret: SECRETS.shop },
};

const MESSAGES = 360;
const SPAN_MS = 26 * 3_600_000;
/** From here on they are of the last hour. */
const LATE = 314;
const BUSINESS = { display_phone_number: "4930901820", phone_number_id: "106540352242922" };

export interface Sent {
  /** When it is received, in milliseconds since 1970. */
  readonly at: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Of the message, as it is stored. */
  readonly id: string;
  /** It is one to look at closely. */
  readonly isShown: boolean;
  /** Its address. */
  readonly client: string;
  /** It proves nothing. */
  readonly isRefused: boolean;
}

/** In the order in which they are received, the last one some seconds before `end`. */
export function traffic(end: number): readonly Sent[] {
  const random = randomFrom(7);
  const pick = <T>(items: readonly T[]): T => items[random() % items.length] as T;
  const sent: Sent[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    // More of late than in the night before.
    const at = Math.floor(end - SPAN_MS * (1 - index / MESSAGES) ** 1.6 - 4000 - (random() % 3000));
    const customer = pick(CUSTOMERS);
    const text = pick(TEXTS[customer.language]);
    const about = { at, isShown: false, client: "203.0.113.24", isRefused: false };
    if (index > LATE && index % 4 === 1)
      sent.push({
        ...about,
        ...{ at: at + 900, id: "", isRefused: true, client: pick(STRANGERS) },
        ...forged(whatsapp({ messages: [metaText(`forged-${index}`, customer, text, at)] })),
      });
    const share = random() % 100;
    if (share < 55) {
      const id = `wamid.HBgM${(0x9d3c0000 + index * 7919).toString(36).toUpperCase()}AA`;
      const isShown = index > MESSAGES - 14 && at < end - 120_000;
      sent.push({
        ...about,
        isShown,
        id: `whatsapp:${id}`,
        ...whatsapp({ messages: [metaText(id, customer, text, at)], ...contact(customer) }),
      });
      for (const [state, later] of [
        ["delivered", 2000],
        ["read", 9000],
      ] as const)
        if (random() % 3 > 0 || isShown)
          sent.push({
            ...about,
            at: at + later,
            id,
            ...whatsapp({ statuses: [metaStatus(id, state, customer, at + later)] }),
          });
      if (index % 41 === 3)
        sent.push({
          ...about,
          at: at + 12_000,
          id,
          ...whatsapp({
            statuses: [{ ...metaStatus(id, "failed", customer, at + 12_000), errors: [FAILED] }],
          }),
        });
    } else if (share < 78) sent.push({ ...about, ...telegram(index, customer, text, at) });
    else if (share < 92) sent.push({ ...about, ...native(index, customer, text, at) });
    else sent.push({ ...about, ...shop(index, pick(ORDERS), at) });
  }
  return sent.filter(({ at }) => at < end).toSorted((one, other) => one.at - other.at);
}

/** Of those that the documentation of addresses may show. */
const STRANGERS = ["198.51.100.77", "198.51.100.77", "192.0.2.146"] as const;

/** With a signature by another secret, or without one. */
function forged({ headers, ...request }: Request): Request {
  const { "X-Hub-Signature-256": _, ...others } = headers;
  const signature = `sha256=${createHmac("sha256", "another secret").update(request.body).digest("hex")}`;
  return {
    ...request,
    headers: request.body.length % 3 === 0 ? others : { ...others, "X-Hub-Signature-256": signature },
  };
}

type Customer = (typeof CUSTOMERS)[number];
type Request = Pick<Sent, "path" | "headers" | "body">;

const JSON_TYPE = { "Content-Type": "application/json" };
const seconds = (at: number) => Math.floor(at / 1000);

function metaText(id: string, { phone }: Customer, body: string, at: number) {
  return { id, from: phone, timestamp: String(seconds(at)), type: "text", text: { body } };
}

function metaStatus(id: string, status: string, { phone }: Customer, at: number) {
  return { id, status, timestamp: String(seconds(at)), recipient_id: phone };
}

function contact({ name, phone }: Customer) {
  return { contacts: [{ profile: { name }, wa_id: phone }] };
}

function whatsapp(value: object): Request {
  const change = {
    field: "messages",
    value: { messaging_product: "whatsapp", metadata: BUSINESS, ...value },
  };
  const body = JSON.stringify({
    object: "whatsapp_business_account",
    entry: [{ id: "102290129340398", changes: [change] }],
  });
  const signature = createHmac("sha256", SECRETS.whatsapp).update(body).digest("hex");
  return {
    path: "/webhook/whatsapp",
    headers: { ...JSON_TYPE, "X-Hub-Signature-256": `sha256=${signature}` },
    body,
  };
}

function telegram(index: number, { name, phone, language }: Customer, text: string, at: number) {
  const person = Number(phone.slice(-9));
  const from = { id: person, is_bot: false, first_name: name.split(" ")[0], language_code: language };
  const message = {
    message_id: 4100 + index,
    from,
    chat: { id: person, type: "private" },
    date: seconds(at),
    text,
  };
  return {
    id: `telegram:${person}:${4100 + index}`,
    path: "/webhook/telegram",
    headers: { ...JSON_TYPE, "X-Telegram-Bot-Api-Secret-Token": SECRETS.telegram },
    body: JSON.stringify({ update_id: 728_300_000 + index, message }),
  };
}

function native(index: number, { phone }: Customer, text: string, at: number) {
  const id = `form-${20_480 + index}`;
  const ts = new Date(at).toISOString();
  const body = JSON.stringify({ message_id: id, from: `+${phone}`, to: "+4930901820", ts, text });
  return { id, path: "/webhook", headers: { ...JSON_TYPE, "X-Signature": sign(SECRETS.native, body) }, body };
}

function shop(index: number, topic: string, at: number) {
  const body = JSON.stringify({
    ...{ id: 5_820_000_000 + index, order_number: 1800 + index, currency: "EUR" },
    ...{ created_at: new Date(at).toISOString(), total_price: `${20 + (index % 90)}.90` },
  });
  return {
    id: String(index),
    path: "/webhook/shop",
    headers: {
      ...JSON_TYPE,
      "X-Shopify-Topic": topic,
      "X-Shopify-Shop-Domain": "berghof-keramik.example.com",
      "X-Shopify-Event-Id": `98880550-7158-44d4-b7cd-${(0x2c97c8a091b0 + index).toString(16)}`,
      "X-Shopify-Hmac-Sha256": createHmac("sha256", SECRETS.shop).update(body).digest("base64"),
    },
    body,
  };
}
