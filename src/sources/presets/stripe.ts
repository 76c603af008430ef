/** Stripe: how it signs. */
import type { Preset } from "../preset.ts";

export const stripe = {
  title: "Stripe",
  page: "https://docs.stripe.com/webhooks/signatures",
  steps: [
    "In the dashboard, Webhooks: add an endpoint with the address, and choose the events.",
    "Its signing secret (whsec_…, prefix included) is this source's secret.",
  ],
  options: {
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
    event_type: "json type",
    // With a retry `pending_webhooks` goes down.
    key_decides: true,
  },
} as const satisfies Preset;
