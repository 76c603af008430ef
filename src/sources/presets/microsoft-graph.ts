/** Microsoft Graph's change notifications: a state in each, and the token of a validation. */
import type { Preset } from "../preset.ts";

export const microsoftGraph = {
  title: "Microsoft Graph",
  page: "https://learn.microsoft.com/graph/change-notifications-delivery-webhooks",
  steps: [
    "Make a subscription by Graph's API with the address as notificationUrl, and this source's secret as clientState.",
    "The address may be the lifecycleNotificationUrl too. Graph's validation is answered.",
  ],
  options: {
    scheme: { algorithm: "token", each: "value", json: "clientState", covers_body: false },
    handshakes: [
      {
        match: { method: "POST", query: { validationToken: "*" } },
        signed: false,
        answer: { text: "{query.validationToken}" },
      },
    ],
    map: [{ each: "value", event: "other", event_id: "id", type: ["lifecycleEvent", "changeType"] }],
    answer: { status: 202 },
  },
} as const satisfies Preset;
