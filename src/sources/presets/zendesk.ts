/** Zendesk: how it signs, and what names an event. */
import type { Preset } from "../preset.ts";

export const zendesk = {
  title: "Zendesk",
  page: "https://developer.zendesk.com/documentation/webhooks/verifying/",
  steps: [
    "In the Admin Center, Apps and integrations, Webhooks: make one for the address.",
    "Its signing secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{timestamp}{body}",
      header: "X-Zendesk-Webhook-Signature",
      encoding: "base64",
      timestamp_header: "X-Zendesk-Webhook-Signature-Timestamp",
      timestamp_format: "rfc3339",
      tolerance_seconds: 300,
    },
    map: [{ ts: "time" }],
    delivery_id: "header X-Zendesk-Webhook-Invocation-Id",
    event_type: "json type",
    keep_headers: ["X-Zendesk-Account-Id", "X-Zendesk-Webhook-Id", "X-Zendesk-Webhook-Invocation-Id"],
  },
} as const satisfies Preset;
