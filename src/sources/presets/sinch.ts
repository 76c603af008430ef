/** Sinch: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

/** Of the Conversation API; the other member says what it is. */
const ENVELOPE = [
  ...["project_id", "app_id", "accepted_time", "event_time"],
  ...["message_metadata", "correlation_id", "trigger"],
];

export const sinch = {
  title: "Sinch",
  page: "https://developers.sinch.com/docs/conversation/callbacks",
  steps: [
    "In the dashboard open the Conversation API's app and add a webhook: target type HTTP, the address as target URL, this source's secret as secret token.",
    "Choose the triggers.",
  ],
  options: {
    scheme: {
      header: "x-sinch-webhook-signature",
      algorithm: "hmac-sha256",
      encoding: "base64",
      nonce_header: "x-sinch-webhook-signature-nonce",
      timestamp_header: "x-sinch-webhook-signature-timestamp",
      tolerance_seconds: 300,
      signed: "{body}.{nonce}.{timestamp}",
    },
    event_type: "json type",
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
          "message.contact_message.media_message.caption",
          // Sinch's own libraries don't agree on its name.
          "message.contact_message.product_response_message.text",
          "message.contact_message.product_response_message.title",
          // A Flow's answers; its `body` is the same for all of them.
          "message.contact_message.channel_specific_message.message.nfm_reply.response_json",
        ],
        type: "member message.contact_message except reply_to",
        channel: "message.channel_identity.channel",
      },
      {
        event: "echo",
        type: "=message",
        when: { "message.direction": "TO_CONTACT" },
        message_id: "message.id",
        ts: ["message.accept_time", "event_time", "accepted_time"],
      },
      {
        event: "reaction",
        type: "=reaction_event",
        message_id: "event.contact_message_event.reaction_event.message_id",
        ts: ["event.accept_time", "event_time", "accepted_time"],
      },
      {
        event: "echo",
        type: "=message_submit_notification",
        message_id: "message_submit_notification.message_id",
        ts: ["event_time", "accepted_time"],
      },
      {
        event: "status",
        type: "=message_delivery_report",
        message_id: "message_delivery_report.message_id",
        ts: ["event_time", "accepted_time"],
      },
      {
        // Of a batch of the SMS API: it names no message.
        event: "status",
        type: "type",
        when: {
          type: [
            ...["delivery_report_sms", "delivery_report_mms"],
            ...["recipient_delivery_report_sms", "recipient_delivery_report_mms"],
          ],
        },
        ts: "at",
      },
      {
        event: "other",
        type: [
          ...["member event.contact_event", "member event.contact_message_event"],
          `member $ except ${ENVELOPE.join(" ")}`,
        ],
        when: { type: "" },
        ts: ["event_time", "accepted_time"],
      },
    ],
  },
} as const satisfies Preset;
