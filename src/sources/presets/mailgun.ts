/** Mailgun: how it signs (a token and a time, not the body), and what names an event. */
import type { Preset } from "../preset.ts";

export const mailgun = {
  title: "Mailgun",
  page: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
  steps: [
    "Under Sending, Webhooks: add the address for each event.",
    "The account's HTTP webhook signing key is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{timestamp}{json.signature.token}",
      json: "signature.signature",
      encoding: "hex",
      timestamp: "json signature.timestamp",
      // Its page warns of delays that it doesn't control.
      tolerance_seconds: 3600,
      covers_body: false,
    },
    map: [
      { event: "other", event_id: "event-data.id", ts: "event-data.timestamp", type: "event-data.event" },
    ],
  },
} as const satisfies Preset;
