/** GitHub: how it signs. */
import type { Preset } from "../preset.ts";

export const github = {
  title: "GitHub",
  page: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
  steps: [
    "In the settings of the repository or organisation, Webhooks: add one with the address as payload URL, and this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "X-Hub-Signature-256",
      encoding: "hex",
      prefix: "sha256=",
    },
    delivery_id_header: "X-GitHub-Delivery",
    event_type: "header X-GitHub-Event",
    keep_headers: ["X-GitHub-*"],
  },
} as const satisfies Preset;
