/** GitLab: its token, and the headers that name an event. */
import type { Preset } from "../preset.ts";

export const gitlab = {
  title: "GitLab",
  page: "https://docs.gitlab.com/user/project/integrations/webhooks/",
  steps: [
    "In the settings of the project or group, Webhooks: add one with the address, and this source's secret as secret token.",
    "The token is sent as it is: a webhook with a signing token is the preset standard-webhooks.",
  ],
  options: {
    scheme: { algorithm: "token", header: "X-Gitlab-Token" },
    delivery_id: "header Idempotency-Key",
    event_type: "header X-Gitlab-Event",
    keep_headers: ["X-Gitlab-Event", "X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID", "X-Gitlab-Instance"],
  },
} as const satisfies Preset;
