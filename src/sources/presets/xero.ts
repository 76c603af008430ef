/** Xero: how it signs, and that it wants an answer without a body. */
import type { Preset } from "../preset.ts";

export const xero = {
  title: "Xero",
  page: "https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/",
  steps: [
    "In the developer portal give the app the address as delivery URL.",
    "Its webhooks key is this source's secret. The intent to receive is answered.",
  ],
  options: {
    scheme: { algorithm: "hmac-sha256", encoding: "base64", header: "x-xero-signature", signed: "{body}" },
    event_type: "json eventType",
    map: [{ each: "events", ts: "eventDateUtc" }],
    answer: { body: "" },
  },
} as const satisfies Preset;
