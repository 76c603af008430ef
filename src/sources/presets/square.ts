/** Square: how it signs, and what names an event. */
import type { Preset } from "../preset.ts";

export const square = {
  title: "Square",
  page: "https://developer.squareup.com/docs/webhooks/step3validate",
  steps: [
    "In the Developer Console, Webhooks: add a subscription with the address, which must be public_url: it is signed.",
    "Its signature key is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{url}{body}",
      header: "x-square-hmacsha256-signature",
      encoding: "base64",
    },
    map: [{ event_id: "event_id", ts: "created_at" }],
    event_type: "json type",
    keep_headers: ["square-environment", "square-retry-number", "square-retry-reason"],
  },
} as const satisfies Preset;
