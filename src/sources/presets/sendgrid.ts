/** SendGrid's Event Webhook: how it signs, and what names an event. */
import type { Preset } from "../preset.ts";

const EVENT = {
  each: "$",
  event_id: "sg_event_id",
  ts: "timestamp",
  ts_format: "unix",
  type: "event",
} as const;

export const sendgrid = {
  title: "SendGrid",
  page: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
  steps: [
    "Under Settings, Mail Settings, Event Webhook: add the address, with Signature Verification.",
    "The verification key, which is a public key, is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "ecdsa-p256-sha256",
      signed: "{timestamp}{body}",
      header: "X-Twilio-Email-Event-Webhook-Signature",
      encoding: "base64",
      timestamp_header: "X-Twilio-Email-Event-Webhook-Timestamp",
      tolerance_seconds: 300,
    },
    map: [
      {
        ...EVENT,
        event: "status",
        when: { event: ["processed", "dropped", "deferred", "delivered", "bounce"] },
      },
      { ...EVENT, event: "other" },
    ],
  },
} as const satisfies Preset;
