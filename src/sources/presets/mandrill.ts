/** Mandrill (Mailchimp Transactional): how it signs, and where inbound mail stands. */
import type { Preset } from "../preset.ts";

export const mandrill = {
  title: "Mandrill",
  page: "https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests",
  steps: [
    "Under Settings, Webhooks: add the address, which must be public_url: it is signed.",
    "The webhook's key is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha1",
      signed: "{url}{parameters}",
      header: "X-Mandrill-Signature",
      encoding: "base64",
    },
    handshakes: [
      // Signed by a key that the webhook doesn't have: it is tried before it exists.
      {
        match: { method: "POST", form: { mandrill_events: "[]" } },
        signed: false,
        answer: { text: "" },
      },
    ],
    map: [
      {
        each: "mandrill_events",
        when: { event: "inbound" },
        message_id: "msg.headers.Message-Id",
        from: "msg.from_email",
        to: "msg.email",
        ts: "ts",
        ts_format: "unix",
        text: "msg.text",
        channel: "=email",
      },
      { each: "mandrill_events", event: "other", ts: "ts", ts_format: "unix", type: "event" },
    ],
  },
} as const satisfies Preset;
