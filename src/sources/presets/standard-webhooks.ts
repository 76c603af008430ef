/** Standard Webhooks: how it signs. */
import type { Preset } from "../preset.ts";

export const standardWebhooks = {
  title: "Standard Webhooks",
  page: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
  steps: [
    "Enter the address where the sender asks for a webhook or endpoint.",
    "Its secret, as it is shown (whsec_…, v1,whsec_…), or its public key (whpk_…) is this source's secret.",
  ],
  options: {
    scheme: {
      header: ["webhook-signature", "svix-signature"],
      algorithm: "hmac-sha256",
      encoding: "base64",
      separator: " ",
      version_separator: ",",
      version: "v1",
      secret_prefix: ["whsec_", "v1,whsec_"],
      secret_encoding: "base64-or-text",
      id: ["header webhook-id", "header svix-id"],
      timestamp: ["header webhook-timestamp", "header svix-timestamp"],
      tolerance_seconds: 300,
      signed: "{id}.{timestamp}.{body}",
      alternatives: [{ secret_prefix: "whpk_", algorithm: "ed25519", version: "v1a" }],
    },
    event_type: "json type",
    keep_headers: ["webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp"],
  },
} as const satisfies Preset;
