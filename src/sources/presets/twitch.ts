/** Twitch's EventSub: how it signs, and how a subscription is confirmed. */
import type { Preset } from "../preset.ts";

export const twitch = {
  title: "Twitch",
  page: "https://dev.twitch.tv/docs/eventsub/handling-webhook-events/",
  steps: [
    "Create EventSub subscriptions with the address as callback and this source's secret. The challenge is answered.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      encoding: "hex",
      header: "Twitch-Eventsub-Message-Signature",
      prefix: "sha256=",
      id_header: "Twitch-Eventsub-Message-Id",
      timestamp_header: "Twitch-Eventsub-Message-Timestamp",
      timestamp_format: "rfc3339",
      // What is older must be ignored, says Twitch.
      tolerance_seconds: 600,
      signed: "{id}{timestamp}{body}",
    },
    delivery_id: "header Twitch-Eventsub-Message-Id",
    event_type: "header Twitch-Eventsub-Subscription-Type",
    keep_headers: ["Twitch-Eventsub-*"],
    handshakes: [
      {
        match: {
          method: "POST",
          header: { "Twitch-Eventsub-Message-Type": "webhook_callback_verification" },
        },
        answer: { text: "{json.challenge}" },
      },
    ],
  },
} as const satisfies Preset;
