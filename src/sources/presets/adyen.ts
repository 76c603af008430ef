/** Adyen's standard notifications: each item is signed by itself, some of its members. */
import type { Preset } from "../preset.ts";

const SIGNED = [
  ...["pspReference", "originalReference", "merchantAccountCode", "merchantReference"],
  ...["amount.value", "amount.currency", "eventCode", "success"],
].map((member) => `{json.NotificationRequestItem.${member}}`);

export const adyen = {
  title: "Adyen",
  page: "https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures",
  steps: [
    "In the Customer Area, Developers, Webhooks: add a standard webhook with the address.",
    "Generate an HMAC key (hexadecimal): it is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      each: "notificationItems",
      signed: SIGNED.join(":"),
      json: "NotificationRequestItem.additionalData.hmacSignature",
      encoding: "base64",
      secret_encoding: "hex",
      covers_body: false,
    },
    map: [
      {
        each: "notificationItems",
        event: "other",
        ts: "NotificationRequestItem.eventDate",
        type: "NotificationRequestItem.eventCode",
      },
    ],
    answer: { type: "text/plain", body: "[accepted]" },
  },
} as const satisfies Preset;
