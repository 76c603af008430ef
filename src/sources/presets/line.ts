/** LINE: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

export const line = {
  title: "LINE",
  page: "https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects",
  steps: [
    "In the LINE Developers Console give the channel the address as its webhook URL, and switch webhooks on.",
    "Its channel secret is this source's secret.",
  ],
  options: {
    scheme: { algorithm: "hmac-sha256", signed: "{body}", header: "X-Line-Signature", encoding: "base64" },
    event_type: "json type",
    // A retry says `isRedelivery`.
    key_decides: true,
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
        event: "edit",
        when: { type: "messageEdited" },
        message_id: "message.id",
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
} as const satisfies Preset;
