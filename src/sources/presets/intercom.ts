/** Intercom: how it signs, and what names a notification. */
import type { Preset } from "../preset.ts";

export const intercom = {
  title: "Intercom",
  page: "https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
  steps: [
    "In the Developer Hub under Webhooks enter the address, and choose topics.",
    "The app's client secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha1",
      signed: "{body}",
      header: "X-Hub-Signature",
      encoding: "hex",
      prefix: "sha1=",
    },
    map: [{ event_id: "id", ts: "created_at" }],
    event_type: "json topic",
    // With a retry `delivery_attempts` goes up.
    key_decides: true,
  },
} as const satisfies Preset;
