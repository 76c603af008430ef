/** Linear: how it signs, and what names an event. */
import type { Preset } from "../preset.ts";

export const linear = {
  title: "Linear",
  page: "https://linear.app/developers/webhooks",
  steps: [
    "Under Settings, API: add a webhook for the address.",
    "Its signing secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "Linear-Signature",
      encoding: "hex",
      timestamp: "json webhookTimestamp",
      timestamp_format: "ms",
      tolerance_seconds: 60,
    },
    map: [{ ts: "webhookTimestamp", ts_format: "ms" }],
    delivery_id: "header Linear-Delivery",
    event_type: "header Linear-Event",
    keep_headers: ["Linear-Delivery", "Linear-Event"],
  },
} as const satisfies Preset;
