/** HubSpot: how it signs (its third version), and what names an event. */
import type { Preset } from "../preset.ts";

export const hubspot = {
  title: "HubSpot",
  page: "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation",
  steps: [
    "In the app's webhooks enter the address as target URL; it must be public_url: it is signed.",
    "The app's client secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{method}{url}{body}{timestamp}",
      header: "X-HubSpot-Signature-v3",
      encoding: "base64",
      timestamp_header: "X-HubSpot-Request-Timestamp",
      timestamp_format: "ms",
      tolerance_seconds: 300,
    },
    map: [
      {
        each: "$",
        event: "other",
        event_id: "eventId",
        ts: "occurredAt",
        ts_format: "ms",
        type: "subscriptionType",
      },
    ],
  },
} as const satisfies Preset;
