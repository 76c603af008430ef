/** WooCommerce: how it signs, and the ping that it sends unsigned when a webhook is saved. */
import type { Preset } from "../preset.ts";

export const woocommerce = {
  title: "WooCommerce",
  page: "https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks",
  steps: [
    "In the advanced settings, Webhooks: add one with the address as delivery URL, and this source's secret. The ping when it is saved isn't stored.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      encoding: "base64",
      header: "X-WC-Webhook-Signature",
      signed: "{body}",
    },
    delivery_id: "header X-WC-Webhook-Delivery-ID",
    event_type: "header X-WC-Webhook-Topic",
    keep_headers: ["X-WC-Webhook-*"],
    handshakes: [
      { match: { method: "POST", form: { webhook_id: "*" } }, signed: false, answer: { text: "" } },
    ],
  },
} as const satisfies Preset;
