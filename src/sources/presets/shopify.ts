/** Shopify: how it signs. */
import type { Preset } from "../preset.ts";

export const shopify = {
  title: "Shopify",
  page: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
  steps: [
    "Of an app: subscribe to topics with the address; the app's client secret is this source's secret.",
    "Of the shop: add webhooks in its notification settings; the secret is shown there. One source for each secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "X-Shopify-Hmac-Sha256",
      encoding: "base64",
    },
    // Of one event each subscription sends a copy; one action may be events of several topics.
    delivery_id: ["header X-Shopify-Event-Id", "header X-Shopify-Topic"],
    event_type: "header X-Shopify-Topic",
    keep_headers: ["X-Shopify-*"],
  },
} as const satisfies Preset;
