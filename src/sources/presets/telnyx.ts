/** Telnyx: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

const RECEIVED = {
  message_id: "data.payload.id",
  from: "data.payload.from.phone_number",
  type: "data.payload.type",
  event_id: "data.id",
} as const;

export const telnyx = {
  title: "Telnyx",
  page: "https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks",
  steps: [
    "In Mission Control give the messaging profile the address as its webhook URL.",
    "The public key, under Account Settings, Keys & Credentials, is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "ed25519",
      signed: "{timestamp}|{body}",
      header: "telnyx-signature-ed25519",
      encoding: "base64",
      timestamp_header: "telnyx-timestamp",
      tolerance_seconds: 300,
    },
    // With a retry `meta.attempt` goes up.
    key_decides: true,
    map: [
      {
        ...RECEIVED,
        when: { "data.event_type": "message.received", "data.payload.type": "RCS" },
        to: "data.payload.to[0].agent_id",
        ts: ["data.payload.received_at", "data.occurred_at"],
        text: ["data.payload.body.text", "data.payload.body.suggestion_response.text"],
        channel: "=rcs",
      },
      {
        ...RECEIVED,
        when: { "data.event_type": "message.received" },
        to: "data.payload.to[0].phone_number",
        ts: ["data.payload.received_at", "data.occurred_at"],
        text: "data.payload.text",
        channel: "=sms",
      },
      {
        event: "status",
        when: { "data.event_type": ["message.sent", "message.finalized", "message.read"] },
        message_id: "data.payload.id",
        ts: "data.occurred_at",
        type: "data.event_type",
        event_id: "data.id",
      },
      { event: "other", ts: "data.occurred_at", type: "data.event_type", event_id: "data.id" },
    ],
  },
} as const satisfies Preset;
