/**
 * Presets of the generic kind: how well-known providers sign, which header or field identifies a
 * delivery, and where a message's fields stand, each from the provider's own documentation. Of
 * messages: developers.sinch.com, Conversation API "Callbacks" and SMS API "Webhooks";
 * developers.messagebird.com, "Conversations" and "SMS"; developers.line.biz, "Webhook event
 * objects".
 */
import type { FieldMap } from "./field-map.ts";
import type { GenericScheme } from "./schemes/generic.ts";

export interface Preset {
  readonly scheme: GenericScheme;
  /**
   * A list of maps: the first that understands an item counts for it. `whatsapp` means the shapes
   * of Meta's WhatsApp webhooks.
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
        when: { type: ["mo_text", "mo_media"] },
        message_id: "id",
        from: "from",
        to: "to",
        ts: ["received_at", "sent_at"],
        text: ["body", "body.message"],
        type: "type",
        channel: "=sms",
      },
      {
        // Its body is bytes, not words.
        when: { type: "mo_binary" },
        message_id: "id",
        from: "from",
        to: "to",
        ts: ["received_at", "sent_at"],
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
          "message.contact_message.choice_response_message.postback_data",
          "message.contact_message.media_card_message.caption",
          "message.contact_message.product_response_message.text",
          // A Flow's answers; its `body` is the same for all of them.
          "message.contact_message.channel_specific_message.message.nfm_reply.response_json",
        ],
        type: "member message.contact_message except reply_to",
        channel: "message.channel_identity.channel",
      },
      {
        event: "echo",
        when: { "message.direction": "TO_CONTACT" },
        message_id: "message.id",
        ts: ["message.accept_time", "event_time", "accepted_time"],
      },
      {
        event: "echo",
        message_id: "message_submit_notification.message_id",
        ts: ["event_time", "accepted_time"],
      },
      {
        event: "status",
        message_id: "message_delivery_report.message_id",
        ts: ["event_time", "accepted_time"],
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
        event: "status",
        when: { type: "message.updated" },
        message_id: "message.id",
        ts: ["message.updatedDatetime", "message.createdDatetime"],
      },
      {
        event: "echo",
        when: { "message.direction": "sent" },
        message_id: "message.id",
        ts: "message.createdDatetime",
      },
      {
        when: { "message.direction": "received" },
        message_id: "message.id",
        from: "message.from",
        to: "message.to",
        ts: "message.createdDatetime",
        text: [
          "message.content.text",
          "message.content.image.caption",
          "message.content.video.caption",
          "message.content.file.caption",
          "message.content.interactive.reply.text",
        ],
        type: "message.type",
        channel: "message.platform",
      },
      {
        event: "status",
        when: { status: ["scheduled", "sent", "buffered", "delivered", "expired", "delivery_failed"] },
        message_id: "id",
        ts: "statusDatetime",
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
        // A group is the recipient of what is written in it.
        to: ["source.groupId", "source.roomId", "$.destination"],
        ts: "timestamp",
        ts_format: "ms",
        text: "message.text",
        type: "message.type",
        channel: "=line",
        event_id: "webhookEventId",
      },
      {
        each: "events",
        event: "delete",
        when: { type: "unsend" },
        message_id: "unsend.messageId",
        ts: "timestamp",
        ts_format: "ms",
        event_id: "webhookEventId",
      },
      {
        each: "events",
        event: "callback",
        when: { type: "postback" },
        ts: "timestamp",
        ts_format: "ms",
        event_id: "webhookEventId",
      },
    ],
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
