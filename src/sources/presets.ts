/**
 * Presets of the generic kind: how well-known providers sign, which header or field identifies a
 * delivery, and where a message's fields stand, each from the provider's own documentation.
 */
import type { FieldMap } from "./field-map.ts";
import type { GenericScheme } from "./schemes/generic.ts";

export interface Preset {
  readonly scheme: GenericScheme;
  /**
   * A list of maps: the first that finds a message counts. `whatsapp` means the shapes of Meta's
   * WhatsApp webhooks.
   */
  readonly map?: readonly FieldMap[] | "whatsapp";
  readonly delivery_id_header?: string;
}

const HMAC_OF_BODY = { algorithm: "hmac-sha256", signed: "{body}" } as const;

export const PRESETS = {
  github: {
    scheme: { ...HMAC_OF_BODY, header: "X-Hub-Signature-256", encoding: "hex", prefix: "sha256=" },
    delivery_id_header: "X-GitHub-Delivery",
  },
  stripe: {
    scheme: {
      header: "Stripe-Signature",
      algorithm: "hmac-sha256",
      encoding: "hex",
      separator: ",",
      version_separator: "=",
      version: "v1",
      timestamp_part: "t",
      tolerance_seconds: 300,
      signed: "{timestamp}.{body}",
    },
    map: [{ event_id: "id", ts: "created" }],
  },
  shopify: {
    scheme: { ...HMAC_OF_BODY, header: "X-Shopify-Hmac-Sha256", encoding: "base64" },
    delivery_id_header: "X-Shopify-Webhook-Id",
  },
  "standard-webhooks": {
    scheme: {
      header: "webhook-signature",
      algorithm: "hmac-sha256",
      encoding: "base64",
      separator: " ",
      version_separator: ",",
      version: "v1",
      secret_prefix: "whsec_",
      secret_encoding: "base64",
      id_header: "webhook-id",
      timestamp_header: "webhook-timestamp",
      tolerance_seconds: 300,
      signed: "{id}.{timestamp}.{body}",
    },
    delivery_id_header: "webhook-id",
  },
  sinch: {
    scheme: {
      header: "x-sinch-webhook-signature",
      algorithm: "hmac-sha256",
      encoding: "base64",
      nonce_header: "x-sinch-webhook-signature-nonce",
      timestamp_header: "x-sinch-webhook-signature-timestamp",
      tolerance_seconds: 300,
      signed: "{body}.{nonce}.{timestamp}",
    },
    map: [
      {
        when: { type: ["mo_text", "mo_binary", "mo_media"] },
        message_id: "id",
        from: "from",
        to: "to",
        ts: ["received_at", "sent_at"],
        text: "body",
        type: "type",
        channel: "=sms",
      },
      {
        when: { "message.direction": "TO_APP" },
        message_id: "message.id",
        from: "message.channel_identity.identity",
        to: ["message.sender_id", "app_id"],
        ts: ["message.accept_time", "event_time", "accepted_time"],
        text: [
          "message.contact_message.text_message.text",
          "message.contact_message.choice_response_message.message_id",
        ],
        channel: "message.channel_identity.channel",
      },
    ],
  },
  messagebird: {
    scheme: {
      header: "MessageBird-Signature-JWT",
      algorithm: "jwt-hs256/384/512",
      issuer: "MessageBird",
      url_hash: true,
      payload_hash: true,
      clock_tolerance_seconds: 5,
    },
    map: [
      {
        when: { "message.direction": "received" },
        message_id: "message.id",
        from: "message.from",
        to: "message.to",
        ts: "message.createdDatetime",
        text: ["message.content.text", "message.content.image.caption", "message.content.video.caption"],
        type: "message.type",
        channel: "message.platform",
      },
      {
        message_id: "id",
        from: "originator",
        to: "recipient",
        ts: ["createdDatetime", "receivedDatetime"],
        text: ["body", "payload"],
        channel: "=sms",
      },
    ],
  },
  "360dialog": {
    scheme: { ...HMAC_OF_BODY, header: "X-360dialog-Signature", encoding: "hex", prefix: "sha256=" },
    map: "whatsapp",
  },
  line: {
    scheme: { ...HMAC_OF_BODY, header: "X-Line-Signature", encoding: "base64" },
    map: [
      {
        each: "events",
        when: { type: "message" },
        message_id: "message.id",
        from: ["source.userId", "source.groupId", "source.roomId"],
        to: "$.destination",
        ts: "timestamp",
        ts_format: "ms",
        text: "message.text",
        type: "message.type",
        channel: "=line",
        event_id: "webhookEventId",
      },
    ],
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
