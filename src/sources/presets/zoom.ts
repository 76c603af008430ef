/** Zoom: how it signs, and how an address is validated. */
import type { Preset } from "../preset.ts";

export const zoom = {
  title: "Zoom",
  page: "https://developers.zoom.us/docs/api/webhooks/",
  steps: [
    "In the App Marketplace add an event subscription with the address as its endpoint.",
    "The app's secret token is this source's secret. Validations are answered.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      encoding: "hex",
      header: "x-zm-signature",
      prefix: "v0=",
      timestamp_header: "x-zm-request-timestamp",
      signed: "v0:{timestamp}:{body}",
    },
    event_type: "json event",
    map: [{ ts: "event_ts", ts_format: "ms" }],
    handshakes: [
      {
        match: { method: "POST", json: { event: "endpoint.url_validation" } },
        answer: {
          json: {
            plainToken: "{json.payload.plainToken}",
            encryptedToken: "{hmac-sha256(json.payload.plainToken)}",
          },
        },
      },
    ],
  },
} as const satisfies Preset;
