/** MessageBird: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

export const messagebird = {
  title: "MessageBird",
  page: "https://developers.messagebird.com/api/",
  steps: [
    "Enter the address for the webhooks of numbers or channels; it must be public_url: it is signed.",
    "The signing key is this source's secret.",
  ],
  options: {
    scheme: {
      header: "MessageBird-Signature-JWT",
      algorithm: "jwt-hs256/384/512",
      issuer: "MessageBird",
      url_hash: true,
      payload_hash: true,
      clock_tolerance_seconds: 5,
    },
    event_type: ["json type", "json status"],
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
} as const satisfies Preset;
