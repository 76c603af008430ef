/** Google Pub/Sub's push subscriptions with authentication; the secret is their audience. */
import type { Preset } from "../preset.ts";

export const googlePubsub = {
  title: "Google Pub/Sub",
  page: "https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions",
  steps: [
    "In the subscription: delivery type Push, the address as endpoint, authentication enabled with a service account and an audience; payload unwrapping off.",
    "The audience is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "jwt-rs256",
      issuer: "https://accounts.google.com",
      // Whose address it is, a source says itself: `email`.
      claims: { email_verified: "true" },
    },
    delivery_id: "json message.messageId",
    // With a retry `deliveryAttempt` goes up, where there is a dead-letter topic.
    key_decides: true,
  },
} as const satisfies Preset;
