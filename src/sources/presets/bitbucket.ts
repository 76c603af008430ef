/** Bitbucket: how it signs, and the headers that name an event. */
import type { Preset } from "../preset.ts";

export const bitbucket = {
  title: "Bitbucket",
  page: "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
  steps: ["In the repository's settings, Webhooks: add one with the address and this source's secret."],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{body}",
      header: "X-Hub-Signature",
      encoding: "hex",
      prefix: "sha256=",
    },
    delivery_id: "header X-Request-UUID",
    event_type: "header X-Event-Key",
    keep_headers: ["X-Event-Key", "X-Hook-UUID", "X-Request-UUID", "X-Attempt-Number"],
  },
} as const satisfies Preset;
